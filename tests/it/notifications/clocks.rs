//! Redis' clock is set back and forward while schedules are due: each time is fired once, and none is lost.

use std::collections::BTreeSet;

use adda::model::{Role, Timestamp};
use serde_json::json;

use super::{Admin, SETTINGS, ids, token, unseen};
use crate::harness::redis::RedisServer;
use crate::harness::{Cluster, LONG_DEADLINE, eventually};

const HOUR: i64 = 3600;

/// A time of RFC 3339 so many seconds from now, by the real clock.
fn time_in(seconds: i64) -> String {
    let millis = Timestamp::now().unix_millis().saturating_add_signed(seconds * 1000);
    Timestamp::from_unix_millis(millis).expect("a time").to_string()
}

#[tokio::test]
async fn a_clock_that_is_set_while_schedules_are_due_fires_each_once_and_loses_none() {
    let Some(redis) = RedisServer::with_clock(&["--appendfsync", "always"]).await else { return };
    let urls = vec![redis.url(); 2];
    let settings = [&SETTINGS[..], &[("notifications.kept", "1000")]].concat();
    let cluster = Cluster::reaching(redis, &urls, &settings).await;
    let node = &cluster.nodes[0];
    let (admin, away) = (Admin::new(), token("away", Role::Member));
    let to = json!({ "user_id": "away" });
    let periodic = json!({ "to": to, "content": "tick", "every_s": 1 });
    let periodic = admin.schedules(node, periodic).await;
    let once = json!({ "to": to, "content": "once", "at": time_in(HOUR / 2) });
    let once = admin.schedules(&cluster.nodes[1], once).await;
    let mut seen = BTreeSet::new();
    let mut fired = async |schedule: &str| {
        let ids = ids(&unseen(&away, node).await);
        let count = ids.len();
        let distinct: BTreeSet<String> = ids.into_iter().collect();
        assert_eq!(distinct.len(), count, "no time has two notifications");
        seen.extend(distinct.iter().cloned());
        assert_eq!(seen, distinct, "none is lost again");
        distinct.iter().filter(|id| id.starts_with(schedule)).count()
    };
    // Back, forward beyond the one time, back before it, and as it is.
    for hours in [0, -1, 0, 2, -3, 1, 0] {
        cluster.redis.set_clock(hours * HOUR);
        let before = fired(&periodic).await;
        eventually("the periods go on", LONG_DEADLINE, async || {
            (fired(&periodic).await >= before + 3).then_some(())
        })
        .await;
        if hours == 2 {
            eventually("the one time is fired", LONG_DEADLINE, async || {
                (fired(&once).await == 1).then_some(())
            })
            .await;
        }
    }
    assert_eq!(fired(&once).await, 1, "not again");
    assert_eq!(admin.asks(node, "DELETE", &format!("/api/schedules/{once}"), None).await.status, 404);
}
