//! One run: the crowd talks, the fault comes and goes, all heals, and everything is judged.

use std::time::{Duration, Instant};

use tokio::time::{sleep, sleep_until};

use super::checks;
use super::crowd::read_logs;
use super::fault::Fault;
use super::heal::until_healed;
use super::notices;
use super::report::Report;
use super::scene::{Plan, Scene};
use super::truth::{self, Circumstances};
use super::verdict::judge;
use crate::harness::Http;

/// All that was said must be acknowledged so soon after the writers fell silent.
const ACK_LIMIT: Duration = Duration::from_secs(10);
/// And what was acknowledged must have come so soon after.
const DELIVERY_LIMIT: Duration = Duration::from_secs(5);
/// After `presence.leave_grace`, the time in which a wrong leave shows.
const WATCH: Duration = Duration::from_secs(2);
/// From the end of an unclean session whose node died to its leave, without the linger: the lease, the reaper's
/// rhythm, and a loaded machine.
const REAPING: Duration = Duration::from_secs(8);

/// Runs a fault; `None` if a program is not installed here.
pub async fn run(fault: &Fault, plan: &Plan) -> Option<Report> {
    let mut plan = plan.clone();
    // What a test says goes before what the fault says.
    plan.settings.splice(0..0, fault.settings.iter().copied());
    let mut scene = (fault.start)(&plan).await?;
    let poster = scene.crowd.add_silent("poster", &plan.size.rooms()[0]);
    sleep(plan.warm_up).await;

    let began = Instant::now();
    (fault.inject)(&mut scene).await;
    let ended = Instant::now();
    let healed = until_healed(&scene, &poster).await;
    // Wrong leaves come late.
    sleep_until((ended + plan.leave_grace + WATCH).into()).await;
    let is_all_acked = scene.crowd.hush(ACK_LIMIT).await;
    let mut report = conclude(fault, &plan, &mut scene, (began, ended), healed).await;
    report.is_all_acked = is_all_acked;
    report.checks = checks::all(fault, &report);
    report.checks.append(&mut scene.findings);
    scene.crowd.leave().await;
    Some(report)
}

/// Judges as soon as nothing is missing, or when the time for it is over.
async fn conclude(
    fault: &Fault,
    plan: &Plan,
    scene: &mut Scene,
    (began, ended): (Instant, Instant),
    healed: Result<Instant, String>,
) -> Report {
    let logs = read_logs(Http::new(scene.nodes()[0]), scene.rooms()).await;
    let deadline = Instant::now() + DELIVERY_LIMIT;
    let (memories, verdict) = loop {
        let memories = scene.crowd.memories();
        let verdict = judge(&memories, &logs);
        if verdict.missing == 0 || Instant::now() > deadline {
            break (memories, verdict);
        }
        sleep(Duration::from_millis(100)).await;
    };
    let about = Circumstances {
        began,
        away: scene.away.clone(),
        balancer: scene.balancer.port,
        healed: healed.as_ref().ok().copied(),
    };
    let samples = scene.watch.samples();
    let notices = notices::judge(&memories, &about, plan.leave_grace, plan.leave_grace + REAPING);
    let untruths = truth::find_untruths(&memories, &samples, &about);
    let healed = healed.map(|healed| healed - ended);
    Report {
        fault: *fault,
        length: plan.length,
        began,
        ended,
        healed,
        is_all_acked: false,
        verdict,
        notices,
        untruths,
        memories,
        samples,
        checks: Vec::new(),
    }
}
