//! The living nodes.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::Site;
use super::error::ApiError;
use crate::chat::NodeInfo;

#[derive(Debug, Serialize)]
pub struct NodeList {
    data: Vec<NodeInfo>,
}

/// `GET /api/nodes`: by id.
pub async fn list_nodes(State(site): State<Site>) -> Result<Json<NodeList>, ApiError> {
    Ok(Json(NodeList { data: site.chat.nodes().await?.to_vec() }))
}
