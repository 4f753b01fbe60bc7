//! How a node and its cluster come to sign tokens with one secret.

use tracing::warn;
use uuid::Uuid;

use super::{Cluster, LocalNode, NodeSecret, Result};

/// Has a node learn the cluster's secrets, or make the first one. To be called once all nodes that live have given back
/// what the backend may have forgotten: a second secret would make strangers of users.
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

/// Gives a node's secret back to a backend that may have forgotten it, and has the node learn those that others have
/// given.
///
/// # Errors
/// As [`Cluster::keep_secret`].
pub async fn share(cluster: &dyn Cluster, node: &dyn LocalNode) -> Result<()> {
    let NodeSecret::Shared(own) = node.secret() else { return Ok(()) };
    let kept = cluster.keep_secret(&own).await?;
    if kept.current != own {
        warn!(
            "The cluster signs tokens with another secret than this node did; it goes over to that one and accepts both"
        );
    }
    node.set_secrets(kept);
    Ok(())
}

/// 256 random bits.
fn new_secret() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}
