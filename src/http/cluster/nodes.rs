//! The living nodes.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::chat::NodeInfo;
use crate::http::AppState;
use crate::http::error::ApiError;

#[derive(Debug, Serialize, ToSchema)]
pub struct NodeList {
    data: Vec<NodeInfo>,
}

/// `GET /api/nodes`: by id.
#[utoipa::path(
    get, path = "/nodes", tag = "cluster",
    responses((status = 200, body = NodeList, description = "By id")),
)]
pub async fn list_nodes(State(state): State<AppState>) -> Result<Json<NodeList>, ApiError> {
    Ok(Json(NodeList { data: state.chat.nodes().await?.to_vec() }))
}
