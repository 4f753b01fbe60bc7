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
pub enum Fate {
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
    Relapse,
    DropHead,
    DropLog,
    DropBoth,
    Expire,
}

/// Each fault with its weight.
const FATES: [(Fate, u32); 17] = [
    (Fate::Restart, 3),
    (Fate::Cut, 6),
    (Fate::Empty, 1),
    (Fate::Flush, 1),
    (Fate::Copy, 5),
    (Fate::PutBack, 6),
    (Fate::Attach, 4),
    (Fate::Lag, 4),
    (Fate::Failover, 3),
    (Fate::Split, 4),
    (Fate::Return, 6),
    (Fate::Demote, 5),
    (Fate::Relapse, 5),
    (Fate::DropHead, 2),
    (Fate::DropLog, 2),
    (Fate::DropBoth, 1),
    (Fate::Expire, 1),
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
    pub fn draw(&self, rng: &mut Rng) -> Fate {
        let role = self.other.as_ref().map(|(_, role)| *role);
        let can = |fate: Fate| match fate {
            Fate::PutBack => self.has_copy(),
            Fate::Attach => role.is_none_or(|role| role == Role::Lagging),
            Fate::Lag => role == Some(Role::Replica),
            Fate::Failover | Fate::Split | Fate::Relapse => {
                matches!(role, Some(Role::Replica | Role::Lagging))
            }
            Fate::Return | Fate::Demote => role == Some(Role::Master),
            _ => true,
        };
        let possible: Vec<_> = FATES.into_iter().filter(|(fate, _)| can(*fate)).collect();
        let mut place = rng.u32(..possible.iter().map(|(_, weight)| *weight).sum::<u32>());
        for (fate, weight) in possible {
            match place.checked_sub(weight) {
                Some(rest) => place = rest,
                None => return fate,
            }
        }
        unreachable!("the place is below the sum of the weights")
    }

    /// Injects a fault.
    pub async fn befall(&mut self, fate: Fate, room: &RoomName, rng: &mut Rng) {
        match fate {
            Fate::Copy => self.copy().await,
            Fate::Attach | Fate::Demote => self.attach().await,
            Fate::Lag => self.lag().await,
            _ => {
                self.losses += 1;
                self.lose(fate, room, rng).await;
            }
        }
    }

    async fn lose(&mut self, fate: Fate, room: &RoomName, rng: &mut Rng) {
        match fate {
            Fate::Flush => self.main.ask::<()>(&["FLUSHALL"]).await,
            Fate::DropHead => self.drop_keys(room, &["head"]).await,
            Fate::DropLog => self.drop_keys(room, &["log"]).await,
            Fate::DropBoth => self.drop_keys(room, &["head", "log"]).await,
            Fate::Expire => self.expire(room).await,
            Fate::Failover => {
                self.split().await;
                self.part_with_other().await;
            }
            Fate::Split => self.split().await,
            Fate::Relapse => self.relapse().await,
            Fate::Return => {
                self.change_places();
                // Sometimes the old master stops for good.
                if rng.u8(..3) == 0 {
                    self.part_with_other().await;
                }
            }
            _ => {
                self.main.kill();
                match fate {
                    Fate::Cut => self.main.cut(rng.u64(1..6_000)),
                    Fate::Empty => self.main.empty(),
                    Fate::PutBack => self.main.put_back(&self.copies[rng.usize(..self.copies.len())]),
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
            self.change_places();
        }
    }

    async fn relapse(&mut self) {
        if let Some((other, role)) = &mut self.other {
            other.promote().await;
            self.main.follow(other).await;
            self.main.promote().await;
            *role = Role::Master;
        }
    }

    fn change_places(&mut self) {
        if let Some((other, _)) = &mut self.other {
            std::mem::swap(&mut self.main, other);
            self.front.turn_to(self.main.port);
        }
    }

    /// Stops the second server and keeps a copy of its files.
    async fn part_with_other(&mut self) {
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
