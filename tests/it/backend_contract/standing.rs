//! The standing of users, on every node as it was last set.

use std::time::Duration;

use adda::backend::{BackendError, BackendEvent, Ban, Channel, Standing, StandingChange};
use adda::model::{ControlEvent, Event, Role, Timestamp, UserId};
use futures_util::future::join_all;

use super::nodes::{Cluster, Node};
use crate::harness::{DEADLINE, eventually};

async fn standing(node: &Node, user: &UserId) -> Standing {
    node.backend.standings.standings(std::slice::from_ref(user)).await.unwrap().pop().unwrap()
}

async fn change(node: &Node, user: &UserId, change: StandingChange) -> Standing {
    node.backend.standings.change(user, change).await.unwrap()
}

fn ban(lasts: Option<Duration>, reason: Option<&str>) -> StandingChange {
    StandingChange::Ban { lasts, reason: reason.map(str::to_owned) }
}

/// The banned users on a page, and where the next one begins.
async fn banned(node: &Node, before: Option<u64>, limit: usize) -> (Vec<UserId>, Option<u64>) {
    let page = node.backend.standings.bans(before, limit).await.unwrap();
    (page.bans.into_iter().map(|banned| banned.user).collect(), page.next)
}

pub async fn a_user_of_whom_nothing_is_stored_has_the_default_standing(mut cluster: Cluster) {
    let node = cluster.node().await;
    assert_eq!(standing(&node, &UserId::guest()).await, Standing::default());
    assert_eq!(node.backend.standings.standings(&[]).await.unwrap(), []);
    assert_eq!(banned(&node, None, 10).await, (vec![], None));
}

pub async fn a_change_of_standing_is_seen_on_every_node(mut cluster: Cluster) {
    let nodes = cluster.nodes::<2>().await;
    let users = [UserId::guest(), UserId::parse("রহিম{:}%").unwrap(), UserId::guest()];
    let changed = change(&nodes[0], &users[1], StandingChange::SetRole(Role::Moderator)).await;
    assert_eq!(changed, Standing { role: Some(Role::Moderator), ..Standing::default() });
    change(&nodes[1], &users[1], ban(None, Some("স্প্যাম"))).await;
    let expected = Standing {
        role: Some(Role::Moderator),
        ban: Some(Ban { until: None, reason: Some("স্প্যাম".to_owned()) }),
        ..Standing::default()
    };
    for node in &nodes {
        let standings = node.backend.standings.standings(&users).await.unwrap();
        assert_eq!(standings, [Standing::default(), expected.clone(), Standing::default()]);
    }
    assert_eq!(change(&nodes[0], &users[1], StandingChange::Unban).await.ban, None);
    assert_eq!(standing(&nodes[1], &users[1]).await.role, Some(Role::Moderator));
}

pub async fn each_generation_is_larger_than_the_one_before(mut cluster: Cluster) {
    let (nodes, user) = (cluster.nodes::<2>().await, UserId::guest());
    let before = Timestamp::now().unix_millis();
    let changing = (0..20).map(|round| change(&nodes[round % 2], &user, StandingChange::NextGeneration));
    let mut generations: Vec<u64> =
        join_all(changing).await.into_iter().map(|standing| standing.generation).collect();
    generations.sort_unstable();
    assert!(generations.is_sorted_by(|one, next| one < next), "{generations:?}");
    // Both clocks are this machine's.
    assert!(generations[0] >= before, "{generations:?} began after {before}");
    let present = standing(&nodes[1], &user).await;
    assert_eq!(Some(&present.generation), generations.last());
    let signed_out_at = present.signed_out_at.expect("a time").unix_millis();
    assert!(signed_out_at >= before && signed_out_at <= present.generation, "{signed_out_at}");
}

pub async fn a_ban_ends_by_itself(mut cluster: Cluster) {
    let (nodes, user) = (cluster.nodes::<2>().await, UserId::guest());
    let set = change(&nodes[0], &user, ban(Some(Duration::from_millis(300)), None)).await;
    let until = set.ban.expect("it is set").until.expect("an end");
    assert!(until <= Timestamp::from_unix_millis(Timestamp::now().unix_millis() + 300).unwrap(), "{until}");
    eventually("it ends", DEADLINE, async || {
        (standing(&nodes[1], &user).await == Standing::default()).then_some(())
    })
    .await;
    assert_eq!(banned(&nodes[1], None, 10).await, (vec![], None));
}

pub async fn a_later_ban_replaces_an_earlier_one(mut cluster: Cluster) {
    let (node, user) = (cluster.node().await, UserId::guest());
    change(&node, &user, ban(None, Some("spam"))).await;
    let ban = change(&node, &user, ban(Some(Duration::from_secs(60)), None)).await.ban.unwrap();
    assert!(ban.until.is_some() && ban.reason.is_none(), "{ban:?}");
    assert_eq!(banned(&node, None, 10).await.0, [user]);
}

