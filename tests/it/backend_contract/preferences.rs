//! The preferences of users.

use std::time::Duration;

use adda::backend::{ReadSharing, Reader, ReaderKind};
use adda::model::UserId;

use super::nodes::{Cluster, Node};
use crate::harness::{DEADLINE, eventually};

fn reader(user: &UserId, kind: ReaderKind) -> Reader {
    Reader { user: user.clone(), kind }
}

async fn share(node: &Node, user: &Reader, sharing: ReadSharing) {
    node.backend.preferences.share_reading(user, sharing).await.unwrap();
}

pub async fn everybody_shares_what_it_has_read_until_it_says_otherwise(mut cluster: Cluster) {
    let [here, there] = cluster.nodes().await;
    let users = [UserId::guest(), UserId::parse("রহিম:{x}%").unwrap(), UserId::guest()];
    let all = async |node: &Node| node.backend.preferences.read_sharing(&users).await.unwrap();
    assert_eq!(all(&here).await, [ReadSharing::On; 3]);
    let second = reader(&users[1], ReaderKind::Lasting);
    for _ in 0..2 {
        share(&here, &second, ReadSharing::Off).await;
        assert_eq!(all(&there).await, [ReadSharing::On, ReadSharing::Off, ReadSharing::On]);
    }
    share(&there, &second, ReadSharing::On).await;
    assert_eq!(all(&here).await, [ReadSharing::On; 3]);
    assert!(here.backend.preferences.read_sharing(&[]).await.unwrap().is_empty());
}

pub async fn what_a_guest_prefers_is_forgotten_with_its_tokens(mut cluster: Cluster) {
    cluster.config.auth.token_ttl = Duration::from_millis(300);
    cluster.shorten_timers();
    let node = cluster.node().await;
    let users = [UserId::guest(), UserId::guest()];
    share(&node, &reader(&users[0], ReaderKind::Lasting), ReadSharing::Off).await;
    share(&node, &reader(&users[1], ReaderKind::Guest), ReadSharing::Off).await;
    eventually("the guest is forgotten", DEADLINE, async || {
        let sharing = node.backend.preferences.read_sharing(&users).await.unwrap();
        assert_eq!(sharing[0], ReadSharing::Off);
        sharing[1].is_on().then_some(())
    })
    .await;
    // A guest that is a lasting user from now on is kept.
    let users = [users[1].clone(), UserId::guest()];
    for kind in [ReaderKind::Guest, ReaderKind::Lasting] {
        share(&node, &reader(&users[0], kind), ReadSharing::Off).await;
    }
    share(&node, &reader(&users[1], ReaderKind::Guest), ReadSharing::Off).await;
    eventually("the later guest is forgotten", DEADLINE, async || {
        let sharing = node.backend.preferences.read_sharing(&users).await.unwrap();
        assert_eq!(sharing[0], ReadSharing::Off);
        sharing[1].is_on().then_some(())
    })
    .await;
}
