//! The verdict of `scripts/chaos` on joins, leaves and REST finds a wrong notice, an incomplete answer and a ghost,
//! and nothing in a correct run.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::chaos::memory::{Dialect, End, Memory, Notice, Place, Told};
use crate::chaos::notices::{self, Notices};
use crate::chaos::truth::{Away, Circumstances, find_untruths};
use crate::chaos::watch::{Answer, Sample, Samples};

const LEAVE_GRACE: Duration = Duration::from_secs(3);
const DUE: Duration = Duration::from_secs(10);
const BALANCER: u16 = 9;

/// Times are seconds since the beginning of the run.
struct Story {
    start: Instant,
    memories: Vec<Memory>,
    about: Circumstances,
}

impl Story {
    /// A witness on node 1, from the first second on.
    fn new() -> Self {
        let start = Instant::now();
        let about = Circumstances { began: start, away: Vec::new(), balancer: BALANCER, healed: None };
        let mut story = Self { start, memories: Vec::new(), about };
        story.enter("witness", 1, 1);
        story
    }

    fn at(&self, second: u64) -> Instant {
        self.start + Duration::from_secs(second)
    }

    /// A client joins the room. Its port serves as the id of its node.
    fn enter(&mut self, name: &str, second: u64, port: u16) {
        let at = Place { epoch: "a".to_owned(), seq: 0 };
        let connection_id = format!("{name} since {second}");
        if !self.memories.iter().any(|memory| memory.name == name) {
            self.memories.push(Memory::new(name, Dialect::Full, "room"));
        }
        self.tell(name, second, Told::Connected { port, node_id: port.to_string(), connection_id });
        self.tell(name, second, Told::User(format!("user of {name}")));
        self.tell(name, second, Told::Joined { since: None, at, is_recovered: false, messages: Vec::new() });
    }

    fn end(&mut self, name: &str, second: u64) {
        self.tell(name, second, Told::Ended(End::Server(1006)));
    }

    fn see(&mut self, second: u64, kind: Notice, name: &str) {
        self.tell("witness", second, Told::Notice { kind, user_id: format!("user of {name}") });
    }

    fn tell(&mut self, name: &str, second: u64, told: Told) {
        let at = self.at(second);
        let memory = self.memories.iter_mut().find(|memory| memory.name == name).expect("it has entered");
        memory.note_at(at, told);
    }

    fn notices(&self) -> Notices {
        notices::judge(&self.memories, &self.about, LEAVE_GRACE, DUE)
    }

    /// The findings if a node lists these connections in that second.
    fn untruths(&self, second: u64, names: &[&str]) -> Vec<String> {
        let names: BTreeSet<_> = names.iter().map(ToString::to_string).collect();
        let (asked, answer) = (self.at(second), Answer::Names(names));
        let sample = Sample { node: 0, asked, answered: asked, answer };
        let samples = Samples { rooms: vec![("room".to_owned(), sample)], ..Samples::default() };
        find_untruths(&self.memories, &samples, &self.about)
    }
}

#[test]
fn each_join_and_leave_is_announced_once() {
    let mut story = Story::new();
    story.enter("guest", 5, 2);
    story.see(5, Notice::Join, "guest");
    story.end("guest", 10);
    story.see(14, Notice::Leave, "guest");
    let notices = story.notices();
    assert_eq!((notices.unexpected.len(), notices.absent.len(), notices.gone), (0, 0, 1), "{notices:?}");

    story.see(15, Notice::Leave, "guest");
    assert_eq!(story.notices().unexpected.len(), 1, "a second leave");
    story.see(16, Notice::Join, "guest");
    assert_eq!(story.notices().unexpected.len(), 2, "a second join");
}

#[test]
fn a_missing_leave_is_found_once_it_is_due() {
    let mut story = Story::new();
    story.enter("guest", 5, 2);
    story.end("guest", 10);
    story.tell("witness", 20, Told::Skipped);
    assert_eq!(story.notices().absent.len(), 0);
    story.tell("witness", 21, Told::Skipped);
    assert_eq!(story.notices().absent.len(), 1);
    story.end("witness", 22);
    assert_eq!(story.notices().absent.len(), 0, "a partitioned witness may have missed it");
}

#[test]
fn a_return_within_the_grace_period_is_not_announced() {
    let mut story = Story::new();
    story.enter("mover", 2, 2);
    story.end("mover", 10);
    story.enter("mover", 11, 3);
    assert_eq!(story.notices().unexpected.len(), 0);
    story.see(2, Notice::Join, "mover");
    story.about.began = story.at(8);
    assert_eq!(story.notices().unexpected.len(), 0);
    story.see(11, Notice::Leave, "mover");
    assert_eq!(story.notices().unexpected.len(), 1);
    story.see(12, Notice::Join, "mover");
    assert_eq!(story.notices().unexpected.len(), 2);
}

