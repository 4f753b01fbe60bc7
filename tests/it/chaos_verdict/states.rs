//! The state of messages at the end: pages and readers that differ from the changes of the log are found.

use serde_json::json;

use super::assert_counts;
use super::story::{ALL, Story, WITHOUT_READER, change, message, place};
use crate::chaos::memory::{Dialect, Told};
use crate::chaos::messages::{Action, Entry, Received, Shown};

fn edit(content: &str) -> Action {
    Action::Edit(content.to_owned())
}

fn react(is_on: bool) -> Action {
    Action::React { emoji: "👍".to_owned(), is_on }
}

/// A text of the story after these changes, by their numbers.
fn changed(seq: u64, changes: &[(u64, Action)]) -> Received {
    let mut text = message("a", seq);
    let Entry::Text(shown) = &mut text.entry else { panic!("a text") };
    for (number, action) in changes {
        let Entry::Change(change) = change(*number, seq, action).entry else { panic!("a change") };
        shown.apply(*number, &change);
    }
    text
}

/// The text with another state.
fn altered(text: &Received, alter: impl Fn(&mut Shown)) -> Received {
    let mut text = text.clone();
    let Entry::Text(shown) = &mut text.entry else { panic!("a text") };
    alter(shown);
    text
}

/// Two texts; the first is edited and has a reaction, the second is deleted.
fn changed_story() -> (Story, [Received; 2]) {
    let mut story = Story::new();
    story.posts("a", 1, &ALL);
    story.posts("a", 2, &ALL);
    let of_first = [(3, edit("better")), (4, react(true))];
    let of_second = [(5, react(true)), (6, Action::Delete)];
    for (target, changes) in [(1, &of_first), (2, &of_second)] {
        for (seq, action) in changes {
            story.changes(*seq, target, action, &ALL);
        }
    }
    (story, [changed(1, &of_first), changed(2, &of_second)])
}

fn assert_states(story: &Story, expected: usize) {
    let verdict = story.verdict();
    assert_eq!(verdict.states, expected, "{verdict:#?}");
}

#[test]
fn changes_that_all_have_applied_are_no_findings() {
    let (mut story, texts) = changed_story();
    story.shows(texts.to_vec());
    assert_counts(&story, [0; 6]);
    assert_states(&story, 0);
    assert_eq!(story.verdict().acked, 6);
}

#[test]
fn a_page_that_differs_is_found() {
    type Alter = fn(&mut Shown);
    let (story, [first, second]) = changed_story();
    let reacted = first.clone();
    let Entry::Text(Shown { reactions, .. }) = &reacted.entry else { panic!("a text") };
    let of_first: [Alter; 5] = [
        |shown| shown.content = "writer says 11".to_owned(),
        |shown| shown.reactions.clear(),
        |shown| shown.reactions.values_mut().for_each(|reacted| reacted.count += 1),
        |shown| shown.changed = 3,
        |shown| shown.is_deleted = true,
    ];
    let of_second: [Alter; 2] =
        [|shown| shown.is_deleted = false, |shown| shown.content = "again".to_owned()];
    let mut pages: Vec<[Received; 2]> =
        of_first.iter().map(|alter| [altered(&first, alter), second.clone()]).collect();
    pages.extend(of_second.iter().map(|alter| [first.clone(), altered(&second, alter)]));
    pages.push([first.clone(), altered(&second, |shown| shown.reactions = reactions.clone())]);
    for page in pages {
        let mut story = Story { memories: story.memories.clone(), log: story.log.clone(), ..story };
        story.shows(page.to_vec());
        assert_states(&story, 1);
    }
}

#[test]
fn pages_that_show_a_text_in_two_ways_are_found() {
    let (mut story, texts) = changed_story();
    for edited_at in ["2026-11-20T08:00:00.123Z", "2026-11-20T08:00:00.123Z", "2026-11-20T08:00:00.124Z"] {
        story.shows(texts.to_vec());
        let page = story.log.pages.last_mut().expect("it was just shown");
        page.json = vec![json!({ "seq": 1, "edited_at": edited_at }), json!({ "seq": 2 })];
    }
    assert_states(&story, 1);
}

#[test]
fn a_page_that_lacks_a_text_or_has_one_too_many_is_found() {
    let (mut story, [first, second]) = changed_story();
    story.shows(vec![first.clone()]);
    assert_states(&story, 1);
    story.shows(vec![first, second, message("a", 9)]);
    assert_states(&story, 2);
}

#[test]
fn a_reader_that_is_given_another_change_is_found() {
    let mut story = Story::new();
    story.posts("a", 1, &ALL);
    story.changes(2, 1, &edit("better"), &WITHOUT_READER);
    story.tell("reader", Told::Message(change(2, 1, &edit("worse"))));
    assert_counts(&story, [0; 6]);
    assert_states(&story, 1);
}

#[test]
fn a_reader_without_a_change_misses_it_and_shows_another_state() {
    let mut story = Story::new();
    story.posts("a", 1, &ALL);
    story.changes(2, 1, &react(true), &WITHOUT_READER);
    assert_counts(&story, [1, 0, 0, 0, 0, 0]);
    assert_states(&story, 1);
    story.changes(3, 1, &react(false), &WITHOUT_READER);
    story.tell("reader", Told::Message(change(3, 1, &react(false))));
    // It shows the same in the end, and has still missed a change.
    assert_counts(&story, [1, 0, 0, 0, 0, 1]);
    assert_states(&story, 0);
}

