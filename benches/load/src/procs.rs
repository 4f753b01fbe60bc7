//! CPU seconds and resident memory of given processes, from /proc.

#[derive(Clone)]
pub struct Watched {
    pub name: String,
    pub pid: u32,
}

#[derive(Clone, Copy, Default)]
pub struct Sample {
    pub user: f64,
    pub sys: f64,
    pub rss: u64,
    pub anon: u64,
    pub hwm: u64,
    pub alive: bool,
}

impl Sample {
    pub fn cpu(&self) -> f64 {
        self.user + self.sys
    }
}

pub fn sample(pid: u32) -> Sample {
    let mut s = Sample::default();
    if let Ok(t) = std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        if let Some(i) = t.rfind(')') {
            let f: Vec<&str> = t[i + 2..].split(' ').collect();
            let hz = unsafe { libc::sysconf(libc::_SC_CLK_TCK) } as f64;
            s.user = f[11].parse::<f64>().unwrap_or(0.0) / hz;
            s.sys = f[12].parse::<f64>().unwrap_or(0.0) / hz;
            s.alive = true;
        }
    }
    if let Ok(t) = std::fs::read_to_string(format!("/proc/{pid}/status")) {
        for l in t.lines() {
            let kb = || l.split_whitespace().nth(1).and_then(|v| v.parse::<u64>().ok()).unwrap_or(0) * 1024;
            if l.starts_with("VmRSS:") {
                s.rss = kb()
            } else if l.starts_with("RssAnon:") {
                s.anon = kb()
            } else if l.starts_with("VmHWM:") {
                s.hwm = kb()
            }
        }
    }
    s
}

pub fn sample_all(w: &[Watched]) -> Vec<Sample> {
    w.iter().map(|x| sample(x.pid)).collect()
}
