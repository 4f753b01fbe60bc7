//! The skeletons of a username: names that people can mistake for each other have one in common.

use std::fmt;
use std::sync::{Arc, LazyLock};

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
        if let Some(skeletons) = skeletons_of_ascii(self.as_str()) {
            return skeletons;
        }
        self.skeletons_of_any()
    }

    fn skeletons_of_any(&self) -> [Skeleton; 2] {
        let compatible: String = self.as_str().nfkc().collect();
        let written = confusables(&compatible).collect();
        [self.skeleton(), Skeleton(settled(written))]
    }
}

/// The two skeletons of each ASCII character; `None` where one leads beyond ASCII on the way.
static OF_ASCII: LazyLock<[Option<[Arc<str>; 2]>; 128]> = LazyLock::new(|| {
    std::array::from_fn(|code| {
        let character = char::from(code as u8).to_string();
        let look: String = confusables(&character).collect();
        let roads = [fold(&character), look];
        roads.iter().all(|road| stays_ascii(road)).then(|| roads.map(settled))
    })
});

/// [`Username::skeletons`] of a name in ASCII, a twentieth of the work. Normalization leaves ASCII as it is, and all else works
/// on each character by itself.
fn skeletons_of_ascii(name: &str) -> Option<[Skeleton; 2]> {
    let mut skeletons = [String::new(), String::new()];
    for byte in name.bytes() {
        let of_byte = OF_ASCII.get(usize::from(byte))?.as_ref()?;
        skeletons.iter_mut().zip(of_byte).for_each(|(skeleton, part)| skeleton.push_str(part));
    }
    Some(skeletons.map(|skeleton| Skeleton(skeleton.into())))
}

fn stays_ascii(text: &str) -> bool {
    let mut text = text.to_owned();
    (0..=ROUNDS).all(|_| {
        let look: String = confusables(&text).collect();
        let is_ascii = text.is_ascii() && look.is_ascii();
        text = settle(&text);
        is_ascii
    })
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
    fn names_in_ascii_have_the_skeletons_of_any_name() {
        let all: Vec<char> = (' '..='~').collect();
        let (mut quick, mut pairs) = (0, 0);
        for (one, other) in all.iter().flat_map(|one| all.iter().map(move |other| (one, other))) {
            let name = Username::from_trusted(&format!("{one}{other}x{one}"));
            if let Some(skeletons) = skeletons_of_ascii(name.as_str()) {
                assert_eq!(skeletons, name.skeletons_of_any(), "{name}");
                quick += 1;
            }
            pairs += 1;
        }
        assert!(quick * 10 >= pairs * 8, "{quick} of {pairs}");
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
