//! One run: clients post, the fault is injected and ends, the cluster recovers, and the records are judged.

use std::time::{Duration, Instant};

use tokio::time::{sleep, sleep_until};

use super::checks;
use super::fault::Fault;
use super::heal::until_healed;
use super::logs::read_logs;
use super::notices;
use super::report::Report;
use super::scene::{Plan, Scene};
use super::truth::{self, Circumstances};
use super::verdict::judge;

/// Time in which all posts must be acknowledged once the writers have stopped.
const ACK_LIMIT: Duration = Duration::from_secs(10);
/// Time in which acknowledged messages must then be delivered.
const DELIVERY_LIMIT: Duration = Duration::from_secs(5);
/// Time after `presence.leave_grace` within which a wrong leave notice would arrive.
const WATCH: Duration = Duration::from_secs(2);
/// Time from the end of a session on a dead node to its leave notice, without the grace period: the lease, the
/// reaper's interval, and a loaded machine.
const REAPING: Duration = Duration::from_secs(8);

/// Runs a fault; `None` if a program is not installed here.
pub async fn run(fault: &Fault, plan: &Plan) -> Option<Report> {
    let mut plan = plan.clone();
    // Settings of the test override those of the fault.
    plan.settings.splice(0..0, fault.settings.iter().copied());
    let mut scene = (fault.start)(&plan).await?;
    let poster = scene.crowd.add_silent("poster", &plan.size.rooms()[0]);
    sleep(plan.warm_up).await;

    let began = Instant::now();
    (fault.inject)(&mut scene).await;
    let ended = Instant::now();
    let healed = until_healed(&scene, &poster).await;
    // A wrong leave notice arrives after the grace period.
    sleep_until((ended + plan.leave_grace + WATCH).into()).await;
    let is_all_acked = scene.crowd.stop_posting(ACK_LIMIT).await;
    let mut report = conclude(fault, &plan, &mut scene, (began, ended), healed).await;
    report.is_all_acked = is_all_acked;
    report.checks = checks::all(fault, &report);
    report.checks.append(&mut scene.findings);
    scene.crowd.leave().await;
    Some(report)
}

/// Judges once no message is missing, or after [`DELIVERY_LIMIT`].
async fn conclude(
    fault: &Fault,
    plan: &Plan,
    scene: &mut Scene,
    (began, ended): (Instant, Instant),
    healed: Result<Instant, String>,
) -> Report {
    let about = Circumstances {
        began,
        away: scene.away.clone(),
        balancer: scene.balancer.port,
        healed: healed.as_ref().ok().copied(),
    };
    // Before a session joins to read the logs, which is none of the crowd's.
    let (memories, samples) = (scene.crowd.memories(), scene.watch.samples());
    let notices = notices::judge(&memories, &about, plan.leave_grace, plan.leave_grace + REAPING);
    let untruths = truth::find_untruths(&memories, &samples, &about);
    let logs = read_logs(scene.nodes(), scene.rooms()).await;
    let deadline = Instant::now() + DELIVERY_LIMIT;
    let (memories, verdict) = loop {
        let memories = scene.crowd.memories();
        let verdict = judge(&memories, &logs);
        if verdict.missing + verdict.states == 0 || Instant::now() > deadline {
            break (memories, verdict);
        }
        sleep(Duration::from_millis(100)).await;
    };
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
