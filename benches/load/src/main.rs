//! adda-load: a neutral load generator for chat servers over WebSocket.
//! Loopback only; every run is bounded in count and in time. See README.md.

mod engine;
mod procs;
mod proto;

use engine::{Engine, hist, now_ns};
use hdrhistogram::Histogram;
use procs::{Sample, Watched, sample_all};
use std::net::SocketAddrV4;

const SEC: u64 = 1_000_000_000;
const MAX_CONNS: usize = 120_000;
const MAX_SECS: f64 = 600.0;

struct Args {
    mode: String,
    proto: String,
    urls: Vec<SocketAddrV4>,
    srcs: Vec<[u8; 4]>,
    conns: usize,
    rooms: usize,
    members: usize,
    per_session: usize,
    publishers: usize,
    rate: f64,
    window: u32,
    size: usize,
    warmup: f64,
    duration: f64,
    settle: f64,
    drain: f64,
    deadline: f64,
    concurrency: usize,
    ramp_start: f64,
    ramp_factor: f64,
    ramp_bisect: u32,
    ramp_max: f64,
    p99_limit_ms: f64,
    coalesce_us: f64,
    ordered: bool,
    pids: Vec<Watched>,
    label: String,
    opts: proto::Opts,
}

const USAGE: &str = "adda-load MODE --proto P --url ws://127.0.0.1:PORT [--url ...] [options]
 MODE  multirooms (--conns N --members M --rooms-per-session K: N*K/M rooms) | idle | joinstorm | fanout | manyrooms | ramp (fanout, the highest rate that holds)
 --proto adda|adda-v1|raw   --label TEXT
 --conns N (subscribers)  --rooms R  --members M (manyrooms)  --publishers P
 --rate MSG_PER_S (total) | --window W (closed loop: W messages in flight per publisher)
 --size BYTES  --warmup S  --duration S  --settle S  --drain S  --deadline S
 --coalesce-us US (look for ready sockets only this often; default 0: be woken by each)
 --concurrency C (joins in flight)  --src 127.0.0.2 (repeatable)
 --ramp-start R --ramp-factor F --ramp-bisect K --ramp-max R --p99-limit-ms MS --ordered 1 (order is part of holding)
 --pid name=PID (repeatable; a name that starts with redis is summed apart)
 --joined-marker TEXT (adda)";