pub async fn bans_come_in_pages_with_the_newest_first(mut cluster: Cluster) {
    let nodes = cluster.nodes::<2>().await;
    let mut users: Vec<UserId> = (0..7).map(|_| UserId::guest()).collect();
    for (round, user) in users.iter().enumerate() {
        change(&nodes[round % 2], user, ban(None, None)).await;
    }
    change(&nodes[0], &users.remove(3), StandingChange::Unban).await;
    // It is banned again, and so comes first.
    let again = users.remove(0);
    change(&nodes[0], &again, ban(None, None)).await;
    users.push(again);
    users.reverse();
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let (page, next) = banned(&nodes[1], before, 2).await;
        found.extend(page);
        before = next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(found, users);
    let since = nodes[1].backend.standings.bans(None, 10).await.unwrap().bans[0].since;
    assert!(Timestamp::now().unix_millis().abs_diff(since.unix_millis()) < 60_000, "{since}");
}

pub async fn the_last_admin_keeps_the_role(mut cluster: Cluster) {
    let ([here, there], [one, other]) = (cluster.nodes().await, [UserId::guest(), UserId::guest()]);
    let dismissed = StandingChange::SetRole(Role::Member);
    change(&here, &one, StandingChange::SetRole(Role::Admin)).await;
    for _ in 0..2 {
        let refused = there.backend.standings.change(&one, dismissed.clone()).await;
        assert!(matches!(refused, Err(BackendError::LastAdmin)), "{refused:?}");
    }
    assert_eq!(standing(&here, &one).await.role, Some(Role::Admin));
    change(&there, &other, StandingChange::SetRole(Role::Admin)).await;
    let both = [&one, &other].map(|user| here.backend.standings.change(user, dismissed.clone()));
    let outcomes = join_all(both).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_err()).count(), 1, "{outcomes:?}");
    change(&here, &UserId::guest(), dismissed).await;
}

pub async fn only_the_log_outs_of_guests_are_forgotten(mut cluster: Cluster) {
    cluster.config.auth.token_ttl = Duration::from_millis(300);
    cluster.shorten_timers();
    let node = cluster.node().await;
    let [signed_out, unbanned, banned_briefly, banned, member, guest] = [(); 6].map(|()| UserId::guest());
    let (log_out, of_guest) = (StandingChange::NextGeneration, StandingChange::NextGuestGeneration);
    change(&node, &banned, of_guest.clone()).await;
    change(&node, &banned, ban(None, None)).await;
    change(&node, &member, StandingChange::SetRole(Role::Member)).await;
    let promoted = change(&node, &member, of_guest.clone()).await;
    let briefly = change(&node, &banned_briefly, ban(Some(Duration::from_secs(60)), None)).await;
    change(&node, &signed_out, of_guest.clone()).await;
    let kept = change(&node, &signed_out, log_out.clone()).await;
    change(&node, &unbanned, log_out).await;
    change(&node, &unbanned, ban(Some(Duration::from_millis(300)), None)).await;
    let cleared = change(&node, &unbanned, StandingChange::Unban).await;
    let last = change(&node, &guest, of_guest.clone()).await;
    eventually("the guest's is forgotten", DEADLINE, async || {
        (standing(&node, &guest).await == Standing::default()).then_some(())
    })
    .await;
    for (user, expected) in
        [(&signed_out, &kept), (&unbanned, &cleared), (&banned_briefly, &briefly), (&member, &promoted)]
    {
        assert_eq!(standing(&node, user).await, *expected);
    }
    assert!(standing(&node, &banned).await.ban.is_some());
    // A token of before must not be valid again.
    let next = change(&node, &guest, of_guest).await;
    assert!(next.generation > last.generation, "{next:?}");
}

pub async fn a_log_out_voids_the_token_that_is_shown_and_no_later_one_takes_that_back(mut cluster: Cluster) {
    let (node, user) = (cluster.node().await, UserId::guest());
    let ahead = Timestamp::from_unix_millis(Timestamp::now().unix_millis() + 3_600_000).expect("a time");
    let signed_out_at =
        async |log_out| change(&node, &user, log_out).await.signed_out_at.expect("signed out");
    let first = signed_out_at(StandingChange::NextGeneration).await;
    assert!(first < ahead);
    let shown = signed_out_at(StandingChange::NextGenerationAfter(ahead)).await;
    assert!(shown > ahead);
    // As by a clock that is set back.
    assert_eq!(signed_out_at(StandingChange::NextGeneration).await, shown);
    assert_eq!(signed_out_at(StandingChange::NextGenerationAfter(first)).await, shown);
}

pub async fn every_node_is_told_of_a_change_of_standing(mut cluster: Cluster) {
    let (mut nodes, user) = (cluster.nodes::<2>().await, UserId::guest());
    for node in &nodes {
        node.backend.pubsub.subscribe(&Channel::Control).await.unwrap();
    }
    let changed = change(&nodes[0], &user, StandingChange::NextGeneration).await;
    nodes[0].backend.tell_change(&user).await.unwrap();
    for node in &mut nodes {
        let event = Event::Control(ControlEvent::UserChanged(user.clone()));
        assert_eq!(node.next().await, BackendEvent::Published(Channel::Control, event));
        assert_eq!(standing(node, &user).await, changed);
    }
}
