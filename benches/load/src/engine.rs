//! One thread, one epoll, level-triggered; one read per ready socket.

use crate::proto::{Ident, Proto, put_frame};
use hdrhistogram::Histogram;
use std::net::SocketAddrV4;

pub fn now_ns() -> u64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut t) };
    t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64
}

pub fn hist() -> Histogram<u64> {
    // microseconds, up to 10 minutes
    Histogram::new_with_bounds(1, 600_000_000, 3).unwrap()
}

#[derive(PartialEq, Clone, Copy, Debug)]
pub enum St {
    New,
    Connecting,
    Upgrading,
    Joining,
    Joined,
    Closed,
}

#[derive(Default)]
struct Track {
    max: u32,
    bits: Vec<u64>,
}

pub struct Conn {
    fd: i32,
    pub st: St,
    pub ident: Ident,
    pub room: usize,
    pub url: usize,
    t_start: u64,
    rbuf: Vec<u8>,
    wbuf: Vec<u8>,
    want_out: bool,
    tracks: Vec<Track>,
    /// mode multirooms: all rooms of this session, sorted; those still to join
    multi: Vec<u32>,
    to_join: Vec<u32>,
}

pub struct Publ {
    pub conn: usize,
    pub room: usize,
    /// index of this publisher inside its room
    pub in_room: usize,
    pub seq: u32,
    pub inflight: u32,
    /// per message: deliveries still missing
    left: Vec<u32>,
}

pub struct Room {
    pub name: String,
    pub members: usize,
    pub pubs: Vec<usize>,
}

#[derive(Default, Clone, Copy)]
pub struct Counts {
    pub delivered: u64,
    pub unique: u64,
    pub expected: u64,
    pub dup: u64,
    pub ooo: u64,
    pub foreign: u64,
    pub sent: u64,
    pub completed: u64,
    pub bytes_in: u64,
    pub reads: u64,
    pub closed: u64,
    pub failed: u64,
    pub blocked: u64,
}

pub struct Engine {
    ep: i32,
    pub proto: Box<dyn Proto>,
    pub urls: Vec<SocketAddrV4>,
    pub srcs: Vec<[u8; 4]>,
    pub conns: Vec<Conn>,
    pub rooms: Vec<Room>,
    pub pubs: Vec<Publ>,
    pub c: Counts,
    pub run_id: u32,
    pub size: usize,
    pub joined: usize,
    pub pending: usize,
    pub lat: Histogram<u64>,
    pub full: Histogram<u64>,
    pub lag: Histogram<u64>,
    pub join_lat: Histogram<u64>,
    /// messages stamped before this are not in the histograms
    pub t0: u64,
    buf: Vec<u8>,
    events: Vec<libc::epoll_event>,
    body: Vec<u8>,
    first_error: bool,
    /// sleep this long before looking for ready sockets, instead of being
    /// woken by each one; 0: wait in epoll
    pub coalesce_ns: u64,
    more: bool,
    /// sessions are in several rooms: the marker's p is the room, one publisher a room
    pub multi: bool,
    pub room_joins: u64,
}

const MAX_WBUF: usize = 4 << 20;