fn parse() -> Result<Args, String> {
    let mut it = std::env::args().skip(1);
    let mode = it.next().ok_or(USAGE)?;
    let mut a = Args {
        mode,
        proto: String::new(),
        urls: vec![],
        srcs: vec![],
        conns: 1000,
        rooms: 1,
        members: 10,
        per_session: 1,
        publishers: 2,
        rate: 50.0,
        window: 0,
        size: 128,
        warmup: 2.0,
        duration: 8.0,
        settle: 1.0,
        drain: 5.0,
        deadline: 180.0,
        concurrency: 128,
        ramp_start: 50.0,
        ramp_factor: 1.5,
        ramp_bisect: 2,
        ramp_max: 20_000.0,
        p99_limit_ms: 250.0,
        coalesce_us: 0.0,
        ordered: false,
        pids: vec![],
        label: String::new(),
        opts: proto::Opts { joined_marker: None },
    };
    while let Some(k) = it.next() {
        let v = it.next().ok_or_else(|| format!("{k} needs a value\n{USAGE}"))?;
        let f = || v.parse::<f64>().map_err(|e| format!("{k} {v}: {e}"));
        let u = || v.parse::<usize>().map_err(|e| format!("{k} {v}: {e}"));
        match k.as_str() {
            "--proto" => a.proto = v.clone(),
            "--label" => a.label = v.clone(),
            "--url" => {
                let h = v.strip_prefix("ws://").unwrap_or(&v).trim_end_matches('/');
                let h = h.replace("localhost", "127.0.0.1");
                let s: SocketAddrV4 = h.parse().map_err(|e| format!("--url {v}: {e}"))?;
                if !s.ip().is_loopback() {
                    return Err("loopback only".into());
                }
                a.urls.push(s);
            }
            "--src" => {
                let s: std::net::Ipv4Addr = v.parse().map_err(|e| format!("--src {v}: {e}"))?;
                if !s.is_loopback() {
                    return Err("loopback only".into());
                }
                a.srcs.push(s.octets());
            }
            "--conns" => a.conns = u()?,
            "--rooms" => a.rooms = u()?,
            "--members" => a.members = u()?,
            "--rooms-per-session" => a.per_session = u()?,
            "--publishers" => a.publishers = u()?,
            "--rate" => a.rate = f()?,
            "--window" => a.window = u()? as u32,
            "--size" => a.size = u()?,
            "--warmup" => a.warmup = f()?,
            "--duration" => a.duration = f()?,
            "--settle" => a.settle = f()?,
            "--drain" => a.drain = f()?,
            "--deadline" => a.deadline = f()?,
            "--concurrency" => a.concurrency = u()?,
            "--ramp-start" => a.ramp_start = f()?,
            "--ramp-factor" => a.ramp_factor = f()?,
            "--ramp-bisect" => a.ramp_bisect = u()? as u32,
            "--ramp-max" => a.ramp_max = f()?,
            "--p99-limit-ms" => a.p99_limit_ms = f()?,
            "--ordered" => a.ordered = v == "1",
            "--coalesce-us" => a.coalesce_us = f()?,
            "--joined-marker" => a.opts.joined_marker = Some(v.clone()),
            "--pid" => {
                let (n, p) = v.split_once('=').ok_or("--pid name=PID")?;
                a.pids
                    .push(Watched { name: n.into(), pid: p.parse().map_err(|e| format!("--pid {v}: {e}"))? });
            }
            _ => return Err(format!("unknown option {k}\n{USAGE}")),
        }
    }
    if a.urls.is_empty() {
        return Err(format!("--url is needed\n{USAGE}"));
    }
    if a.mode == "manyrooms" {
        a.conns = a.rooms * a.members;
    }
    if a.mode == "multirooms" {
        if a.members == 0 || a.conns % a.members != 0 || a.per_session == 0 {
            return Err("multirooms: conns must be a multiple of members".into());
        }
        a.rooms = a.conns * a.per_session / a.members;
    }
    if a.conns == 0 || a.conns + a.publishers > MAX_CONNS || a.rooms == 0 || a.rooms > MAX_CONNS {
        return Err(format!("connections: 1..{MAX_CONNS}"));
    }
    if a.size > 60_000 || a.rate <= 0.0 || a.rate > 1e6 {
        return Err("size up to 60000, rate up to 1e6".into());
    }
    for s in [a.warmup, a.duration, a.settle, a.drain, a.deadline] {
        if !(0.0..=MAX_SECS).contains(&s) {
            return Err(format!("times: 0..{MAX_SECS} s"));
        }
    }
    Ok(a)
}

fn self_cpu() -> f64 {
    unsafe {
        let mut r: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut r);
        let t = |v: libc::timeval| v.tv_sec as f64 + v.tv_usec as f64 / 1e6;
        t(r.ru_utime) + t(r.ru_stime)
    }
}

fn raise_nofile(need: u64) {
    unsafe {
        let mut r: libc::rlimit = std::mem::zeroed();
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut r);
        let want = need.max(r.rlim_max).min(1 << 20);
        let n = libc::rlimit { rlim_cur: want, rlim_max: want };
        if libc::setrlimit(libc::RLIMIT_NOFILE, &n) != 0 {
            let n = libc::rlimit { rlim_cur: r.rlim_max, rlim_max: r.rlim_max };
            libc::setrlimit(libc::RLIMIT_NOFILE, &n);
            if r.rlim_max < need {
                eprintln!("adda-load: only {} descriptors", r.rlim_max);
            }
        }
    }
}

fn q(h: &Histogram<u64>, p: f64) -> f64 {
    h.value_at_quantile(p) as f64 / 1000.0
}

fn hist_json(h: &Histogram<u64>) -> String {
    format!(
        "{{\"n\":{},\"mean\":{:.3},\"p50\":{:.3},\"p90\":{:.3},\"p99\":{:.3},\"p999\":{:.3},\"max\":{:.3}}}",
        h.len(),
        h.mean() / 1000.0,
        q(h, 0.5),
        q(h, 0.9),
        q(h, 0.99),
        q(h, 0.999),
        h.max() as f64 / 1000.0
    )
}

