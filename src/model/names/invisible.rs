//! Where in a name an invisible character has a purpose: it shapes the letters around it or is part of an
//! emoji. Anywhere else it only makes two names look alike.

use super::super::characters::{
    is_emoji, is_emoji_modifier, is_mark, is_pictograph, is_virama, joins_next, joins_previous,
};

const ZWNJ: char = '\u{200c}';
const ZWJ: char = '\u{200d}';
/// Asks for the emoji form of the character before it.
const VS16: char = '\u{fe0f}';
const KEYCAP: char = '\u{20e3}';
const BLACK_FLAG: char = '\u{1f3f4}';
const TAG_BLANK: char = '\u{e0020}';
const TAG_END: char = '\u{e007f}';

/// A region is two letters of a country and one to three letters or digits; the end follows.
const FLAG_TAGS: std::ops::RangeInclusive<usize> = 4..=6;

/// Letters between which marks may stand have no more of them.
const MARKS_BETWEEN: usize = 8;

/// Whether the invisible character at `at` has a purpose there.
pub(super) fn has_purpose(text: &[char], at: usize) -> bool {
    match text[at] {
        ZWNJ => is_beside_virama(text, at) || parts_cursive_letters(text, at),
        ZWJ => is_beside_virama(text, at) || joins_pictographs(text, at),
        VS16 => gives_emoji_form(text, at),
        TAG_BLANK..=TAG_END => is_in_flag(text, at),
        _ => false,
    }
}

/// Joiners, which have no purpose at the end of a name, whatever stands before them.
pub(super) fn is_joiner(c: char) -> bool {
    matches!(c, ZWNJ | ZWJ)
}

fn is_beside_virama(text: &[char], at: usize) -> bool {
    at > 0 && (is_virama(text[at - 1]) || text.get(at + 1).is_some_and(|next| is_virama(*next)))
}

/// RFC 5892, A.1: the letters on both sides would join.
fn parts_cursive_letters(text: &[char], at: usize) -> bool {
    let is_letter = |c: &&char| !is_mark(**c);
    let before = text[..at].iter().rev().take(MARKS_BETWEEN).find(is_letter);
    let after = text[at + 1..].iter().take(MARKS_BETWEEN).find(is_letter);
    before.is_some_and(|c| joins_next(*c)) && after.is_some_and(|c| joins_previous(*c))
}

fn joins_pictographs(text: &[char], at: usize) -> bool {
    let is_before = match text[..at] {
        [.., picture, VS16] => is_pictograph(picture),
        [.., picture, last] if is_emoji_modifier(last) => is_pictograph(picture),
        [.., last] => is_pictograph(last),
        [] => false,
    };
    is_before && text.get(at + 1).is_some_and(|next| is_pictograph(*next))
}

fn gives_emoji_form(text: &[char], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|before| text[before]) else { return false };
    let is_key = matches!(before, '0'..='9' | '#' | '*') && text.get(at + 1) == Some(&KEYCAP);
    is_key || is_emoji(before)
}

/// The flag of a region: a black flag, the region in tags, the end of the tags.
fn is_in_flag(text: &[char], at: usize) -> bool {
    let is_tag = |c: &&char| (TAG_BLANK..TAG_END).contains(*c);
    let before = text[..at].iter().rev().take(*FLAG_TAGS.end()).take_while(is_tag).count();
    let after = text[at..].iter().take(*FLAG_TAGS.end()).take_while(is_tag).count();
    let first = at - before;
    let tags = &text[first..at + after];
    let is_region =
        tags.iter().all(|tag| matches!(tag, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}'));
    is_region
        && FLAG_TAGS.contains(&(tags.len() + 1))
        && first.checked_sub(1).is_some_and(|flag| text[flag] == BLACK_FLAG)
        && text.get(at + after) == Some(&TAG_END)
}
