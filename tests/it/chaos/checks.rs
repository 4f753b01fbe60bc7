//! The checks of a run: ten for every fault, others for some. Each has a name and describes its violation.

use std::fmt::Display;
use std::time::Duration;

use super::fault::{Check, Fault};
use super::report::Report;
use super::scene::Length;
use super::verdict::Kind;

/// Checks of every run.
const ALWAYS: [Check; 10] = [
    Check {
        name: "nothing acknowledged is missing",
        holds: |run| none(run, Kind::Missing, run.verdict.missing),
    },
    Check { name: "nothing comes twice", holds: |run| none(run, Kind::Doubled, run.verdict.doubled) },
    Check {
        name: "all readers see one order",
        holds: |run| none(run, Kind::Disordered, run.verdict.disordered),
    },
    Check {
        name: "no position names two messages",
        holds: |run| none(run, Kind::Conflict, run.verdict.conflicts),
    },
    Check {
        name: "no number is skipped without a gap or a reset",
        holds: |run| none(run, Kind::Hole, run.verdict.holes),
    },
    Check {
        name: "all readers and pages agree on what messages are now",
        holds: |run| none(run, Kind::State, run.verdict.states),
    },
    Check { name: "every join and leave notice has its cause", holds: |run| no(&run.notices.unexpected) },
    Check { name: "REST misses no session and names no ghost", holds: |run| no(&run.untruths) },
    Check { name: "every post is acknowledged", holds: |run| true_or(run.is_all_acked, "not all was") },
    Check { name: "the cluster recovers", holds: |run| run.healed.clone().map(drop) },
];

/// No connection ended.
pub const NO_SESSION_DROPPED: Check = Check {
    name: "no session is dropped",
    holds: |run| true_or(run.verdict.dropped == 0, run.verdict.dropped),
};

/// Redis keeps everything, so no message may be lost, announced or not.
pub const NOTHING_LOST: Check = Check {
    name: "no message is lost, not even announced",
    holds: |run| true_or(run.verdict.announced == 0, run.verdict.announced),
};

/// The nodes have recovered 2 s after Redis.
pub const HEALED_IN_2_S: Check = Check { name: "healed within 2 s", holds: |run| healed_within(run, 2) };

/// The cluster has recovered 8 s after the end of the fault.
pub const HEALED_IN_8_S: Check = Check { name: "healed within 8 s", holds: |run| healed_within(run, 8) };

/// Sessions receive a `reset` for the new epoch.
pub const RESETS_TOLD: Check = Check {
    name: "resets are announced",
    holds: |run| true_or(run.verdict.resets > 0, "no session received a reset"),
};

/// Every node is not ready while Redis is unreachable, and ready after recovery.
pub const READINESS_SAID_NO: Check =
    Check { name: "every node says that it is not ready", holds: readiness_said_no };

/// Nodes that can serve stay ready.
pub const READINESS_SAID_YES: Check =
    Check { name: "no node says that it is not ready", holds: readiness_said_yes };

/// Each user that left for good is announced once to every client of the room.
pub const LEAVES_ONCE: Check = Check { name: "each user that left for good leaves once", holds: leaves_once };

/// Some connections ended, so reconnecting was exercised, and every client is back.
pub const SESSIONS_MOVED: Check = Check {
    name: "sessions were dropped, and came back",
    holds: |run| {
        true_or(run.verdict.dropped > 0, "none was dropped")?;
        let is_out = |memory: &super::memory::Memory| {
            !memory.is_gone && memory.sessions().last().is_none_or(|last| last.to.is_some())
        };
        let away: Vec<_> =
            run.memories.iter().filter(|memory| is_out(memory)).map(|memory| memory.name.clone()).collect();
        no(&away)
    },
};

/// The results of all checks of a run.
pub fn all(fault: &Fault, report: &Report) -> Vec<(&'static str, Result<(), String>)> {
    let checks = ALWAYS.iter().chain(fault.expects);
    checks.map(|check| (check.name, (check.holds)(report))).collect()
}

fn none(run: &Report, kind: Kind, count: usize) -> Result<(), String> {
    let details = run.verdict.details.get(&kind).map(|details| details.join("; ")).unwrap_or_default();
    true_or(count == 0, format_args!("{count}: {details}"))
}

fn no(findings: &[String]) -> Result<(), String> {
    let shown: Vec<_> = findings.iter().take(6).map(String::as_str).collect();
    true_or(findings.is_empty(), format_args!("{}: {}", findings.len(), shown.join("; ")))
}

fn true_or(is_true: bool, else_what: impl Display) -> Result<(), String> {
    if is_true { Ok(()) } else { Err(else_what.to_string()) }
}

/// Recovery times are promised for an idle machine. Short runs are tests on a shared one and ignore them.
fn healed_within(run: &Report, seconds: u64) -> Result<(), String> {
    match run.healed {
        Ok(healed) if run.length == Length::Full && healed > Duration::from_secs(seconds) => {
            Err(format!("{:.1} s", healed.as_secs_f64()))
        }
        _ => Ok(()),
    }
}

/// One renewal each second and 2 s for its answer, or a canary that is 3 s late; and half a second for the sampling.
const NO_WITHIN: Duration = Duration::from_millis(3_500);

fn readiness_said_no(run: &Report) -> Result<(), String> {
    let nodes: std::collections::BTreeSet<_> =
        run.samples.readiness.iter().map(|sample| sample.node).collect();
    for node in nodes {
        let during = run.samples.readiness.iter().filter(|sample| {
            sample.node == node && sample.asked >= run.began && sample.answered <= run.ended
        });
        let mut said_no = false;
        for sample in during {
            let is_late = run.length == Length::Full && sample.asked > run.began + NO_WITHIN;
            true_or(
                said_no || !is_late,
                format_args!("node {node} said {:?} after {NO_WITHIN:?}", sample.answer),
            )?;
            said_no |= sample.answer == Some(503);
            let is_back = said_no && sample.answer == Some(200);
            true_or(!is_back, format_args!("node {node} was ready again before the fault was over"))?;
        }
        true_or(said_no, format_args!("node {node} never said no"))?;
    }
    Ok(())
}

fn readiness_said_yes(run: &Report) -> Result<(), String> {
    let samples = run.samples.readiness.iter();
    let said_no = samples.filter(|sample| sample.asked >= run.began && sample.answer == Some(503));
    let nodes: Vec<_> = said_no.map(|sample| format!("node {}", sample.node)).collect();
    no(&nodes)
}

fn leaves_once(run: &Report) -> Result<(), String> {
    true_or(run.notices.gone > 0, "no user left")?;
    no(&run.notices.absent)
}