struct Cpu {
    nodes: f64,
    nodes_user: f64,
    redis: f64,
    detail: String,
}

fn cpu_diff(w: &[Watched], a: &[Sample], b: &[Sample]) -> Cpu {
    let mut c = Cpu { nodes: 0.0, nodes_user: 0.0, redis: 0.0, detail: String::new() };
    for i in 0..w.len() {
        let d = b[i].cpu() - a[i].cpu();
        let u = b[i].user - a[i].user;
        if w[i].name.starts_with("redis") {
            c.redis += d
        } else {
            c.nodes += d;
            c.nodes_user += u
        }
        if !c.detail.is_empty() {
            c.detail.push(',');
        }
        c.detail += &format!(
            "\"{}\":{{\"cpu\":{:.2},\"user\":{:.2},\"rss\":{},\"anon\":{},\"hwm\":{},\"alive\":{}}}",
            w[i].name, d, u, b[i].rss, b[i].anon, b[i].hwm, b[i].alive
        );
    }
    c
}

fn rss_sum(w: &[Watched], s: &[Sample], redis: bool) -> u64 {
    w.iter().zip(s).filter(|(w, _)| w.name.starts_with("redis") == redis).map(|(_, s)| s.rss).sum()
}

struct Run {
    a: Args,
    e: Engine,
    hard: u64,
}

impl Run {
    fn over(&self) -> bool {
        now_ns() > self.hard
    }

    /// Opens everything; returns the seconds from the first connect to the last join.
    fn connect_all(&mut self) -> f64 {
        let n = self.e.conns.len();
        let t = now_ns();
        let mut next = 0;
        let mut last_progress = (t, 0usize);
        while self.e.joined + (self.e.c.failed + self.e.c.closed) as usize != n {
            while next < n && self.e.pending < self.a.concurrency {
                self.e.start_connect(next);
                next += 1;
            }
            self.e.poll(20_000_000);
            let now = now_ns();
            let done = self.e.joined + self.e.c.failed as usize + self.e.room_joins as usize;
            if done != last_progress.1 {
                last_progress = (now, done);
            }
            if now - last_progress.0 > 15 * SEC || self.over() {
                eprintln!("adda-load: joining stopped at {} of {n}", self.e.joined);
                break;
            }
        }
        (now_ns() - t) as f64 / 1e9
    }

    fn idle_for(&mut self, secs: f64) {
        let end = now_ns() + (secs * 1e9) as u64;
        while now_ns() < end && !self.over() {
            let left = end.saturating_sub(now_ns());
            self.e.poll(left.min(20_000_000));
        }
    }