#[test]
fn a_user_present_before_the_witness_does_not_join() {
    let mut story = Story::new();
    story.enter("early", 0, 2);
    story.enter("late witness", 20, 1);
    story.tell("late witness", 21, Told::Notice { kind: Notice::Join, user_id: "user of early".to_owned() });
    assert_eq!(story.notices().unexpected.len(), 1);
}

#[test]
fn a_notice_of_an_unknown_user_is_found() {
    let mut story = Story::new();
    story.see(5, Notice::Join, "nobody");
    assert_eq!(story.notices().unexpected.len(), 1);
}

#[test]
fn an_upgrade_that_a_plain_client_gave_up_explains_one_unknown_user() {
    let mut story = Story::new();
    let mut plain = Memory::new("plain", Dialect::Plain, "room");
    plain.given_up = 1;
    story.memories.push(plain);
    story.see(5, Notice::Join, "somebody");
    story.see(8, Notice::Leave, "somebody");
    assert_eq!(story.notices().unexpected.len(), 0);
    story.see(9, Notice::Leave, "somebody else");
    assert_eq!(story.notices().unexpected.len(), 2, "one of them must be wrong");
}

#[test]
fn a_user_on_a_partitioned_node_leaves_and_joins_once() {
    let mut story = Story::new();
    story.enter("patient", 2, 2);
    story.see(2, Notice::Join, "patient");
    story.see(14, Notice::Leave, "patient");
    assert_eq!(story.notices().unexpected.len(), 1);
    story.about.away = vec![Away { port: 2, from: story.at(5), to: story.at(20) }];
    story.see(20, Notice::Join, "patient");
    assert_eq!(story.notices().unexpected.len(), 0);
    story.see(21, Notice::Leave, "patient");
    assert_eq!(story.notices().unexpected.len(), 1, "but not twice");
}

#[test]
fn an_answer_must_name_every_session_that_knows_it_has_joined() {
    let mut story = Story::new();
    story.enter("guest", 5, 2);
    let (witness, guest) = ("witness since 1", "guest since 5");
    assert_eq!(story.untruths(4, &[witness]), [""; 0], "not yet");
    assert_eq!(story.untruths(5, &[witness]), [""; 0], "asked before it knew");
    assert_eq!(story.untruths(6, &[witness]).len(), 1, "the guest is left out");
    assert_eq!(story.untruths(6, &[]).len(), 2, "both are");
    assert_eq!(story.untruths(6, &[witness, guest]), [""; 0]);
    story.end("guest", 10);
    assert_eq!(story.untruths(8, &[witness]).len(), 1);
    assert_eq!(story.untruths(9, &[witness]), [""; 0], "the node may know before the client does");
}

#[test]
fn no_session_is_named_for_longer_than_eight_seconds_after_its_end() {
    let mut story = Story::new();
    story.enter("guest", 5, 2);
    story.end("guest", 10);
    let names = ["witness since 1", "guest since 5"];
    assert_eq!(story.untruths(18, &names), [""; 0]);
    assert_eq!(story.untruths(19, &names).len(), 1);
}

#[test]
fn sessions_of_a_partitioned_node_may_be_missing_until_it_has_recovered() {
    let mut story = Story::new();
    story.enter("patient", 2, 2);
    story.about.away = vec![Away { port: 2, from: story.at(5), to: story.at(20) }];
    let witness = ["witness since 1"];
    assert_eq!(story.untruths(4, &witness).len(), 1, "not before");
    assert_eq!(story.untruths(12, &witness), [""; 0]);
    assert_eq!(story.untruths(12, &["patient since 2"]).len(), 1, "and no other session");
    story.about.healed = Some(story.at(21));
    assert_eq!(story.untruths(21, &witness), [""; 0]);
    assert_eq!(story.untruths(22, &witness).len(), 1, "not after");
}

#[test]
fn an_invalid_answer_is_found() {
    let story = Story::new();
    for (answer, count) in [(Answer::Odd("500".to_owned()), 1), (Answer::Unavailable, 0), (Answer::Silent, 0)]
    {
        let asked = story.at(5);
        let sample = Sample { node: 0, asked, answered: asked, answer };
        let samples = Samples { rooms: vec![("room".to_owned(), sample)], ..Samples::default() };
        assert_eq!(find_untruths(&story.memories, &samples, &story.about).len(), count);
    }
}