impl Engine {
    pub fn new(proto: Box<dyn Proto>, urls: Vec<SocketAddrV4>, srcs: Vec<[u8; 4]>, size: usize) -> Engine {
        let ep = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        assert!(ep >= 0);
        unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1000usize, 0usize, 0usize, 0usize) };
        Engine {
            ep,
            proto,
            urls,
            srcs,
            conns: vec![],
            rooms: vec![],
            pubs: vec![],
            c: Counts::default(),
            run_id: (now_ns() / 1000 % 900_000_000) as u32 + 100_000_000,
            size,
            joined: 0,
            pending: 0,
            lat: hist(),
            full: hist(),
            lag: hist(),
            join_lat: hist(),
            t0: 0,
            buf: vec![0; 256 << 10],
            events: vec![libc::epoll_event { events: 0, u64: 0 }; 64],
            body: vec![],
            first_error: true,
            coalesce_ns: 0,
            more: false,
            multi: false,
            room_joins: 0,
        }
    }

    pub fn add_room(&mut self) -> usize {
        let i = self.rooms.len();
        self.rooms.push(Room { name: format!("r{}x{}", self.run_id, i), members: 0, pubs: vec![] });
        i
    }

    pub fn add_conn(&mut self, room: usize, url: usize, publisher: bool) -> usize {
        let id = self.conns.len();
        let r = &mut self.rooms[room];
        r.members += 1;
        if publisher {
            let p = self.pubs.len();
            self.pubs.push(Publ { conn: id, room, in_room: r.pubs.len(), seq: 0, inflight: 0, left: vec![] });
            r.pubs.push(p);
        }
        self.conns.push(Conn {
            fd: -1,
            st: St::New,
            ident: Ident { room: r.name.clone(), user: format!("u{id}") },
            room,
            url,
            t_start: 0,
            rbuf: vec![],
            wbuf: vec![],
            want_out: false,
            tracks: vec![],
            multi: vec![],
            to_join: vec![],
        });
        id
    }

    /// multirooms: a session in `rooms`; the first of them goes into the upgrade request
    pub fn add_multi(&mut self, rooms: Vec<u32>, url: usize) -> usize {
        let id = self.add_conn(rooms[0] as usize, url, false);
        for r in &rooms[1..] {
            self.rooms[*r as usize].members += 1;
        }
        let c = &mut self.conns[id];
        c.to_join = rooms[1..].to_vec();
        c.multi = rooms;
        c.multi.sort_unstable();
        id
    }

    /// multirooms: publisher i speaks in room i
    pub fn add_multi_pub(&mut self, room: usize, conn: usize) {
        debug_assert_eq!(self.pubs.len(), room);
        self.pubs.push(Publ { conn, room, in_room: room, seq: 0, inflight: 0, left: vec![] });
    }

    /// once every connection has been added
    pub fn seal(&mut self) {
        for c in &mut self.conns {
            let n = if self.multi { c.multi.len() } else { self.rooms[c.room].pubs.len() };
            c.tracks = (0..n).map(|_| Track::default()).collect();
        }
    }

    pub fn start_connect(&mut self, id: usize) {
        let to = self.urls[self.conns[id].url];
        unsafe {
            let fd =
                libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC, 0);
            if fd < 0 {
                self.fail(id, "socket()");
                return;
            }
            let one: libc::c_int = 1;
            let p = &one as *const _ as *const libc::c_void;
            libc::setsockopt(fd, libc::IPPROTO_TCP, libc::TCP_NODELAY, p, 4);
            if !self.srcs.is_empty() {
                const IP_BIND_ADDRESS_NO_PORT: libc::c_int = 24;
                libc::setsockopt(fd, libc::IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, p, 4);
                let s = sockaddr(self.srcs[id % self.srcs.len()], 0);
                libc::bind(fd, &s as *const _ as *const libc::sockaddr, std::mem::size_of_val(&s) as u32);
            }
            let s = sockaddr(to.ip().octets(), to.port());
            let c = &mut self.conns[id];
            c.fd = fd;
            c.t_start = now_ns();
            c.st = St::Connecting;
            c.want_out = true;
            self.pending += 1;
            let rc =
                libc::connect(fd, &s as *const _ as *const libc::sockaddr, std::mem::size_of_val(&s) as u32);
            if rc != 0 && *libc::__errno_location() != libc::EINPROGRESS {
                self.fail(id, "connect()");
                return;
            }
            let mut ev =
                libc::epoll_event { events: (libc::EPOLLIN | libc::EPOLLOUT) as u32, u64: id as u64 };
            libc::epoll_ctl(self.ep, libc::EPOLL_CTL_ADD, fd, &mut ev);
        }
    }

    fn fail(&mut self, id: usize, why: &str) {
        let c = &mut self.conns[id];
        if c.st == St::Closed {
            return;
        }
        if self.first_error {
            self.first_error = false;
            let e = std::io::Error::last_os_error();
            eprintln!("fanload: first failure: connection {id} in state {:?}: {why} ({e})", c.st);
        }
        match c.st {
            St::Joined => {
                self.joined -= 1;
                self.c.closed += 1;
            }
            _ => {
                self.pending = self.pending.saturating_sub(1);
                self.c.failed += 1;
            }
        }
        c.st = St::Closed;
        if c.fd >= 0 {
            unsafe { libc::close(c.fd) };
            c.fd = -1;
        }
    }

    fn set_out(&mut self, id: usize, on: bool) {
        let c = &mut self.conns[id];
        if c.want_out == on || c.fd < 0 {
            return;
        }
        c.want_out = on;
        let e = libc::EPOLLIN | if on { libc::EPOLLOUT } else { 0 };
        let mut ev = libc::epoll_event { events: e as u32, u64: id as u64 };
        unsafe { libc::epoll_ctl(self.ep, libc::EPOLL_CTL_MOD, c.fd, &mut ev) };
    }

    fn flush(&mut self, id: usize) {
        let c = &mut self.conns[id];
        if c.st == St::Connecting || c.fd < 0 {
            return;
        }
        let mut off = 0;
        let mut dead = false;
        while off < c.wbuf.len() {
            let n = unsafe {
                libc::send(c.fd, c.wbuf[off..].as_ptr() as *const _, c.wbuf.len() - off, libc::MSG_NOSIGNAL)
            };
            if n < 0 {
                let e = unsafe { *libc::__errno_location() };
                if e == libc::EINTR {
                    continue;
                }
                dead = e != libc::EAGAIN;
                break;
            }
            off += n as usize;
        }
        if dead {
            self.fail(id, "send()");
            return;
        }
        c.wbuf.drain(..off);
        let left = !c.wbuf.is_empty();
        if !left && c.wbuf.capacity() > 4096 {
            c.wbuf = vec![];
        }
        self.set_out(id, left);
    }

    /// Waits up to `timeout_ns`, handles at most 64 ready sockets.
    pub fn poll(&mut self, mut timeout_ns: u64) {
        if self.coalesce_ns > 0 && !self.more {
            let ns = self.coalesce_ns.min(timeout_ns);
            let t =
                libc::timespec { tv_sec: (ns / 1_000_000_000) as i64, tv_nsec: (ns % 1_000_000_000) as i64 };
            unsafe { libc::nanosleep(&t, std::ptr::null_mut()) };
            timeout_ns = 0;
        } else if self.more {
            timeout_ns = 0;
        }
        let ts = libc::timespec {
            tv_sec: (timeout_ns / 1_000_000_000) as i64,
            tv_nsec: (timeout_ns % 1_000_000_000) as i64,
        };
        let n = unsafe {
            libc::syscall(
                libc::SYS_epoll_pwait2,
                self.ep,
                self.events.as_mut_ptr(),
                self.events.len() as libc::c_int,
                &ts as *const _,
                std::ptr::null::<libc::sigset_t>(),
                8usize,
            )
        };
        self.more = n as usize == self.events.len();
        for i in 0..n.max(0) as usize {
            let ev = self.events[i];
            let id = ev.u64 as usize;
            let e = ev.events as i32;
            if self.conns[id].st == St::Closed {
                continue;
            }
            if e & libc::EPOLLOUT != 0 {
                if self.conns[id].st == St::Connecting {
                    self.connected(id);
                } else {
                    self.flush(id);
                }
            }
            if e & (libc::EPOLLIN | libc::EPOLLERR | libc::EPOLLHUP) != 0 && self.conns[id].st != St::Closed {
                self.readable(id);
            }
        }
    }

    fn connected(&mut self, id: usize) {
        let mut err: libc::c_int = 0;
        let mut len = 4u32;
        unsafe {
            libc::getsockopt(
                self.conns[id].fd,
                libc::SOL_SOCKET,
                libc::SO_ERROR,
                &mut err as *mut _ as *mut _,
                &mut len,
            );
        }
        if err != 0 {
            unsafe { *libc::__errno_location() = err };
            self.fail(id, "connect");
            return;
        }
        let c = &mut self.conns[id];
        c.st = St::Upgrading;
        let u = self.urls[c.url];
        let req = format!(
            "GET {} HTTP/1.1\r\nHost: {u}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{}\r\n",
            self.proto.path(&c.ident),
            self.proto.headers()
        );
        c.wbuf.extend_from_slice(req.as_bytes());
        self.flush(id);
    }

    fn readable(&mut self, id: usize) {
        let mut buf = std::mem::take(&mut self.buf);
        let n = unsafe { libc::recv(self.conns[id].fd, buf.as_mut_ptr() as *mut _, buf.len(), 0) };
        self.c.reads += 1;
        if n <= 0 {
            let e = unsafe { *libc::__errno_location() };
            self.buf = buf;
            if n == 0 || !(e == libc::EAGAIN || e == libc::EINTR) {
                self.fail(id, if n == 0 { "closed by the server" } else { "recv()" });
            }
            return;
        }
        let n = n as usize;
        self.c.bytes_in += n as u64;
        if self.conns[id].rbuf.is_empty() {
            let used = self.feed(id, &buf[..n]);
            if used < n {
                self.conns[id].rbuf.extend_from_slice(&buf[used..n]);
            }
        } else {
            let mut r = std::mem::take(&mut self.conns[id].rbuf);
            r.extend_from_slice(&buf[..n]);
            let used = self.feed(id, &r);
            r.drain(..used);
            if r.is_empty() && r.capacity() > 4096 {
                r = vec![];
            }
            self.conns[id].rbuf = r;
        }
        self.buf = buf;
        if !self.conns[id].wbuf.is_empty() && !self.conns[id].want_out {
            self.flush(id);
        }
    }

    fn mark_joined(&mut self, id: usize) {
        let c = &mut self.conns[id];
        if c.st == St::Joining {
            self.room_joins += 1;
            if let Some(r) = c.to_join.pop() {
                self.proto.join_more(&self.rooms[r as usize].name, &mut c.wbuf);
                return;
            }
            c.st = St::Joined;
            self.joined += 1;
            self.pending -= 1;
            let us = (now_ns() - c.t_start) / 1000;
            self.join_lat.saturating_record(us.max(1));
        }
    }

    fn feed(&mut self, id: usize, d: &[u8]) -> usize {
        let mut at = 0;
        if self.conns[id].st == St::Upgrading {
            let Some(e) = memchr::memmem::find(d, b"\r\n\r\n") else { return 0 };
            if !d.starts_with(b"HTTP/1.1 101") {
                let l = String::from_utf8_lossy(&d[..d.len().min(200)]).replace("\r\n", " | ");
                self.fail(id, &format!("upgrade answered: {l}"));
                return d.len();
            }
            at = e + 4;
            let c = &mut self.conns[id];
            c.st = St::Joining;
            if self.proto.on_open(&mut c.ident, &mut c.wbuf) {
                self.mark_joined(id);
            }
        }
        let now = now_ns();
        loop {
            let r = &d[at..];
            if r.len() < 2 {
                break;
            }
            let (mut h, mut len) = (2usize, (r[1] & 0x7f) as usize);
            if len == 126 {
                if r.len() < 4 {
                    break;
                }
                len = u16::from_be_bytes([r[2], r[3]]) as usize;
                h = 4;
            } else if len == 127 {
                if r.len() < 10 {
                    break;
                }
                len = u64::from_be_bytes(r[2..10].try_into().unwrap()) as usize;
                h = 10;
            }
            if r.len() < h + len {
                break;
            }
            let p = &r[h..h + len];
            at += h + len;
            match r[0] & 0x0f {
                0..=2 => self.data(id, p, now),
                8 => {
                    let why = String::from_utf8_lossy(p.get(2..).unwrap_or(b"")).into_owned();
                    self.fail(id, &format!("close frame {:?} {why}", p.get(..2)));
                    return d.len();
                }
                9 => {
                    let c = &mut self.conns[id];
                    put_frame(&mut c.wbuf, 10, &[p]);
                }
                _ => {}
            }
        }
        at
    }

    fn data(&mut self, id: usize, p: &[u8], now: u64) {
        let mut found = false;
        let mut rest = p;
        while let Some(i) = memchr::memmem::find(rest, b"ts=") {
            let t = &rest[i + 3..];
            rest = t;
            let (ts, t) = num(t);
            let Some(t) = t.strip_prefix(b";r=") else { continue };
            let (run, t) = num(t);
            let Some(t) = t.strip_prefix(b";p=") else { continue };
            let (pi, t) = num(t);
            let Some(t) = t.strip_prefix(b";s=") else { continue };
            let (seq, t) = num(t);
            rest = t;
            found = true;
            self.delivery(id, ts, run, pi as usize, seq as u32, now);
        }
        if !found {
            let c = &mut self.conns[id];
            if self.proto.on_text(&mut c.ident, p, &mut c.wbuf) {
                self.mark_joined(id);
            }
        }
    }

    fn delivery(&mut self, id: usize, ts: u64, run: u64, pi: usize, seq: u32, now: u64) {
        let c = &mut self.conns[id];
        let (pub_ix, tr_ix) = if self.multi {
            match c.multi.binary_search(&(pi as u32)) {
                Ok(i) => (pi, i),
                Err(_) => (usize::MAX, 0),
            }
        } else {
            (self.rooms[c.room].pubs.get(pi).copied().unwrap_or(usize::MAX), pi)
        };
        if run != self.run_id as u64 || pub_ix == usize::MAX || seq == 0 {
            self.c.foreign += 1;
            return;
        }
        self.c.delivered += 1;
        let p = &mut self.pubs[pub_ix];
        let tr = &mut c.tracks[tr_ix];
        let (w, b) = ((seq / 64) as usize, 1u64 << (seq % 64));
        if tr.bits.len() <= w {
            tr.bits.resize(w + 1, 0);
        }
        if tr.bits[w] & b != 0 {
            self.c.dup += 1;
            return;
        }
        tr.bits[w] |= b;
        if seq < tr.max {
            self.c.ooo += 1;
        } else {
            tr.max = seq;
        }
        self.c.unique += 1;
        let us = (now.saturating_sub(ts) / 1000).max(1);
        if ts >= self.t0 {
            self.lat.saturating_record(us);
        }
        if let Some(l) = p.left.get_mut(seq as usize - 1) {
            *l = l.saturating_sub(1);
            if *l == 0 {
                self.c.completed += 1;
                p.inflight = p.inflight.saturating_sub(1);
                if ts >= self.t0 {
                    self.full.saturating_record(us);
                }
            }
        }
    }

    /// Publishes one message from publisher `pi`, stamped `ts` (its due time).
    pub fn publish(&mut self, pi: usize, ts: u64) {
        let id = self.pubs[pi].conn;
        if self.conns[id].st != St::Joined || self.conns[id].wbuf.len() > MAX_WBUF {
            self.c.blocked += 1;
            return;
        }
        let p = &mut self.pubs[pi];
        p.seq += 1;
        p.inflight += 1;
        let want = self.rooms[p.room].members as u32 - if self.proto.echoes() { 0 } else { 1 };
        p.left.push(want);
        self.c.expected += want as u64;
        self.c.sent += 1;
        self.body.clear();
        use std::io::Write;
        let _ = write!(self.body, "ts={ts};r={};p={};s={};", self.run_id, p.in_room, p.seq);
        if self.body.len() < self.size {
            self.body.resize(self.size, b'x');
        }
        let room = self.pubs[pi].room;
        let c = &mut self.conns[id];
        if self.multi {
            self.proto.publish_in(&self.rooms[room].name, &self.body, &mut c.wbuf);
        } else {
            self.proto.publish(&mut c.ident, &self.body, &mut c.wbuf);
        }
        if !c.want_out {
            self.flush(id);
        }
        if ts >= self.t0 {
            let lag = now_ns().saturating_sub(ts) / 1000;
            self.lag.saturating_record(lag.max(1));
        }
    }

    pub fn outstanding(&self) -> u64 {
        self.c.expected.saturating_sub(self.c.unique)
    }

    pub fn close_all(&mut self) {
        for c in &mut self.conns {
            if c.fd >= 0 {
                // abortive close: leaves no TIME_WAIT behind for the next run
                let l = libc::linger { l_onoff: 1, l_linger: 0 };
                unsafe {
                    libc::setsockopt(
                        c.fd,
                        libc::SOL_SOCKET,
                        libc::SO_LINGER,
                        &l as *const _ as *const _,
                        std::mem::size_of_val(&l) as u32,
                    );
                    libc::close(c.fd);
                }
                c.fd = -1;
                c.st = St::Closed;
            }
        }
    }
}

fn num(mut t: &[u8]) -> (u64, &[u8]) {
    let mut v = 0u64;
    while let [b, rest @ ..] = t {
        if !b.is_ascii_digit() {
            break;
        }
        v = v.wrapping_mul(10).wrapping_add((b - b'0') as u64);
        t = rest;
    }
    (v, t)
}

fn sockaddr(ip: [u8; 4], port: u16) -> libc::sockaddr_in {
    libc::sockaddr_in {
        sin_family: libc::AF_INET as u16,
        sin_port: port.to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(ip) },
        sin_zero: [0; 8],
    }
}