    /// One measured load: warm-up, measured span, drain. Returns the JSON fields and "held".
    fn load(&mut self, rate: f64, warmup: f64, duration: f64) -> (String, bool, f64) {
        let a_window = self.a.window;
        let many = self.a.mode == "manyrooms" || self.a.mode == "multirooms";
        let npub = self.e.pubs.len();
        let ndel = if many { self.a.members } else { self.e.rooms[0].members };
        let start = now_ns();
        let m0 = start + (warmup * 1e9) as u64;
        let end = m0 + (duration * 1e9) as u64;
        self.e.lat = hist();
        self.e.full = hist();
        self.e.lag = hist();
        self.e.t0 = m0;
        let step = 1e9 / rate;
        let mut k = 0u64;
        let mut turn = 0usize;
        let mut rng = 0x9e3779b97f4a7c15u64 ^ start;
        let mut c0 = self.e.c;
        let mut s0 = sample_all(&self.a.pids);
        let mut me0 = self_cpu();
        let mut t0 = start;
        let mut measuring = false;
        let mut c_first = self.e.c;
        let base = self.e.outstanding();
        let mut aborted = false;
        c_first.blocked = self.e.c.blocked;
        loop {
            let now = now_ns();
            if !measuring && now >= m0 {
                measuring = true;
                c0 = self.e.c;
                s0 = sample_all(&self.a.pids);
                me0 = self_cpu();
                t0 = now;
            }
            if now >= end || self.over() {
                break;
            }
            let mut wait = if measuring { end - now } else { m0 - now };
            if a_window > 0 {
                for p in 0..npub {
                    while self.e.pubs[p].inflight < a_window {
                        let b = self.e.c.blocked;
                        self.e.publish(p, now_ns());
                        if self.e.c.blocked != b {
                            break;
                        }
                    }
                }
                wait = wait.min(5_000_000);
            } else {
                // open loop: messages are stamped with the time they were due
                let mut burst = 0;
                loop {
                    let due = start + (k as f64 * step) as u64;
                    if due > now_ns() || due >= end {
                        wait = wait.min(due.saturating_sub(now_ns()));
                        break;
                    }
                    let p = if many {
                        rng ^= rng << 13;
                        rng ^= rng >> 7;
                        rng ^= rng << 17;
                        (rng % npub as u64) as usize
                    } else {
                        turn = (turn + 1) % npub;
                        turn
                    };
                    self.e.publish(p, due);
                    k += 1;
                    burst += 1;
                    if burst >= 16 {
                        wait = 0;
                        break;
                    }
                }
                // far behind: no point in going on
                if self.e.outstanding().saturating_sub(base) as f64 > rate * ndel as f64 * 3.0 + 10_000.0 {
                    aborted = true;
                    break;
                }
            }
            self.e.poll(wait);
        }
        let t_end = now_ns();
        let c1 = self.e.c;
        // drain: until nothing is missing, or nothing came for a second, or the limit
        let dl = t_end + (self.a.drain * 1e9) as u64;
        let mut last = (now_ns(), self.e.c.delivered);
        while self.e.outstanding() > base && now_ns() < dl && !self.over() {
            self.e.poll(5_000_000);
            if self.e.c.delivered != last.1 {
                last = (now_ns(), self.e.c.delivered);
            } else if now_ns() - last.0 > SEC {
                break;
            }
        }
        let s1 = sample_all(&self.a.pids);
        let me1 = self_cpu();
        let c2 = self.e.c;
        let span = (t_end - t0) as f64 / 1e9;
        let cpu = cpu_diff(&self.a.pids, &s0, &s1);
        let dels = (c2.delivered - c0.delivered) as f64;
        let lost = self.e.outstanding().saturating_sub(base);
        let per_m = |x: f64| if dels > 0.0 { x / dels * 1e6 } else { 0.0 };
        let p99 = q(&self.e.lat, 0.99);
        let sent_rate = (c1.sent - c0.sent) as f64 / span;
        let held = !aborted
            && lost == 0
            && (!self.a.ordered || c2.ooo == c_first.ooo)
            && c2.closed == c_first.closed
            && c2.blocked == c_first.blocked
            && p99 < self.a.p99_limit_ms
            && !self.e.lat.is_empty()
            && (a_window > 0 || sent_rate > rate * 0.97);
        let j = format!(
            "\"rate\":{rate:.1},\"sent_per_s\":{sent_rate:.1},\"deliveries_per_s\":{:.0},\"measured_s\":{span:.2},\"lat_ms\":{},\"complete_ms\":{},\"publish_lag_ms\":{},\"lost\":{lost},\"dup\":{},\"ooo\":{},\"foreign\":{},\"closed\":{},\"blocked\":{},\"aborted\":{aborted},\"drain_s\":{:.2},\"window_deliveries\":{dels:.0},\"nodes_cpu_s\":{:.2},\"redis_cpu_s\":{:.2},\"nodes_cpu_per_m\":{:.3},\"nodes_user_per_m\":{:.3},\"redis_cpu_per_m\":{:.3},\"client_cpu_per_m\":{:.3},\"client_cpu_s\":{:.2},\"dels_per_read\":{:.2},\"bytes_per_del\":{:.1},\"held\":{held},\"procs\":{{{}}}",
            (c1.delivered - c0.delivered) as f64 / span,
            hist_json(&self.e.lat),
            hist_json(&self.e.full),
            hist_json(&self.e.lag),
            c2.dup - c_first.dup,
            c2.ooo - c_first.ooo,
            c2.foreign - c_first.foreign,
            c2.closed - c_first.closed,
            c2.blocked - c_first.blocked,
            (now_ns() - t_end) as f64 / 1e9,
            cpu.nodes,
            cpu.redis,
            per_m(cpu.nodes),
            per_m(cpu.nodes_user),
            per_m(cpu.redis),
            per_m(me1 - me0),
            me1 - me0,
            dels / (c2.reads - c0.reads).max(1) as f64,
            (c2.bytes_in - c0.bytes_in) as f64 / dels.max(1.0),
            cpu.detail
        );
        (j, held, p99)
    }
}

