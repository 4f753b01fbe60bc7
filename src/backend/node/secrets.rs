//! Agreement of all nodes on one secret for signing tokens.

use tracing::warn;
use uuid::Uuid;

use super::{LocalNode, NodeSecret};
use crate::backend::{Cluster, Result};

/// Gives a node the cluster's secrets, or creates the first one. Must follow the restoration of all living nodes: a
/// second secret would invalidate the tokens of users.
pub(super) async fn learn(cluster: &dyn Cluster, node: &dyn LocalNode) -> Result<()> {
    if node.secret() != NodeSecret::Unknown {
        return Ok(());
    }
    let kept = match cluster.secrets().await? {
        Some(kept) => kept,
        None => cluster.keep_secret(&new_secret()).await?,
    };
    node.set_secrets(kept);
    Ok(())
}

/// Stores a node's secret again in a backend that may have lost it, and gives the node the secrets that others have
/// stored.
///
/// # Errors
/// As [`Cluster::keep_secret`].
pub async fn share(cluster: &dyn Cluster, node: &dyn LocalNode) -> Result<()> {
    let NodeSecret::Shared(own) = node.secret() else { return Ok(()) };
    let kept = cluster.keep_secret(&own).await?;
    if kept.current != own {
        warn!("cluster signs tokens with another secret; adopting it and accepting both");
    }
    node.set_secrets(kept);
    Ok(())
}

/// 256 random bits.
fn new_secret() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}
