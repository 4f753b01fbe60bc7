//! A Redis that loses data, restores old data and fails over to another server, behind one address; and reads of its
//! data without the code under test.

use std::fs;
use std::path::{Path, PathBuf};

use adda::model::RoomName;
use fastrand::Rng;
use redis::{FromRedisValue, Value};

use super::front::Front;
use super::held::{Held, Holds, key};
use super::server::Server;

/// Most copies that are kept.
const COPIES: usize = 5;

/// The faults of Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `kill -9`, and a restart with its file.
    Restart,
    /// A restart with a truncated file.
    Cut,
    /// A restart without a file.
    Empty,
    Flush,
    /// Its files are copied.
    Copy,
    /// A restart with a copy of any age and any branch.
    PutBack,
    /// A second server becomes its replica.
    Attach,
    /// The replica loses its link and lags from then on.
    Lag,
    /// The replica takes over; the old master is dead.
    Failover,
    /// The replica takes over; the old master keeps running by itself.
    Split,
    /// The address returns to the old master with its own data.
    Return,
    /// The old master becomes the new one's replica without a restart.
    Demote,
    /// The replica becomes the master and hands back, with its data, without a cut connection.
    HandBack,
    DropHead,
    DropLog,
    DropBoth,
    Expire,
}

/// Each fault with its weight.
const FAULTS: [(Fault, u32); 17] = [
    (Fault::Restart, 3),
    (Fault::Cut, 6),
    (Fault::Empty, 1),
    (Fault::Flush, 1),
    (Fault::Copy, 5),
    (Fault::PutBack, 6),
    (Fault::Attach, 4),
    (Fault::Lag, 4),
    (Fault::Failover, 3),
    (Fault::Split, 4),
    (Fault::Return, 6),
    (Fault::Demote, 5),
    (Fault::HandBack, 5),
    (Fault::DropHead, 2),
    (Fault::DropLog, 2),
    (Fault::DropBoth, 1),
    (Fault::Expire, 1),
];

/// The role of the second server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Replica,
    Lagging,
    Master,
}

/// The servers, their copies, and the address in front of them.
pub struct World {
    pub front: Front,
    main: Server,
    other: Option<(Server, Role)>,
    copies: Vec<PathBuf>,
    copied: usize,
    folder: PathBuf,
    /// The number of possible losses.
    pub losses: u64,
}

