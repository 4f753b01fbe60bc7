//! The syscall floor: one thread, one epoll, WebSocket upgrade, rooms by ?room=,
//! no Redis, no JSON. A text frame from any member is encoded once and sent to
//! every member of its room.
//!   floor PORT write      one send(2) per socket per message
//!   floor PORT writev K US  messages queue; a room is flushed with one
//!                            writev(2) per socket once K messages wait or
//!                            US microseconds have passed since the first
//!   floor PORT faulty     loses every 1000th delivery, doubles every 1500th,
//!                            sends every 2500th late: to try the load generator
use std::collections::HashMap;
use std::rc::Rc;

struct Conn {
    fd: i32,
    room: usize,
    open: bool,
    up: bool,
    rbuf: Vec<u8>,
    wbuf: Vec<u8>,
}

#[derive(Default)]
struct Room {
    members: Vec<usize>,
    queue: Vec<Rc<[u8]>>,
    due: u64,
}

fn now_us() -> u64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut t) };
    t.tv_sec as u64 * 1_000_000 + t.tv_nsec as u64 / 1000
}

fn b64(d: &[u8]) -> String {
    const A: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut s = String::new();
    for c in d.chunks(3) {
        let v = (c[0] as u32) << 16 | (*c.get(1).unwrap_or(&0) as u32) << 8 | *c.get(2).unwrap_or(&0) as u32;
        for i in 0..4 {
            s.push(if i <= c.len() { A[(v >> (18 - 6 * i)) as usize & 63] as char } else { '=' });
        }
    }
    s
}

struct Srv {
    ep: i32,
    conns: Vec<Conn>,
    rooms: Vec<Room>,
    names: HashMap<String, usize>,
    batch: usize,
    delay: u64,
    dirty: Vec<usize>,
    faulty: bool,
    count: u64,
    late: Option<(usize, Vec<u8>)>,
}

