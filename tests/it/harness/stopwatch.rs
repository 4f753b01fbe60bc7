//! Measures elapsed time and the CPU time of processes.

use std::time::{Duration, Instant};

/// A start time, and the CPU time of some processes at that moment.
#[derive(Debug)]
pub struct Stopwatch {
    began: Instant,
    before: Vec<(u32, Duration)>,
}

impl Stopwatch {
    /// Begins now.
    pub fn start(processes: &[u32]) -> Self {
        let before = processes.iter().map(|process| (*process, cpu_time(*process))).collect();
        Self { began: Instant::now(), before }
    }

    /// The time since, and the CPU time of each process in it.
    pub fn read(&self) -> (Duration, Vec<Duration>) {
        let busy = |(process, before): &(u32, Duration)| cpu_time(*process).saturating_sub(*before);
        (self.began.elapsed(), self.before.iter().map(busy).collect())
    }
}

/// The CPU time of a process.
fn cpu_time(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    // The second field is a name in brackets; 14 and 15 are hundredths of seconds in user and kernel mode.
    let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = fields[11..13].iter().map(|ticks| ticks.parse::<u64>().expect("a number")).sum();
    Duration::from_millis(10 * ticks)
}
