//! The skeletons of a username: names that people can mistake for each other have one in common.

use std::fmt;
use std::sync::Arc;

use icu_casemap::CaseMapper;
use serde::Serialize;
use unicode_normalization::UnicodeNormalization;
use unicode_security::confusable_detection::skeleton as confusables;

use super::Username;

/// Case folding and look-alikes change no character more often than this.
const ROUNDS: usize = 4;

/// A form that all names share that look like one name. It is compared, and never shown.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Skeleton(Arc<str>);

impl Skeleton {
    /// Takes a skeleton from a place that adda itself wrote, such as Redis.
    pub fn from_trusted(text: &str) -> Self {
        Self(text.into())
    }

    /// The skeleton as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Skeleton {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Skeleton {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl Username {
    /// The skeleton without regard to case: compatibility forms (NFKC), case folding, then the look-alikes of UTS 39.
    /// Invisible characters are left out.
    pub fn skeleton(&self) -> Skeleton {
        let compatible: String = self.as_str().nfkc().collect();
        Skeleton(settled(fold(&compatible)))
    }

    /// [`Self::skeleton`], and the skeleton of the name as it is written. Two names that share one of the four can be
    /// mistaken for each other.
    ///
    /// Capitals have look-alikes of their own: the Cyrillic `В` looks like `B`, and the small `в` does not look like
    /// `b`.
    pub fn skeletons(&self) -> [Skeleton; 2] {
        let compatible: String = self.as_str().nfkc().collect();
        let written = confusables(&compatible).collect();
        [self.skeleton(), Skeleton(settled(written))]
    }
}

/// Replaces look-alikes and folds case until nothing changes. `i` counts as `l`, because its capital looks like `l`.
fn settled(mut text: String) -> Arc<str> {
    for _ in 0..ROUNDS {
        let next = settle(&text);
        if next == text {
            break;
        }
        text = next;
    }
    text.into()
}

fn settle(text: &str) -> String {
    let look: String = confusables(text).collect();
    fold(&look).replace('i', "l").nfc().collect()
}

fn fold(text: &str) -> String {
    CaseMapper::new().fold_string(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skeletons(name: &str) -> [Skeleton; 2] {
        Username::parse(name, 128).unwrap_or_else(|error| panic!("{name:?}: {error}")).skeletons()
    }

    fn are_alike(name: &str, other: &str) -> bool {
        skeletons(name).iter().any(|skeleton| skeletons(other).contains(skeleton))
    }

    #[test]
    fn names_that_look_alike_share_a_skeleton() {
        for (name, other, why) in [
            ("Rahim", "rahim", "case"),
            ("RAHIM", "rahim", "case"),
            ("straße", "STRASSE", "case folding of one letter to two"),
            ("ΣΟΦΟΣ", "σοφος", "the final sigma"),
            ("Zoë", "Zoe\u{308}", "composed and decomposed"),
            ("Paul", "PauI", "a capital i"),
            ("Paul", "Pau1", "a digit one"),
            ("Paul", "paui", "a small i, whose capital looks like a small l"),
            ("Bob", "B0b", "a digit zero"),
            ("modern", "modem", "two letters like one"),
            ("paypal", "раураl", "Cyrillic"),
            ("Bob", "Вob", "a Cyrillic capital whose small letter looks otherwise"),
            ("Harry", "Ηarry", "a Greek capital whose small letter looks otherwise"),
            ("Tom", "Τоm", "Greek and Cyrillic"),
            ("Nila", "Νila", "Greek"),
            ("admin", "АDМIN", "Cyrillic capitals"),
            ("Вова", "вова", "case, of letters whose capitals alone look like Latin ones"),
            ("Вова", "Boва", "Latin letters in a Cyrillic name"),
            ("ΒΟΒ", "Bob", "Greek capitals"),
            ("admin", "аdmіn", "Cyrillic"),
            ("admin", "ａｄｍｉｎ", "full width"),
            ("admin", "ＡＤＭＩＮ", "full width, capital"),
            ("admin", "𝐚𝐝𝐦𝐢𝐧", "mathematical letters"),
            ("admin", "ⓐⓓⓜⓘⓝ", "letters in circles"),
            ("カナ", "ｶﾅ", "half width"),
            ("office", "oﬃce", "a ligature"),
            ("আড্ডা", "অাড্ডা", "a Bengali vowel in two parts"),
            ("কোন", "ক\u{9c7}\u{9be}ন", "a Bengali vowel sign in two parts"),
            ("রক্ষা", "রক্\u{200d}ষা", "a joiner"),
            ("ক্ষমা", "ক্\u{200c}ষমা", "a non-joiner"),
            ("রহিম8", "রহিম৪", "a Bengali digit like a Latin one"),
            ("★ star ★", "★ STAR ★", "signs"),
        ] {
            assert!(are_alike(name, other), "{name} and {other}: {why}");
        }
    }

    #[test]
    fn names_that_differ_have_skeletons_of_their_own() {
        for (name, other) in [
            ("Rahim", "Rahima"),
            ("রহিম", "রহমান"),
            ("রহিম", "করিম"),
            ("কলি", "কলী"),
            ("ঢাকা", "ডাকা"),
            ("Zoe", "Zoë"),
            ("Anna", "Ana"),
            ("Петр", "Павел"),
            ("নীলা", "নিলা"),
            ("Rahim Uddin", "RahimUddin"),
            ("👍", "👎"),
        ] {
            assert!(!are_alike(name, other), "{name} and {other}");
        }
    }

    #[test]
    fn a_skeleton_is_settled_and_not_empty() {
        // Without the ideographs and syllables of East Asia, which are many and change nothing.
        let ranges = ['!'..='\u{33ff}', '\u{a000}'..='\u{abff}', '\u{f900}'..='\u{1ffff}'];
        for c in ranges.into_iter().flatten() {
            let Ok(name) = Username::parse(c.encode_utf8(&mut [0; 4]), 1) else { continue };
            for skeleton in name.skeletons() {
                assert!(!skeleton.as_str().is_empty(), "{c:?}");
                assert_eq!(settle(skeleton.as_str()), skeleton.as_str(), "{c:?} U+{:X}", u32::from(c));
            }
        }
    }
}
