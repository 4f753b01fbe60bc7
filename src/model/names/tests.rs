//! The cases that the server and the page share, and what the page can't ask Unicode for.

use serde::Deserialize;

use super::super::characters::{has_visible, is_virama, joins_next, joins_previous};
use super::*;

#[derive(Deserialize)]
struct Cases {
    names: Vec<Case>,
    rooms: Vec<Case>,
    texts: Vec<Text>,
    virama: Vec<[u32; 2]>,
    joins_next: Vec<[u32; 2]>,
    joins_previous: Vec<[u32; 2]>,
}

#[derive(Deserialize)]
struct Case {
    given: String,
    value: Option<String>,
    problem: Option<String>,
    why: String,
}

#[derive(Deserialize)]
struct Text {
    given: String,
    is_visible: bool,
}

fn cases() -> Cases {
    serde_json::from_str(include_str!("../../../tests/names.json")).unwrap()
}

fn problem(error: NameError) -> String {
    let word = match error {
        NameError::Empty => "empty",
        NameError::TooLong { .. } => "too_long",
        NameError::Hidden => "hidden",
        NameError::Marks => "marks",
        NameError::Reserved => "reserved",
    };
    word.to_owned()
}

fn check(case: &Case, parsed: Result<String, NameError>) {
    let outcome = match parsed {
        Ok(value) => (Some(value), None),
        Err(error) => (None, Some(problem(error))),
    };
    let expected = (case.value.clone(), case.problem.clone());
    assert_eq!(outcome, expected, "{:?}: {}", case.given, case.why);
}

#[test]
fn names_are_what_both_sides_agree_on() {
    let username = |raw: &str| Username::parse(raw, 32).map(|name| name.to_string());
    let room = |raw: &str| RoomName::parse(raw, 64).map(|name| name.to_string());
    for case in &cases().names {
        check(case, username(&case.given));
        if let Some(value) = &case.value {
            assert_eq!(username(value).as_ref(), Ok(value), "a name that was taken is taken again");
        }
    }
    for case in &cases().rooms {
        check(case, room(&case.given));
    }
}

#[test]
fn texts_have_something_to_see() {
    for Text { given, is_visible } in cases().texts {
        assert_eq!(has_visible(&given), is_visible, "{given:?}");
    }
}

#[test]
fn the_page_knows_the_properties_that_its_language_lacks() {
    let Cases { virama, joins_next: next, joins_previous: previous, .. } = cases();
    assert_eq!(virama, ranges(is_virama));
    assert_eq!(next, ranges(joins_next));
    assert_eq!(previous, ranges(joins_previous));
}

fn ranges(is_in: impl Fn(char) -> bool) -> Vec<[u32; 2]> {
    let mut ranges: Vec<[u32; 2]> = Vec::new();
    for c in ('\0'..=char::MAX).filter(|c| is_in(*c)).map(u32::from) {
        match ranges.last_mut() {
            Some([_, last]) if *last + 1 == c => *last = c,
            _ => ranges.push([c, c]),
        }
    }
    ranges
}

#[test]
fn names_of_ascii_need_no_unicode() {
    let ascii: Vec<char> = (0..=0x7f_u8).map(char::from).collect();
    let mut plain = 0;
    for first in &ascii {
        for second in &ascii {
            for raw in [format!("{first}{second}a"), format!("a{first}{second}")] {
                plain += usize::from(is_plain(&raw));
                assert_eq!(parse_name(&raw, 3), parse_any(&raw, 3), "{raw:?}");
            }
        }
    }
    assert!(plain > 17_000, "{plain}");
    assert_eq!(parse_name("abcd", 3), parse_any("abcd", 3));
    assert!(!is_plain("") && is_plain("general") && is_plain("a room") && !is_plain("আড্ডা"));
}