fn main() {
    let a = match parse() {
        Ok(a) => a,
        Err(e) => {
            eprintln!("{e}");
            std::process::exit(2);
        }
    };
    raise_nofile((a.conns + a.publishers + 100) as u64);
    let p = match proto::make(&a.proto, &a.opts) {
        Ok(p) => p,
        Err(e) => {
            eprintln!("{e}");
            std::process::exit(2);
        }
    };
    let mut e = Engine::new(p, a.urls.clone(), a.srcs.clone(), a.size);
    let nu = a.urls.len();
    for _ in 0..a.rooms {
        e.add_room();
    }
    match a.mode.as_str() {
        "idle" | "joinstorm" => {
            for i in 0..a.conns {
                // by blocks of one connection per node, so every room spans the nodes
                e.add_conn((i / nu) % a.rooms, i % nu, false);
            }
        }
        "manyrooms" => {
            for r in 0..a.rooms {
                for m in 0..a.members {
                    e.add_conn(r, (r + m) % nu, true);
                }
            }
        }
        "multirooms" => {
            // slot j of every session: a random division of the sessions into rooms of M
            e.multi = true;
            let (n, m) = (a.conns, a.members);
            let mut mine = vec![vec![]; n];
            let mut first = vec![];
            let mut rng = 0x2545f4914f6cdd1du64;
            for j in 0..a.per_session {
                let mut perm: Vec<usize> = (0..n).collect();
                for i in (1..n).rev() {
                    rng ^= rng << 13;
                    rng ^= rng >> 7;
                    rng ^= rng << 17;
                    perm.swap(i, (rng % (i as u64 + 1)) as usize);
                }
                for (i, s) in perm.iter().enumerate() {
                    mine[*s].push((j * (n / m) + i / m) as u32);
                    if i % m == 0 {
                        first.push(*s);
                    }
                }
            }
            for (i, r) in mine.into_iter().enumerate() {
                e.add_multi(r, i % nu);
            }
            for (r, s) in first.into_iter().enumerate() {
                e.add_multi_pub(r, s);
            }
        }
        "fanout" | "ramp" => {
            for i in 0..a.conns {
                e.add_conn((i / nu) % a.rooms, i % nu, false);
            }
            for i in 0..a.publishers.max(1) {
                e.add_conn(i % a.rooms, i % nu, true);
            }
        }
        m => {
            eprintln!("unknown mode {m}\n{USAGE}");
            std::process::exit(2);
        }
    }
    e.seal();
    e.coalesce_ns = (a.coalesce_us.clamp(0.0, 100_000.0) * 1000.0) as u64;
    let hard = now_ns() + (a.deadline * 1e9) as u64;
    let mut r = Run { a, e, hard };
    let base = sample_all(&r.a.pids);
    let me0 = self_cpu();
    let secs = r.connect_all();
    let after = sample_all(&r.a.pids);
    let join_cpu = cpu_diff(&r.a.pids, &base, &after);
    let n = r.e.joined as f64;
    let head = format!(
        "\"label\":\"{}\",\"mode\":\"{}\",\"proto\":\"{}\",\"conns\":{},\"joined\":{},\"failed\":{},\"join_s\":{secs:.3},\"joins_per_s\":{:.0},\"join_nodes_cpu_per_1k\":{:.3},\"join_redis_cpu_per_1k\":{:.3},\"join_client_cpu_per_1k\":{:.3},\"join_ms\":{}",
        r.a.label,
        r.a.mode,
        r.a.proto,
        r.e.conns.len(),
        r.e.joined,
        r.e.c.failed,
        n / secs,
        join_cpu.nodes / n * 1e3,
        join_cpu.redis / n * 1e3,
        (self_cpu() - me0) / n * 1e3,
        hist_json(&r.e.join_lat)
    );
    let ok_join = r.e.joined == r.e.conns.len();
    match r.a.mode.as_str() {
        "joinstorm" => println!("{{{head}}}"),
        "idle" => {
            r.idle_for(r.a.settle);
            let s1 = sample_all(&r.a.pids);
            let t1 = now_ns();
            r.idle_for(r.a.duration);
            let s2 = sample_all(&r.a.pids);
            let d = (now_ns() - t1) as f64 / 1e9;
            let c = cpu_diff(&r.a.pids, &s1, &s2);
            let b = rss_sum(&r.a.pids, &base, false) as f64;
            let f = rss_sum(&r.a.pids, &s2, false) as f64;
            let rb = rss_sum(&r.a.pids, &base, true) as f64;
            let rf = rss_sum(&r.a.pids, &s2, true) as f64;
            println!(
                "{{{head},\"rss_base\":{b},\"rss_end\":{f},\"rss_per_conn\":{:.0},\"redis_rss_per_conn\":{:.0},\"idle_s\":{d:.1},\"idle_nodes_cpu_pct\":{:.2},\"idle_redis_cpu_pct\":{:.2},\"closed\":{},\"procs\":{{{}}}}}",
                (f - b) / n,
                (rf - rb) / n,
                c.nodes / d * 100.0,
                c.redis / d * 100.0,
                r.e.c.closed,
                c.detail
            );
        }
        "fanout" | "manyrooms" | "multirooms" => {
            r.idle_for(r.a.settle);
            let s2 = sample_all(&r.a.pids);
            let head = format!(
                "{head},\"room_joins\":{},\"room_joins_per_s\":{:.0},\"rss_base\":{},\"rss_joined\":{},\"rss_per_conn\":{:.0},\"redis_rss_joined\":{}",
                r.e.room_joins,
                r.e.room_joins as f64 / secs,
                rss_sum(&r.a.pids, &base, false),
                rss_sum(&r.a.pids, &s2, false),
                (rss_sum(&r.a.pids, &s2, false) as f64 - rss_sum(&r.a.pids, &base, false) as f64) / n,
                rss_sum(&r.a.pids, &s2, true)
            );
            let (rate, w, d) = (r.a.rate, r.a.warmup, r.a.duration);
            let (j, _, _) = r.load(rate, w, d);
            println!("{{{head},{j}}}");
        }
        _ => {
            r.idle_for(r.a.settle);
            let (w, d) = (r.a.warmup, r.a.duration);
            let (mut lo, mut hi) = (0.0f64, 0.0f64);
            let mut best = String::new();
            let mut rate = r.a.ramp_start;
            let mut left = r.a.ramp_bisect;
            let mut steps = vec![];
            while ok_join && !r.over() && rate <= r.a.ramp_max {
                let (j, mut held, p99) = r.load(rate, w, d);
                if !held && r.e.outstanding() == 0 && hi == 0.0 {
                    // one second chance: a single stall is not the limit
                    r.idle_for(0.5);
                    let (j2, h2, _) = r.load(rate, w, d);
                    if h2 {
                        best = j2;
                    }
                    held = h2;
                } else if held {
                    best = j;
                }
                steps.push(format!("[{rate:.0},{p99:.1},{held}]"));
                if held {
                    lo = rate
                } else {
                    hi = rate
                }
                // lost for good or connections gone: bisecting on would only measure the wreck
                if r.e.c.closed > 0 {
                    break;
                }
                r.idle_for(0.5);
                if hi == 0.0 {
                    rate *= r.a.ramp_factor;
                } else if lo == 0.0 {
                    rate /= r.a.ramp_factor * r.a.ramp_factor;
                    hi = 0.0;
                    if rate < 1.0 {
                        break;
                    }
                } else if left > 0 {
                    left -= 1;
                    rate = (lo + hi) / 2.0;
                } else {
                    break;
                }
            }
            println!(
                "{{{head},\"max_rate\":{lo:.1},\"fail_rate\":{hi:.1},\"steps\":[{}]{}{best}}}",
                steps.join(","),
                if best.is_empty() { "" } else { "," }
            );
        }
    }
    r.e.close_all();
    if !ok_join {
        std::process::exit(1);
    }
}
