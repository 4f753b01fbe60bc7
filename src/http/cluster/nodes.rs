//! The living nodes.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::chat::NodeInfo;
use crate::http::AppState;
use crate::http::error::ApiError;

#[derive(Debug, Serialize)]
pub struct NodeList {
    data: Vec<NodeInfo>,
}

/// `GET /api/nodes`: by id.
pub async fn list_nodes(State(state): State<AppState>) -> Result<Json<NodeList>, ApiError> {
    Ok(Json(NodeList { data: state.chat.nodes().await?.to_vec() }))
}
