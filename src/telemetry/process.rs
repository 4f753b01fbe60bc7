//! The process as the system sees it, under the names that Prometheus' client libraries give these metrics.

use std::fmt::Write;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

static STARTED: LazyLock<SystemTime> = LazyLock::new(SystemTime::now);

/// Remembers the time of the start.
pub(super) fn begin() {
    LazyLock::force(&STARTED);
}

/// Processor time of all threads since the start.
pub(super) fn cpu_time() -> Duration {
    let duration = |time: TimeVal| {
        let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
        Duration::from_secs(seconds) + Duration::from_micros(u64::try_from(time.tv_usec()).unwrap_or(0))
    };
    getrusage(UsageWho::RUSAGE_SELF)
        .map(|usage| duration(usage.user_time()) + duration(usage.system_time()))
        .unwrap_or_default()
}

/// Resident memory; 0 where the system does not say. Linux alone does.
pub(super) fn memory_bytes() -> u64 {
    std::fs::read_to_string("/proc/self/status").ok().and_then(|status| resident(&status)).unwrap_or(0)
}

/// Of `VmRSS:     5120 kB`.
fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// Descriptors that the process has open. Linux alone says so, and since 6.2 as the size of the folder: to list
/// 20,000 takes it 30 ms.
pub(super) fn open_descriptors() -> Option<u64> {
    const FOLDER: &str = "/proc/self/fd";
    let size = std::fs::metadata(FOLDER).ok()?.len();
    if size > 0 { Some(size) } else { Some(std::fs::read_dir(FOLDER).ok()?.count() as u64) }
}

/// The metrics in Prometheus' text format. Seconds have fractions, which the exporter's counters have not.
pub fn process_metrics() -> String {
    let started = STARTED.duration_since(UNIX_EPOCH).unwrap_or_default();
    let limit = rlimit::Resource::NOFILE.get_soft().unwrap_or(u64::MAX);
    let metrics = [
        ("cpu_seconds_total", "counter", "Processor time of this process", cpu_time().as_secs_f64()),
        ("resident_memory_bytes", "gauge", "Resident memory of this process", memory_bytes() as f64),
        ("open_fds", "gauge", "Open descriptors", open_descriptors().unwrap_or(0) as f64),
        ("max_fds", "gauge", "Descriptors that this process may open", limit as f64),
        ("start_time_seconds", "gauge", "Start of this process, since 1970", started.as_secs_f64()),
    ];
    let mut text = String::new();
    for (name, kind, help, value) in metrics {
        let name = format!("process_{name}");
        // A text takes whatever is written to it.
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_read_from_the_status() {
        assert_eq!(resident("Name:\tadda\nVmRSS:\t    5120 kB\nThreads:\t4\n"), Some(5120 * 1024));
        for junk in ["", "VmRSS:\t5120\n", "VmRSS:\tx kB\n"] {
            assert_eq!(resident(junk), None, "{junk:?}");
        }
    }

    #[test]
    fn a_process_has_used_a_processor_and_memory() {
        assert!(cpu_time() > Duration::ZERO);
        assert!(memory_bytes() > 1 << 20);
        assert!(
            process_metrics()
                .contains("# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total ")
        );
    }
}