impl Srv {
    fn send_faulty(&mut self, id: usize, f: &[u8]) {
        self.count += 1;
        if self.count % 1000 == 0 {
            return;
        }
        if self.count % 2500 == 1 && self.late.is_none() {
            self.late = Some((id, f.to_vec()));
            return;
        }
        self.send_one(id, f);
        if self.count % 1500 == 2 {
            self.send_one(id, f);
        }
        if matches!(&self.late, Some((l, _)) if *l == id) {
            let (_, g) = self.late.take().unwrap();
            self.send_one(id, &g);
        }
    }
    fn want(&self, id: usize, out: bool) {
        let e = libc::EPOLLIN | if out { libc::EPOLLOUT } else { 0 };
        let mut ev = libc::epoll_event { events: e as u32, u64: id as u64 };
        unsafe { libc::epoll_ctl(self.ep, libc::EPOLL_CTL_MOD, self.conns[id].fd, &mut ev) };
    }
    fn close(&mut self, id: usize) {
        let c = &mut self.conns[id];
        if !c.open {
            return;
        }
        c.open = false;
        unsafe { libc::close(c.fd) };
        if c.up {
            let m = &mut self.rooms[c.room].members;
            if let Some(i) = m.iter().position(|x| *x == id) {
                m.swap_remove(i);
            }
        }
    }
    fn keep(&mut self, id: usize, rest: &[u8]) {
        let c = &mut self.conns[id];
        c.wbuf.extend_from_slice(rest);
        self.want(id, true);
    }
    fn send_one(&mut self, id: usize, f: &[u8]) {
        let c = &mut self.conns[id];
        if !c.open {
            return;
        }
        if !c.wbuf.is_empty() {
            c.wbuf.extend_from_slice(f);
            return;
        }
        let n = unsafe { libc::send(c.fd, f.as_ptr() as *const _, f.len(), libc::MSG_NOSIGNAL) };
        if n < f.len() as isize {
            self.keep(id, &f[n.max(0) as usize..]);
        }
    }
    fn flush_room(&mut self, r: usize) {
        let q = std::mem::take(&mut self.rooms[r].queue);
        let total: usize = q.iter().map(|f| f.len()).sum();
        let iov: Vec<libc::iovec> =
            q.iter().map(|f| libc::iovec { iov_base: f.as_ptr() as *mut _, iov_len: f.len() }).collect();
        let members = std::mem::take(&mut self.rooms[r].members);
        for &id in &members {
            let c = &mut self.conns[id];
            if !c.open {
                continue;
            }
            let mut n = 0usize;
            if c.wbuf.is_empty() {
                n = unsafe { libc::writev(c.fd, iov.as_ptr(), iov.len() as i32) }.max(0) as usize;
            }
            if n < total {
                let all: Vec<u8> = q.iter().flat_map(|f| f.iter().copied()).collect();
                self.keep(id, &all[n..]);
            }
        }
        self.rooms[r].members = members;
    }
    fn message(&mut self, room: usize, body: &[u8]) {
        let mut f = Vec::with_capacity(body.len() + 4);
        f.push(0x81);
        if body.len() < 126 {
            f.push(body.len() as u8);
        } else {
            f.push(126);
            f.extend_from_slice(&(body.len() as u16).to_be_bytes());
        }
        f.extend_from_slice(body);
        if self.batch == 0 {
            let members = std::mem::take(&mut self.rooms[room].members);
            for &id in &members {
                if self.faulty {
                    self.send_faulty(id, &f);
                } else {
                    self.send_one(id, &f);
                }
            }
            self.rooms[room].members = members;
        } else {
            let r = &mut self.rooms[room];
            if r.queue.is_empty() {
                r.due = now_us() + self.delay;
                self.dirty.push(room);
            }
            r.queue.push(f.into());
            if r.queue.len() >= self.batch {
                self.dirty.retain(|x| *x != room);
                self.flush_room(room);
            }
        }
    }
    fn readable(&mut self, id: usize, buf: &mut [u8]) {
        let n = unsafe { libc::recv(self.conns[id].fd, buf.as_mut_ptr() as *mut _, buf.len(), 0) };
        if n <= 0 {
            self.close(id);
            return;
        }
        let mut d = std::mem::take(&mut self.conns[id].rbuf);
        d.extend_from_slice(&buf[..n as usize]);
        let mut at = 0;
        if !self.conns[id].up {
            let Some(e) = memchr::memmem::find(&d, b"\r\n\r\n") else {
                self.conns[id].rbuf = d;
                return;
            };
            at = e + 4;
            let t = String::from_utf8_lossy(&d[..e]).into_owned();
            let room = t
                .split("room=")
                .nth(1)
                .map(|s| s.split(['&', ' ']).next().unwrap_or("").to_string())
                .unwrap_or_default();
            let key = t
                .lines()
                .find_map(|l| {
                    let (k, v) = l.split_once(':')?;
                    k.eq_ignore_ascii_case("sec-websocket-key").then(|| v.trim().to_string())
                })
                .unwrap_or_default();
            use sha1::Digest;
            let acc = b64(&sha1::Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
            let nr = self.rooms.len();
            let r = *self.names.entry(room).or_insert(nr);
            if r == nr {
                self.rooms.push(Room::default());
            }
            self.rooms[r].members.push(id);
            self.conns[id].room = r;
            self.conns[id].up = true;
            let resp = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {acc}\r\n\r\n"
            );
            self.send_one(id, resp.as_bytes());
        }
        let room = self.conns[id].room;
        loop {
            let r = &mut d[at..];
            if r.len() < 6 {
                break;
            }
            let (mut h, mut len) = (2usize, (r[1] & 0x7f) as usize);
            if len == 126 {
                if r.len() < 8 {
                    break;
                }
                len = u16::from_be_bytes([r[2], r[3]]) as usize;
                h = 4;
            }
            if r.len() < h + 4 + len {
                break;
            }
            let mask = [r[h], r[h + 1], r[h + 2], r[h + 3]];
            let op = r[0] & 15;
            let p = &mut r[h + 4..h + 4 + len];
            for (i, b) in p.iter_mut().enumerate() {
                *b ^= mask[i & 3];
            }
            match op {
                1 | 2 => {
                    let p = p.to_vec();
                    self.message(room, &p)
                }
                8 => {
                    self.close(id);
                    return;
                }
                _ => {}
            }
            at += h + 4 + len;
        }
        d.drain(..at);
        if d.is_empty() {
            d = vec![];
        }
        self.conns[id].rbuf = d;
    }
}

