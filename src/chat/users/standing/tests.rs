//! Tokens compared with a standing, and the standings that a node keeps.

use super::*;
use crate::backend::Ban;
use crate::model::{Role, Timestamp, Username};
use crate::protocol::ErrorCode;

fn at(millis: u64) -> Option<Timestamp> {
    Timestamp::from_unix_millis(millis)
}

fn identity(source: Source, generation: u64, issued_at: Option<Timestamp>) -> Identity {
    let guest = Identity::guest(Username::from_trusted("রহিম"));
    Identity { source, generation, issued_at, ..guest }
}

#[test]
fn a_token_of_before_a_log_out_is_void() {
    let signed_out = Standing { generation: 50, signed_out_at: at(50), ..Standing::default() };
    for (source, generation, issued_at, is_void) in [
        (Source::Account, 0, at(99), true),
        (Source::Account, 49, at(99), true),
        (Source::Account, 50, at(1), false),
        (Source::Account, 51, at(1), false),
        (Source::Guest, 0, None, true),
        (Source::Issuer, 0, at(49), true),
        (Source::Issuer, 0, at(50), false),
        (Source::Issuer, 99, None, true),
    ] {
        let identity = identity(source, generation, issued_at);
        let outcome = identity.clone().compared_with(&signed_out).map_err(|rejection| rejection.code);
        let expected = if is_void { Err(ErrorCode::BadToken) } else { Ok(identity.clone()) };
        assert_eq!(outcome, expected, "{identity:?}");
        assert_eq!(identity.clone().compared_with(&Standing::default()), Ok(identity));
    }
}

#[test]
fn a_role_that_was_given_here_counts_more_than_that_of_the_token() {
    let moderator = Identity { role: Role::Moderator, ..identity(Source::Issuer, 0, at(1)) };
    let dismissed = Standing { role: Some(Role::Member), ..Standing::default() };
    assert_eq!(moderator.clone().compared_with(&dismissed).map(|identity| identity.role), Ok(Role::Member));
    assert_eq!(
        moderator.compared_with(&Standing::default()).map(|identity| identity.role),
        Ok(Role::Moderator)
    );
}

#[test]
fn a_banned_user_learns_why_and_for_how_long() {
    let until = at(Timestamp::now().unix_millis() + 60_000);
    let ban = |until, reason: Option<&str>| Standing {
        ban: Some(Ban { until, reason: reason.map(str::to_owned) }),
        ..Standing::default()
    };
    let refused = |standing: &Standing| identity(Source::Guest, 0, None).compared_with(standing).unwrap_err();
    let rejection = refused(&ban(until, Some("spam")));
    assert_eq!(rejection.message, format!("You are banned until {}: spam", until.unwrap()));
    assert!(rejection.retry_after.is_some_and(|wait| wait <= Duration::from_secs(60)));
    assert_eq!(rejection.reason.as_deref(), Some("spam"));
    let rejection = refused(&ban(None, None));
    assert_eq!((rejection.message.as_str(), rejection.retry_after), ("You are banned", None));
}

#[test]
fn a_standing_that_was_read_before_a_change_is_not_kept() {
    let (standings, user) = (KnownStandings::default(), UserId::guest());
    let (_, version) = standings.fresh(&user);
    standings.on_change(&user);
    standings.keep(&user, Instant::now(), Standing::default(), version);
    let (kept, version) = standings.fresh(&user);
    assert_eq!(kept, None);
    standings.keep(&user, Instant::now(), Standing::default(), version);
    assert_eq!(standings.fresh(&user).0, Some(Standing::default()));
    standings.on_possible_loss();
    assert_eq!(standings.fresh(&user).0, None);
}

#[tokio::test(start_paused = true)]
async fn the_standings_that_are_kept_are_bounded() {
    let standings = KnownStandings::default();
    let (_, version) = standings.fresh(&UserId::guest());
    for _ in 0..MOST_KEPT + 100 {
        standings.keep(&UserId::guest(), Instant::now(), Standing::default(), version);
    }
    assert_eq!(standings.lock().kept.len(), MOST_KEPT);
    tokio::time::advance(FRESH).await;
    standings.keep(&UserId::guest(), Instant::now(), Standing::default(), version);
    assert_eq!(standings.lock().kept.len(), 1);
}

#[test]
fn the_standing_of_a_user_is_read_once_at_a_time_and_again_after_a_change() {
    let standings = KnownStandings::default();
    let user = UserId::guest();
    let mut session = standings.users.register(&user, None);
    standings.on_change(&UserId::guest());
    assert!(standings.take_due().is_empty(), "it has no session here");
    standings.on_change(&user);
    assert_eq!(standings.take_due(), std::slice::from_ref(&user));
    standings.on_change(&user);
    assert!(standings.take_due().is_empty(), "it is being read");
    standings.give(&user, Standing::default());
    assert_eq!(session.take(), Some(Control::Standing(Box::default())));
    assert_eq!(standings.take_due(), std::slice::from_ref(&user));
    standings.read_again(&user);
    assert_eq!(standings.take_due(), [user], "a read that failed is tried again");
}
