//! The verdict of `scripts/chaos` finds each kind of violation in invented records, and nothing in correct ones.

mod states;
mod story;

use self::story::{ALL, Story, WITHOUT_READER, message, place};
use crate::chaos::memory::{Dialect, End, Told};
use crate::chaos::messages::Received;
use crate::chaos::verdict::Verdict;

/// Missing, announced, doubled, out of order, conflicts, holes.
fn counts(verdict: &Verdict) -> [usize; 6] {
    [
        verdict.missing,
        verdict.announced,
        verdict.doubled,
        verdict.disordered,
        verdict.conflicts,
        verdict.holes,
    ]
}

fn assert_counts(story: &Story, expected: [usize; 6]) {
    let verdict = story.verdict();
    assert_eq!(counts(&verdict), expected, "{verdict:#?}");
}

#[test]
fn a_run_without_a_fault_has_no_findings() {
    let mut story = Story::new();
    for seq in 1..=5 {
        story.posts("a", seq, &ALL);
    }
    assert_counts(&story, [0; 6]);
    assert_eq!(story.verdict().acked, 5);
}

#[test]
fn a_missing_message_is_found() {
    let mut story = Story::new();
    story.posts("a", 1, &ALL);
    story.posts("a", 2, &WITHOUT_READER);
    assert_counts(&story, [1, 0, 0, 0, 0, 0]);
    story.posts("a", 3, &ALL);
    assert_counts(&story, [1, 0, 0, 0, 0, 1]);
}

#[test]
fn messages_before_a_readers_join_are_not_missing() {
    let mut story = Story::new();
    story.posts("a", 1, &ALL);
    story.enter("late reader", Dialect::Full, place("a", 1));
    story.posts("a", 2, &[ALL.as_slice(), &["late reader"]].concat());
    assert_counts(&story, [0; 6]);
}

#[test]
fn a_gap_announces_exactly_the_messages_in_its_range() {
    let mut story = Story::new();
    story.posts("a", 1, &ALL);
    story.posts("a", 2, &WITHOUT_READER);
    story.posts("a", 3, &WITHOUT_READER);
    story.tell("reader", Told::Gap { from: 2, to: 2 });
    assert_counts(&story, [1, 1, 0, 0, 0, 0]);
    story.tell("reader", Told::Gap { from: 3, to: 3 });
    assert_counts(&story, [0, 2, 0, 0, 0, 0]);
}

#[test]
fn a_reader_that_recovers_must_get_everything() {
    let mut story = Story::new();
    story.posts("a", 1, &ALL);
    story.posts("a", 2, &WITHOUT_READER);
    story.posts("a", 3, &WITHOUT_READER);
    let since = Some(place("a", 1));
    let joined =
        |messages| Told::Joined { since: since.clone(), at: place("a", 3), is_recovered: true, messages };
    story.tell("reader", Told::Ended(End::Server(1006)));
    story.tell("reader", joined(vec![message("a", 2), message("a", 3)]));
    assert_counts(&story, [0; 6]);
    assert_eq!(story.verdict().dropped, 1);

    let mut lied_to = Story { memories: story.memories.clone(), log: story.log.clone(), ..story };
    let reader = &mut lied_to.memories[1];
    reader.events.pop();
    reader.note_at(lied_to.now, joined(vec![message("a", 3)]));
    assert_counts(&lied_to, [1, 0, 0, 0, 0, 1]);
}

#[test]
fn recovered_false_announces_what_the_page_leaves_out() {
    let mut story = Story::new();
    story.posts("a", 1, &ALL);
    story.posts("a", 2, &WITHOUT_READER);
    story.posts("a", 3, &WITHOUT_READER);
    let (since, at) = (Some(place("a", 1)), place("a", 3));
    let messages = vec![message("a", 3)];
    story.tell("reader", Told::Joined { since, at, is_recovered: false, messages });
    assert_counts(&story, [0, 1, 0, 0, 0, 0]);
}

#[test]
fn a_rejoin_without_a_position_announces_no_loss() {
    let mut story = Story::new();
    story.posts("a", 1, &ALL);
    story.posts("a", 2, &WITHOUT_READER);
    let at = place("a", 2);
    story.tell("reader", Told::Joined { since: None, at, is_recovered: false, messages: Vec::new() });
    assert_counts(&story, [1, 0, 0, 0, 0, 0]);
}

#[test]
fn a_doubled_message_is_found() {
    let mut story = Story::new();
    story.posts("a", 1, &ALL);
    story.tell("reader", Told::Message(message("a", 1)));
    assert_counts(&story, [0, 0, 1, 0, 0, 0]);
    let (since, at) = (Some(place("a", 1)), place("a", 1));
    let messages = vec![message("a", 1)];
    story.tell("reader", Told::Joined { since, at, is_recovered: true, messages });
    assert_counts(&story, [0, 0, 2, 0, 0, 0]);
}

