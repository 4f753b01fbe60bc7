//! Token buckets of the cluster.

use std::time::Duration;

use adda::backend::{Grant, Quota, Rate};
use adda::model::UserId;

use super::nodes::{Cluster, Node};

/// A bucket that gains nothing while a test runs.
const SLOW: Rate = Rate { every: Duration::from_secs(3600), burst: 20 };

fn quota() -> Quota {
    Quota::UserMessages(UserId::guest())
}

async fn take(node: &Node, quota: &Quota, spent: u32, wanted: u32) -> Grant {
    node.backend.quotas.take(quota, SLOW, spent, wanted).await.unwrap()
}

pub async fn all_nodes_take_from_one_bucket(mut cluster: Cluster) {
    let nodes = cluster.nodes::<3>().await;
    let quota = quota();
    let mut granted = 0;
    for round in 0..30 {
        granted += take(&nodes[round % 3], &quota, 0, 1).await.granted;
    }
    assert_eq!(granted, 20);
}

pub async fn a_bucket_gives_what_it_has_and_says_when_there_is_more(mut cluster: Cluster) {
    let node = cluster.node().await;
    let quota = quota();
    assert_eq!(take(&node, &quota, 0, 15).await, Grant { granted: 15, retry_after: Duration::ZERO });
    assert_eq!(take(&node, &quota, 0, 15).await, Grant { granted: 5, retry_after: Duration::ZERO });
    let empty = take(&node, &quota, 0, 15).await;
    assert_eq!(empty.granted, 0);
    assert!(empty.retry_after > SLOW.every / 2 && empty.retry_after <= SLOW.every, "{empty:?}");
    let quick = Rate { every: Duration::from_millis(1), burst: 2 };
    let other = Quota::AddressLogins("192.0.2.7".to_owned());
    let mut granted = 0;
    while granted < 50 {
        granted += node.backend.quotas.take(&other, quick, 0, 2).await.unwrap().granted;
    }
}

pub async fn tokens_that_were_spent_before_are_deducted(mut cluster: Cluster) {
    let node = cluster.node().await;
    let quota = quota();
    assert_eq!(take(&node, &quota, 12, 20).await.granted, 8);
    let owed = take(&node, &quota, 5, 1).await;
    assert_eq!(owed.granted, 0);
    assert!(owed.retry_after > 5 * SLOW.every && owed.retry_after <= 6 * SLOW.every, "{owed:?}");
}

pub async fn a_bucket_owes_as_much_as_it_can_hold_at_most(mut cluster: Cluster) {
    let node = cluster.node().await;
    let quota = quota();
    let owed = take(&node, &quota, u32::MAX, 1).await;
    assert_eq!(owed.granted, 0);
    assert!(owed.retry_after <= SLOW.window() + SLOW.every, "{owed:?}");
}

pub async fn each_limit_and_each_subject_has_a_bucket_of_its_own(mut cluster: Cluster) {
    let node = cluster.node().await;
    let subject = || "{a}:b %".to_owned();
    let user = UserId::parse("a").unwrap();
    for quota in [
        quota(),
        Quota::UserMessages(user),
        Quota::AddressMessages("a".to_owned()),
        Quota::AddressMessages(subject()),
        Quota::AddressLogins(subject()),
        Quota::AccountLogins(subject()),
        Quota::AddressRegistrations(subject()),
    ] {
        assert_eq!(take(&node, &quota, 0, 20).await.granted, 20, "{quota:?}");
        assert_eq!(take(&node, &quota, 0, 20).await.granted, 0, "{quota:?}");
    }
}