impl World {
    /// Starts a server; `None` if redis-server is not installed.
    pub async fn start() -> Option<Self> {
        let main = Server::start().await?;
        let front = Front::to(main.port).await;
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("copies-{}", main.port));
        let _ = fs::remove_dir_all(&folder);
        Some(Self { front, main, other: None, copies: Vec::new(), copied: 0, folder, losses: 0 })
    }

    /// Draws a fault that is possible now.
    pub fn draw(&self, rng: &mut Rng) -> Fault {
        let role = self.other.as_ref().map(|(_, role)| *role);
        let can = |fault: Fault| match fault {
            Fault::PutBack => self.has_copy(),
            Fault::Attach => role.is_none_or(|role| role == Role::Lagging),
            Fault::Lag => role == Some(Role::Replica),
            Fault::Failover | Fault::Split | Fault::HandBack => {
                matches!(role, Some(Role::Replica | Role::Lagging))
            }
            Fault::Return | Fault::Demote => role == Some(Role::Master),
            _ => true,
        };
        let possible: Vec<_> = FAULTS.into_iter().filter(|(fault, _)| can(*fault)).collect();
        let mut place = rng.u32(..possible.iter().map(|(_, weight)| *weight).sum::<u32>());
        for (fault, weight) in possible {
            match place.checked_sub(weight) {
                Some(rest) => place = rest,
                None => return fault,
            }
        }
        unreachable!("the place is below the sum of the weights")
    }

    /// Injects a fault.
    pub async fn inject(&mut self, fault: Fault, room: &RoomName, rng: &mut Rng) {
        match fault {
            Fault::Copy => self.copy().await,
            Fault::Attach | Fault::Demote => self.attach().await,
            Fault::Lag => self.lag().await,
            _ => {
                self.losses += 1;
                self.lose(fault, room, rng).await;
            }
        }
    }

    async fn lose(&mut self, fault: Fault, room: &RoomName, rng: &mut Rng) {
        match fault {
            Fault::Flush => self.main.ask::<()>(&["FLUSHALL"]).await,
            Fault::DropHead => self.drop_keys(room, &["head"]).await,
            Fault::DropLog => self.drop_keys(room, &["log"]).await,
            Fault::DropBoth => self.drop_keys(room, &["head", "log"]).await,
            Fault::Expire => self.expire(room).await,
            Fault::Failover => {
                self.split().await;
                self.stop_other().await;
            }
            Fault::Split => self.split().await,
            Fault::HandBack => self.hand_back().await,
            Fault::Return => {
                self.swap_roles();
                // Sometimes the old master stops for good.
                if rng.u8(..3) == 0 {
                    self.stop_other().await;
                }
            }
            _ => {
                self.main.kill();
                match fault {
                    Fault::Cut => self.main.cut(rng.u64(1..6_000)),
                    Fault::Empty => self.main.empty(),
                    Fault::PutBack => self.main.put_back(&self.copies[rng.usize(..self.copies.len())]),
                    _ => {}
                }
                self.main.restart().await;
            }
        }
    }

    async fn copy(&mut self) {
        self.copied += 1;
        let copy = self.folder.join(self.copied.to_string());
        self.main.copy(&copy).await;
        self.keep(copy);
    }

    fn keep(&mut self, copy: PathBuf) {
        self.copies.push(copy);
        if self.copies.len() > COPIES {
            let _ = fs::remove_dir_all(self.copies.remove(0));
        }
    }

    async fn attach(&mut self) {
        let other = match self.other.take() {
            Some((other, _)) => other,
            None => Server::start().await.expect("there was one before"),
        };
        other.follow(&self.main).await;
        self.other = Some((other, Role::Replica));
    }

    async fn lag(&mut self) {
        if let Some((other, role)) = &mut self.other {
            other.catch_up(&self.main).await;
            other.lag().await;
            *role = Role::Lagging;
        }
    }

    async fn split(&mut self) {
        if let Some((other, role)) = &mut self.other {
            other.promote().await;
            *role = Role::Master;
            self.swap_roles();
        }
    }

    async fn hand_back(&mut self) {
        if let Some((other, role)) = &mut self.other {
            other.promote().await;
            self.main.follow(other).await;
            self.main.promote().await;
            *role = Role::Master;
        }
    }

    fn swap_roles(&mut self) {
        if let Some((other, _)) = &mut self.other {
            std::mem::swap(&mut self.main, other);
            self.front.turn_to(self.main.port);
        }
    }

    /// Stops the second server and keeps a copy of its files.
    async fn stop_other(&mut self) {
        if let Some((other, _)) = self.other.take() {
            self.copied += 1;
            let copy = self.folder.join(self.copied.to_string());
            other.copy(&copy).await;
            self.keep(copy);
        }
    }

    async fn drop_keys(&self, room: &RoomName, names: &[&str]) {
        for name in names {
            self.main.ask::<Value>(&["DEL", &key(room, name)]).await;
        }
    }

    async fn expire(&self, room: &RoomName) {
        let keys = [key(room, "head"), key(room, "log")];
        // A time in the past expires the key at once.
        for key in &keys {
            self.main.ask::<Value>(&["PEXPIREAT", key, "1"]).await;
        }
    }

    // --- its data ---

    /// The id of the process behind the address.
    pub async fn run_id(&self) -> String {
        let info = self.main.info("server").await;
        info.lines().find_map(|line| line.strip_prefix("run_id:")).unwrap().to_owned()
    }

    /// Sends one command to it.
    pub async fn ask<T: FromRedisValue>(&self, words: &[&str]) -> T {
        self.main.ask(words).await
    }

    /// Whether there is a copy to restore.
    pub fn has_copy(&self) -> bool {
        !self.copies.is_empty()
    }

    /// The entry of a nonce.
    pub async fn nonce(&self, room: &RoomName, user: &str, nonce: &str) -> Option<String> {
        self.main.ask(&["GET", &key(room, &format!("nonce:{user} {nonce}"))]).await
    }
}

impl Holds for World {
    async fn held(&self, room: &RoomName) -> Held {
        Held::read(self.main.ask(&Held::question(room).each_ref().map(String::as_str)).await)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}