#[test]
fn a_change_that_a_page_contains_already_is_not_applied_again() {
    let mut story = Story::new();
    story.posts("a", 1, &ALL);
    let (first, last) = (edit("better"), edit("best"));
    story.changes(2, 1, &first, &ALL);
    story.changes(3, 1, &last, &ALL);
    let at = place("a", 1);
    let now = changed(1, &[(2, first.clone()), (3, last)]);
    for (name, page, expected) in
        [("late", now.clone(), 0), ("misled", altered(&now, |shown| shown.changed = 1), 1)]
    {
        story.enter(name, Dialect::Full, at.clone());
        let (since, at, messages) = (None, at.clone(), vec![page]);
        story.tell(name, Told::Joined { since, at, is_recovered: false, messages });
        story.tell(name, Told::Message(change(2, 1, &first)));
        if expected == 0 {
            story.tell(name, Told::Message(change(3, 1, &edit("best"))));
        }
        assert_states(&story, expected);
    }
}

#[test]
fn after_a_gap_or_a_reset_a_reader_is_judged_by_what_it_is_given_from_then_on() {
    for told in [Told::Gap { from: 2, to: 2 }, Told::Reset(place("a", 2))] {
        let mut story = Story::new();
        story.posts("a", 1, &ALL);
        story.changes(2, 1, &edit("better"), &WITHOUT_READER);
        assert_states(&story, 1);
        story.tell("reader", told);
        assert_states(&story, 0);
        story.posts("a", 3, &ALL);
        story.changes(4, 3, &edit("better"), &WITHOUT_READER);
        story.tell("reader", Told::Message(change(4, 3, &edit("worse"))));
        assert_states(&story, 1);
    }
}

#[test]
fn recovered_false_announces_the_changes_up_to_the_end_of_its_page() {
    let mut story = Story::new();
    story.posts("a", 1, &ALL);
    story.changes(2, 1, &edit("better"), &WITHOUT_READER);
    story.changes(3, 1, &react(true), &WITHOUT_READER);
    let (since, at) = (Some(place("a", 1)), place("a", 2));
    let messages = vec![changed(1, &[(2, edit("better"))])];
    story.tell("reader", Told::Joined { since, at, is_recovered: false, messages });
    assert_counts(&story, [1, 1, 0, 0, 0, 0]);
    assert_states(&story, 1);
    story.tell("reader", Told::Message(change(3, 1, &react(true))));
    assert_counts(&story, [0, 1, 0, 0, 0, 0]);
    assert_states(&story, 0);
}

#[test]
fn a_change_that_is_logged_otherwise_than_it_was_sent_is_found() {
    let others = [change(3, 2, &react(true)), change(3, 1, &react(false)), change(3, 1, &Action::Delete)];
    for other in others {
        let mut story = Story::new();
        story.posts("a", 1, &ALL);
        story.posts("a", 2, &ALL);
        story.changes(3, 1, &react(true), &ALL);
        assert_states(&story, 0);
        story.log.messages[2].entry = other.entry;
        assert_states(&story, 1);
    }
}

#[test]
fn a_change_that_is_logged_twice_is_found() {
    let mut story = Story::new();
    story.tell("writer", Told::User("writer".to_owned()));
    story.posts("a", 1, &ALL);
    story.changes(2, 1, &edit("better"), &ALL);
    assert_counts(&story, [0; 6]);
    // Under another id, of which its writer knows nothing.
    let again = change(3, 1, &edit("better"));
    story.log.messages.push(again.clone());
    assert_counts(&story, [0, 0, 1, 0, 0, 0]);
    for (is_waiting, is_gone) in [(true, false), (false, true)] {
        let mut story = Story { memories: story.memories.clone(), log: story.log.clone(), ..story };
        (story.memories[0].is_waiting, story.memories[0].is_gone) = (is_waiting, is_gone);
        assert_counts(&story, [0; 6]);
    }
    // And under the same.
    let again = Received { id: story.log.messages[1].id.clone(), ..again };
    story.log.messages[2] = again.clone();
    assert_counts(&story, [0, 0, 1, 0, 0, 0]);
    story.log.messages.pop();
    story.tell("writer", Told::Acked { place: place("a", 3), message: again });
    assert_counts(&story, [0, 0, 1, 0, 0, 0]);
}

#[test]
fn a_change_of_no_message_is_found() {
    let mut story = Story::new();
    story.posts("a", 1, &ALL);
    story.changes(2, 9, &react(true), &ALL);
    assert_states(&story, 1);
}

#[test]
fn plain_sessions_are_owed_neither_changes_nor_deleted_texts() {
    let mut story = Story::new();
    story.enter("plain", Dialect::Plain, place("", 0));
    let with_plain = [ALL.as_slice(), &["plain"]].concat();
    story.posts("a", 1, &with_plain);
    story.posts("a", 2, &ALL);
    assert_counts(&story, [1, 0, 0, 0, 0, 0]);
    story.changes(3, 2, &Action::Delete, &ALL);
    story.log.messages[1] = changed(2, &[(3, Action::Delete)]);
    assert_counts(&story, [0; 6]);
    assert_states(&story, 0);
    story.tell("plain", Told::Message(change(3, 2, &Action::Delete)));
    assert_states(&story, 1);
}
