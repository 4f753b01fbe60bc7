//! The twin: the same scripts, called like a node does but with a constant run id, which disables the fence. The same
//! losses then assign a number twice; with the real run id they do not.

use adda::backend::{Continuity, Page};
use adda::model::{EntryKind, Epoch, LoggedMessage, Position, Receipt, RoomName};
use fastrand::Rng;

use super::held::Holds;
use super::reader::Reader;
use super::record::Record;
use super::world::{Fault, World};

const FENCE: &str = include_str!("../../../src/backend/redis/log/fence.lua");
const HEAD: &str = include_str!("../../../src/backend/redis/log/head.lua");
const APPEND: &str = concat!(
    include_str!("../../../src/backend/redis/log/once.lua"),
    // Its texts need nothing from beside the log but this.
    "local function beside()\n",
    include_str!("../../../src/backend/redis/log/entries.lua"),
    "return {oldest_kept = oldest_kept}\nend\n",
    include_str!("../../../src/backend/redis/log/append.lua"),
);
const READ: &str = concat!(
    include_str!("../../../src/backend/redis/log/entries.lua"),
    include_str!("../../../src/backend/redis/log/beside/texts.lua"),
    include_str!("../../../src/backend/redis/log/beside/pages.lua"),
    include_str!("../../../src/backend/redis/log/read.lua"),
);

/// The run id that the scripts are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Belief {
    /// The id of the Redis process, as in a node.
    TheRun,
    /// A constant.
    Nothing,
}

/// A node without Rust: one script call a message, one a page.
struct Model {
    world: World,
    room: RoomName,
    belief: Belief,
    posted: usize,
}

impl Model {
    /// A script with the keys of the room; none of them has a nonce.
    async fn call<T: redis::FromRedisValue>(&self, script: &str, args: &[&str]) -> T {
        let run = match self.belief {
            Belief::TheRun => self.world.run_id().await,
            Belief::Nothing => "the same for ever".to_owned(),
        };
        let publish = "local PUBLISH, BUS_VERSION = 'PUBLISH', '1'\n\
            local function may_publish() return true end";
        let text = format!("{publish}\nlocal REPLID = '{run}'\n{FENCE}{script}");
        let keys = ["head", "log", "changes", "state", "altered", "reactions", "cursors"]
            .map(|name| format!("adda:{{{}}}:{name}", self.room));
        let mut words = vec!["EVAL", &text, "7"];
        words.extend(keys.iter().map(String::as_str).chain(args.iter().copied()));
        self.world.ask(&words).await
    }

    async fn post(&mut self, record: &mut Record) {
        self.posted += 1;
        let id = format!("message {}", self.posted);
        let json = format!("{{\"id\":\"{id}\",\"content\":\"{id}\"");
        let args = ["channel", &id, "-", "-", "3600000", "7200000", "3600000", "0", "1000", "", &json];
        let (_, epoch, seq, timestamp): (u8, String, u64, String) = self.call(APPEND, &args).await;
        let epoch = Epoch::new(&epoch);
        record.ack(&self.room, &Receipt { id, epoch, seq, timestamp, is_duplicate: false });
    }

    async fn page(&self, place: &Position) -> Page {
        let seq = place.seq.to_string();
        let _: (String, u64) = self.call(HEAD, &["7200000"]).await;
        let args = ["3600000", "200", "100000", "after", &seq, place.epoch.as_str()];
        let fields: Vec<String> = self.call(READ, &args).await;
        let number = |place: usize| fields[place].parse::<u64>().unwrap();
        let epoch = Epoch::new(&fields[0]);
        let message = |entry: &[String]| LoggedMessage {
            epoch: epoch.clone(),
            seq: entry[0].parse().unwrap(),
            json: entry[1].clone().into(),
            kind: EntryKind::Text,
            taken_in: None,
        };
        Page {
            head: Position { epoch: epoch.clone(), seq: number(1) },
            messages: fields[7..].chunks_exact(2).map(message).collect(),
            continuity: Continuity {
                is_proven: fields[2] == "1",
                resume_at: number(3),
                oldest: number(4),
                oldest_text: number(5),
            },
            end: number(1),
            unreadable: 0,
            has_more: fields[6] == "1",
        }
    }
}

/// Runs posts, losses and one reader; returns the recorded violations.
async fn walk(belief: Belief, seed: u64) -> Option<Vec<String>> {
    let mut rng = Rng::with_seed(seed);
    let (mut record, room) = (Record::default(), RoomName::parse("general", 64).unwrap());
    let mut model = Model { world: World::start().await?, room: room.clone(), belief, posted: 0 };
    let nowhere = Position { epoch: Epoch::new("none"), seq: 0 };
    let mut reader = Reader::join(&room, &model.page(&nowhere).await, &mut record);
    for _ in 0..12 {
        for _ in 0..rng.u8(1..5) {
            model.post(&mut record).await;
        }
        if rng.bool() {
            let lineage = model.world.held(&room).await.lineage;
            let page = model.page(&reader.place).await;
            reader.follow(&page, &lineage, &mut record);
        }
        let fault = [Fault::Cut, Fault::Copy, Fault::PutBack][rng.usize(..3)];
        if fault != Fault::PutBack || model.world.has_copy() {
            model.world.inject(fault, &room, &mut rng).await;
        }
    }
    Some(record.violations().to_vec())
}

const SEEDS: std::ops::Range<u64> = 1..4;

#[tokio::test]
async fn without_the_fence_a_number_names_two_messages() {
    for seed in SEEDS {
        let Some(violations) = walk(Belief::Nothing, seed).await else { return };
        assert!(
            violations.iter().any(|violation| violation.contains(" named ")),
            "seed {seed}: {violations:?}"
        );
    }
}

#[tokio::test]
async fn with_the_fence_the_same_losses_cause_no_violation() {
    for seed in SEEDS {
        let Some(violations) = walk(Belief::TheRun, seed).await else { return };
        assert_eq!(violations, [""; 0], "seed {seed}");
    }
}