#[test]
fn a_message_logged_twice_is_found_though_its_ids_differ() {
    let mut story = Story::new();
    story.posts("a", 1, &ALL);
    story.posts("a", 2, &ALL);
    story.log.messages[1].entry = story.log.messages[0].entry.clone();
    assert_counts(&story, [0, 0, 1, 0, 0, 0]);
}

#[test]
fn a_reordered_message_is_found() {
    let mut story = Story::new();
    story.posts("a", 1, &ALL);
    story.posts("a", 2, &WITHOUT_READER);
    story.posts("a", 3, &ALL);
    story.tell("reader", Told::Message(message("a", 2)));
    // A hole, a lower number, and two disagreements with the other readers.
    assert_counts(&story, [0, 0, 0, 3, 0, 1]);
}

#[test]
fn readers_that_disagree_are_found_though_their_numbers_rise() {
    let mut story = Story::new();
    for (reader, ids) in [("reader", ["x", "y"]), ("other reader", ["y", "x"])] {
        for (seq, id) in (1..).zip(ids) {
            story.tell(reader, Told::Message(Received::text(seq, id, id)));
        }
    }
    let verdict = story.verdict();
    assert_eq!((verdict.disordered, verdict.conflicts), (1, 2), "{verdict:#?}");
}

#[test]
fn messages_logged_in_another_order_than_sent_are_found() {
    let mut story = Story::new();
    story.posts("a", 1, &ALL);
    story.posts("a", 2, &ALL);
    for (message, content) in story.log.messages.iter_mut().zip(["writer says 10", "writer says 9"]) {
        *message = Received::text(message.seq, &message.id, content);
    }
    assert_eq!(story.verdict().disordered, 1);
}

#[test]
fn a_number_that_names_two_messages_is_found() {
    let mut story = Story::new();
    story.posts("a", 1, &ALL);
    story.set_back(0, "a");
    story.log.messages.push(Received { id: "another".to_owned(), ..message("a", 1) });
    let verdict = story.verdict();
    assert_eq!(verdict.conflicts, 1, "{verdict:#?}");
}

#[test]
fn a_number_reused_in_a_new_epoch_is_no_conflict() {
    let mut story = Story::new();
    for seq in 1..=3 {
        story.posts("a", seq, &ALL);
    }
    story.set_back(1, "bb");
    for name in ALL {
        story.tell(name, Told::Reset(place("bb", 1)));
    }
    story.posts("bb", 2, &ALL);
    // Two are lost, and a new epoch announced it.
    assert_counts(&story, [0, 2, 0, 0, 0, 0]);
    assert_eq!(story.verdict().resets, 3);
}

#[test]
fn a_loss_without_a_new_epoch_is_missing_for_readers_that_did_not_receive_it() {
    let mut story = Story::new();
    story.posts("a", 1, &ALL);
    story.posts("a", 2, &WITHOUT_READER);
    story.set_back(1, "a");
    assert_counts(&story, [1, 1, 0, 0, 0, 0]);
}

#[test]
fn a_reset_excuses_only_what_is_lost() {
    let mut story = Story::new();
    for seq in 1..=3 {
        story.posts("a", seq, &WITHOUT_READER);
    }
    story.set_back(2, "bb");
    for name in WITHOUT_READER {
        story.tell(name, Told::Reset(place("bb", 2)));
    }
    story.tell("reader", Told::Reset(place("bb", 0)));
    story.tell("reader", Told::Message(message("a", 1)));
    // The log still has the second message, so the reader must receive it.
    assert_counts(&story, [1, 1, 0, 0, 0, 0]);
    story.tell("reader", Told::Message(message("a", 2)));
    assert_counts(&story, [0, 1, 0, 0, 0, 0]);
}

#[test]
fn plain_sessions_are_owed_what_comes_while_they_are_there() {
    let mut story = Story::new();
    story.enter("plain", Dialect::Plain, place("", 0));
    let with_plain = [ALL.as_slice(), &["plain"]].concat();
    story.posts("a", 1, &with_plain);
    story.posts("a", 2, &ALL);
    story.posts("a", 3, &with_plain);
    assert_counts(&story, [1, 0, 0, 0, 0, 0]);
    story.tell("plain", Told::Message(message("a", 3)));
    assert_counts(&story, [1, 0, 1, 0, 0, 0]);
    story.tell("plain", Told::Skipped);
    assert_counts(&story, [0, 1, 1, 0, 0, 0]);
}

#[test]
fn a_plain_session_that_is_given_a_lower_number_is_found() {
    let mut story = Story::new();
    story.enter("plain", Dialect::Plain, place("", 0));
    for seq in [1, 2] {
        story.posts("a", seq, &ALL);
    }
    for seq in [2, 1] {
        story.tell("plain", Told::Message(message("a", seq)));
    }
    let verdict = story.verdict();
    assert_eq!((verdict.missing, verdict.doubled), (0, 0), "{verdict:#?}");
    // One finding by its own numbers, and one against each of the others.
    assert_eq!(verdict.disordered, 4, "{verdict:#?}");
}
