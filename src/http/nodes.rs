//! The living nodes.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::AppState;
use super::error::ApiError;
use crate::chat::NodeInfo;

#[derive(Debug, Serialize)]
pub struct NodeList {
    data: Vec<NodeInfo>,
}

/// `GET /api/nodes`: by id.
pub async fn list_nodes(State(state): State<AppState>) -> Result<Json<NodeList>, ApiError> {
    Ok(Json(NodeList { data: state.chat.nodes().await?.to_vec() }))
}