fn main() {
    let a: Vec<String> = std::env::args().collect();
    let port: u16 = a.get(1).and_then(|s| s.parse().ok()).expect("floor PORT write|writev [K] [US]");
    let batch = if a.get(2).map(|s| s == "writev") == Some(true) {
        a.get(3).and_then(|s| s.parse().ok()).unwrap_or(16).min(512)
    } else {
        0
    };
    let faulty = a.get(2).map(|s| s == "faulty") == Some(true);
    let delay = a.get(4).and_then(|s| s.parse().ok()).unwrap_or(5000);
    unsafe {
        let r = libc::rlimit { rlim_cur: 200_000, rlim_max: 200_000 };
        libc::setrlimit(libc::RLIMIT_NOFILE, &r);
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
    }
    use std::os::fd::IntoRawFd;
    let l = unsafe {
        // std's listener has a backlog of 128 only; listen again with more
        let fd = std::net::TcpListener::bind(("127.0.0.1", port)).expect("bind").into_raw_fd();
        libc::listen(fd, 4096);
        let fl = libc::fcntl(fd, libc::F_GETFL);
        libc::fcntl(fd, libc::F_SETFL, fl | libc::O_NONBLOCK);
        fd
    };
    let ep = unsafe { libc::epoll_create1(0) };
    let mut ev = libc::epoll_event { events: libc::EPOLLIN as u32, u64: u64::MAX };
    unsafe { libc::epoll_ctl(ep, libc::EPOLL_CTL_ADD, l, &mut ev) };
    let mut s = Srv {
        ep,
        conns: vec![],
        rooms: vec![],
        names: HashMap::new(),
        batch,
        delay,
        dirty: vec![],
        faulty,
        count: 0,
        late: None,
    };
    let mut evs = vec![libc::epoll_event { events: 0, u64: 0 }; 256];
    let mut buf = vec![0u8; 64 << 10];
    loop {
        let now = now_us();
        let mut due = u64::MAX;
        let dirty = std::mem::take(&mut s.dirty);
        for r in dirty {
            if s.rooms[r].due <= now {
                s.flush_room(r);
            } else {
                due = due.min(s.rooms[r].due);
                s.dirty.push(r);
            }
        }
        let ms = if due == u64::MAX { -1 } else { ((due - now) / 1000 + 1) as i32 };
        let n = unsafe { libc::epoll_wait(ep, evs.as_mut_ptr(), 256, ms) };
        for i in 0..n.max(0) as usize {
            let e = evs[i];
            if e.u64 == u64::MAX {
                for _ in 0..64 {
                    let fd = unsafe {
                        libc::accept4(
                            l,
                            std::ptr::null_mut(),
                            std::ptr::null_mut(),
                            libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC,
                        )
                    };
                    if fd < 0 {
                        break;
                    }
                    let one: libc::c_int = 1;
                    unsafe {
                        libc::setsockopt(
                            fd,
                            libc::IPPROTO_TCP,
                            libc::TCP_NODELAY,
                            &one as *const _ as *const _,
                            4,
                        )
                    };
                    let id = s.conns.len();
                    s.conns.push(Conn { fd, room: 0, open: true, up: false, rbuf: vec![], wbuf: vec![] });
                    let mut ev = libc::epoll_event { events: libc::EPOLLIN as u32, u64: id as u64 };
                    unsafe { libc::epoll_ctl(ep, libc::EPOLL_CTL_ADD, fd, &mut ev) };
                }
                continue;
            }
            let id = e.u64 as usize;
            if !s.conns[id].open {
                continue;
            }
            if e.events as i32 & libc::EPOLLOUT != 0 {
                let w = std::mem::take(&mut s.conns[id].wbuf);
                let n = unsafe {
                    libc::send(s.conns[id].fd, w.as_ptr() as *const _, w.len(), libc::MSG_NOSIGNAL)
                };
                let n = n.max(0) as usize;
                if n < w.len() {
                    s.conns[id].wbuf = w[n..].to_vec();
                } else {
                    s.want(id, false);
                }
            }
            if e.events as i32 & !libc::EPOLLOUT != 0 {
                s.readable(id, &mut buf);
            }
        }
    }
}
