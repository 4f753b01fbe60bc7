//! How many combining marks a letter may have.

use crate::model::characters::{is_mark, needs_mark};

/// Marks that a letter does not need: of another script or of none, or the one before once more. More of them hide what is
/// written above and below it.
pub(super) const NEEDLESS_MARKS: usize = 4;

/// With the marks that a script needs for its own letters; Burmese and Tibetan need most.
const MARKS: usize = 8;

/// The last letter and its marks.
#[derive(Debug)]
pub(super) struct Marks {
    base: char,
    last: char,
    count: usize,
    needless: usize,
}

impl Marks {
    /// Before the first letter, and after a blank, no mark may stand.
    pub(super) fn new() -> Self {
        Self::of(' ')
    }

    fn of(base: char) -> Self {
        Self { base, last: base, count: 0, needless: 0 }
    }

    /// Takes the next visible character of a text in NFD: marks of letters that NFC has composed count, too. Returns whether it
    /// may stand there.
    pub(super) fn allow(&mut self, c: char) -> bool {
        if !is_mark(c) {
            *self = Self::of(c);
            return true;
        }
        self.count += 1;
        self.needless += usize::from(c == self.last || !needs_mark(self.base, c));
        self.last = c;
        self.base != ' ' && self.count <= MARKS && self.needless <= NEEDLESS_MARKS
    }
}
