//! Compares the members that nodes listed with the sessions that the clients know.
//!
//! An answer must name every session that had joined before the request, and no session that had ended more than
//! 8 seconds before.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::memory::{Memory, Session};
use super::watch::{Answer, Sample, Samples};

/// Time for which the session of a dead node may still be listed.
const GHOST_LIMIT: Duration = Duration::from_secs(8);
/// Time by which a node may know of a session's end before its client.
const HEAD_START: Duration = Duration::from_secs(1);

/// A partition of one node.
#[derive(Debug, Clone, Copy)]
pub struct Away {
    /// The port of the node.
    pub port: u16,
    /// The beginning.
    pub from: Instant,
    /// The end; restoring its sessions takes longer.
    pub to: Instant,
}

/// Facts about the run that the verdict needs besides the records.
#[derive(Debug, Clone)]
pub struct Circumstances {
    /// The beginning of the fault.
    pub began: Instant,
    /// Partitioned nodes.
    pub away: Vec<Away>,
    /// The balancer's port: its clients may be on any node.
    pub balancer: u16,
    /// The time of recovery, after which every answer must be exact.
    pub healed: Option<Instant>,
}

impl Circumstances {
    /// The partition of the session's node, if there was one.
    pub fn absence<'a>(&'a self, session: &Session, nodes: &BTreeMap<String, u16>) -> Option<&'a Away> {
        let port = nodes.get(&session.node_id).copied();
        self.away.iter().find(|away| {
            let is_hidden = port.is_none() && session.port == self.balancer;
            session.port == away.port || port == Some(away.port) || is_hidden
        })
    }
}

/// The port of each node id, from the clients that connected directly.
pub fn ports_of_nodes(memories: &[Memory], balancer: u16) -> BTreeMap<String, u16> {
    let sessions = memories.iter().flat_map(Memory::sessions);
    let direct = sessions.filter(|session| session.port != balancer && !session.node_id.is_empty());
    direct.map(|session| (session.node_id, session.port)).collect()
}

/// Invalid answers, and those that missed a session or named a ghost: one sentence each.
pub fn find_untruths(memories: &[Memory], samples: &Samples, about: &Circumstances) -> Vec<String> {
    let nodes = ports_of_nodes(memories, about.balancer);
    let mut rooms: BTreeMap<&str, Vec<(&str, Session)>> = BTreeMap::new();
    for memory in memories {
        let sessions = memory.sessions().into_iter().map(|session| (memory.name.as_str(), session));
        rooms.entry(&memory.room).or_default().extend(sessions);
    }
    let mut found = Vec::new();
    for (room, sample) in &samples.rooms {
        let Some(sessions) = rooms.get(room.as_str()) else { continue };
        let untruths = match &sample.answer {
            Answer::Names(names) => judge(sessions, sample, names, about, &nodes),
            Answer::Odd(reply) => vec![format!("answered {reply}")],
            Answer::Unavailable | Answer::Silent => Vec::new(),
        };
        found.extend(untruths.into_iter().map(|what| format!("node {} of {room}: {what}", sample.node)));
    }
    found
}

fn judge(
    sessions: &[(&str, Session)],
    sample: &Sample<Answer>,
    names: &BTreeSet<String>,
    about: &Circumstances,
    nodes: &BTreeMap<String, u16>,
) -> Vec<String> {
    let mut found = Vec::new();
    for (name, session) in sessions {
        let away = about.absence(session, nodes);
        let is_named = names.contains(session.key());
        let is_owed = session.from < sample.asked
            && session.to.is_none_or(|to| sample.answered + HEAD_START < to)
            && away.is_none_or(|away| sample.answered < away.from || is_after(about.healed, sample.asked));
        // A partitioned node may list the same ghosts for as long after it is back.
        let gone = session.to.map(|to| away.map_or(to, |away| to.max(away.to)));
        let is_ghost = gone.is_some_and(|gone| sample.asked > gone + GHOST_LIMIT);
        if is_owed && !is_named {
            found.push(format!("{name} is left out, in the room for {:?}", sample.asked - session.from));
        }
        if is_ghost && is_named {
            found.push(format!(
                "{name} is a ghost, gone for {:?}",
                sample.asked - gone.expect("a ghost is gone")
            ));
        }
    }
    found
}

fn is_after(healed: Option<Instant>, asked: Instant) -> bool {
    healed.is_some_and(|healed| asked > healed)
}
