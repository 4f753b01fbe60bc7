//! Compares the join and leave notices that clients received with the real sessions.
//!
//! A return within `presence.leave_grace` causes no notice. A user that leaves for good causes one leave, a new
//! user one join.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use super::memory::{Dialect, Memory, Notice, Session, Told};
use super::truth::{Circumstances, ports_of_nodes};

/// Time by which the view of a client may differ from the cluster's.
const SLACK: Duration = Duration::from_secs(1);

/// The findings about notices.
#[derive(Debug, Default, Clone)]
pub struct Notices {
    /// Notices without a cause, as sentences.
    pub unexpected: Vec<String>,
    /// Missing leave notices, as sentences.
    pub absent: Vec<String>,
    /// Users that left for good.
    pub gone: usize,
}

/// The notices of one user that may come.
#[derive(Debug)]
struct Expected {
    name: String,
    came: Instant,
    went: Option<Instant>,
    /// Absences in between, each of which may be announced.
    breaks: usize,
}

/// Judges the notices of a run with this `presence.leave_grace`. A leave is due within `due` of the user's last session.
pub fn judge(memories: &[Memory], about: &Circumstances, leave_grace: Duration, due: Duration) -> Notices {
    let nodes = ports_of_nodes(memories, about.balancer);
    let mut rooms: BTreeMap<&str, HashMap<String, Expected>> = BTreeMap::new();
    for memory in memories {
        let users = users_of(memory, about, &nodes, leave_grace);
        rooms.entry(&memory.room).or_default().extend(users);
    }
    let gone = rooms.values().flat_map(HashMap::values).filter(|user| user.went.is_some()).count();
    let mut notices = Notices { gone, ..Notices::default() };
    for witness in memories {
        let was_away = witness.sessions().iter().any(|session| about.absence(session, &nodes).is_some());
        let due = (!was_away).then_some(due);
        judge_witness(witness, &rooms[witness.room.as_str()], about.began, due, &mut notices);
    }
    for room in rooms.keys() {
        notices.unexpected.extend(unknown_users(room, &rooms[room], memories, about.began));
    }
    notices
}

/// Users of a room that no client knows, as sentences, if they are more than the upgrades that plain clients gave up.
fn unknown_users(
    room: &str,
    users: &HashMap<String, Expected>,
    memories: &[Memory],
    began: Instant,
) -> Vec<String> {
    let inside: Vec<&Memory> = memories.iter().filter(|memory| memory.room == room).collect();
    let mut witnesses: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for witness in &inside {
        for (at, told) in &witness.events {
            if let Told::Notice { user_id, .. } = told
                && *at >= began
                && !users.contains_key(user_id)
            {
                witnesses.entry(user_id).or_default().insert(&witness.name);
            }
        }
    }
    let plain = inside.iter().filter(|memory| memory.dialect == Dialect::Plain);
    if witnesses.len() <= plain.map(|memory| memory.given_up).sum() {
        return Vec::new();
    }
    let saw = |(user, by): (&str, BTreeSet<&str>)| format!("{by:?} saw a notice of an unknown user, {user}");
    witnesses.into_iter().map(saw).collect()
}

/// The users of a client: one, or one a connection if it is plain.
fn users_of(
    memory: &Memory,
    about: &Circumstances,
    nodes: &BTreeMap<String, u16>,
    leave_grace: Duration,
) -> HashMap<String, Expected> {
    let mut stays: HashMap<String, Vec<Session>> = HashMap::new();
    for session in memory.sessions() {
        stays.entry(session.user_id.clone()).or_default().push(session);
    }
    let expect = |sessions: Vec<Session>| {
        let is_long = |pair: &[Session]| {
            pair[0].to.is_some_and(|to| pair[1].from > to + leave_grace.saturating_sub(SLACK))
        };
        // Reaped while its node was partitioned, and restored if it still existed then.
        let absent = sessions.iter().filter(|session| {
            about.absence(session, nodes).is_some_and(|away| session.to.is_none_or(|to| to > away.to))
                && about.absence(session, nodes).is_some_and(|away| session.from < away.to)
        });
        Expected {
            name: memory.name.clone(),
            came: sessions[0].from,
            went: sessions.last().and_then(|last| last.to),
            breaks: sessions.windows(2).filter(|pair| is_long(pair)).count() + absent.count(),
        }
    };
    stays.into_iter().map(|(user, sessions)| (user, expect(sessions))).collect()
}

/// Judges the notices that one client received after the fault began; before it, all clients join. `due` is `None`
/// for a client that may have missed notices.
fn judge_witness(
    witness: &Memory,
    users: &HashMap<String, Expected>,
    began: Instant,
    due: Option<Duration>,
    notices: &mut Notices,
) {
    let sessions = witness.sessions();
    let Some(entered) = sessions.first().map(|first| first.from.max(began)) else { return };
    let mut counts: HashMap<(Notice, &str), usize> = HashMap::new();
    let mut until = entered;
    for (at, told) in &witness.events {
        until = *at;
        if let Told::Notice { kind, user_id } = told
            && *at >= began
        {
            *counts.entry((*kind, user_id)).or_default() += 1;
        }
    }
    for ((kind, user_id), count) in &counts {
        // Unknown users are judged a room, not a witness.
        let Some(user) = users.get(*user_id) else { continue };
        let allowed = user.breaks
            + match kind {
                Notice::Join => usize::from(user.came + SLACK > entered),
                Notice::Leave => usize::from(user.went.is_some()),
            };
        if *count > allowed {
            let (name, others) = (&witness.name, &user.name);
            notices.unexpected.push(format!("{name} saw {count} × {kind:?} of {others}, not {allowed}"));
        }
    }
    // Notices are not logged: only a client with one unbroken session must have received all of them.
    let Some(due) = due.filter(|_| sessions.len() == 1 && sessions[0].to.is_none()) else { return };
    for (user_id, user) in users {
        let is_due = user.went.is_some_and(|went| went > entered + SLACK && went + due < until);
        if is_due && !counts.contains_key(&(Notice::Leave, user_id)) {
            notices.absent.push(format!("{} saw no leave of {}", witness.name, user.name));
        }
    }
}
