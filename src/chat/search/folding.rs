//! The form in which texts and what is sought are compared.

use unicode_normalization::UnicodeNormalization;

/// Joiners say how neighbours are drawn, not which letters they are: র‍্য and র্য are one word to a reader who looks for it, and so
/// are an emoji of a family and its members in a row.
const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];

/// A text without joiners, composed (NFC) and without case. Letters that Unicode holds for the same are the same: য় is য and a nukta
/// however it is typed, and ো is one vowel also where it comes as two. A vowel that is part of another one is not found in it.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let letters = text.chars().filter(|character| !JOINERS.contains(character)).nfd();
    // By way of upper case, ß is ss and both forms of the final sigma are one; ẞ is ß first. A letter of its own does not look
    // at its neighbours.
    let upper = letters.flat_map(char::to_lowercase).flat_map(char::to_uppercase);
    upper.flat_map(char::to_lowercase).nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(text: &str, sought: &str) -> bool {
        fold(text).contains(&fold(sought))
    }

    #[test]
    fn case_and_composition_make_no_difference() {
        for (text, sought) in [
            ("Hello WORLD", "lo wo"),
            ("Straße", "STRASSE"),
            ("ΟΔΟΣ", "οδος"),
            ("Cafe\u{301}", "CAFÉ"),
            ("ÀÉ", "a\u{300}e\u{301}"),
            ("\u{212b}ngstrom", "å"),
        ] {
            assert!(has(text, sought) && has(sought, &fold(sought)), "{sought} in {text}");
        }
        assert!(!has("café", "cafe"), "an accent is a part of its letter");
        assert!(!has("hello", "help"));
    }

    #[test]
    fn bengali_is_found_however_it_is_typed() {
        for (text, sought) in [
            ("সময়", "সম\u{9af}\u{9bc}"),
            ("বা\u{9dc}ি", "বা\u{9a1}\u{9bc}ি"),
            ("আলো", "আল\u{9c7}\u{9be}"),
            ("মৌ", "ম\u{9c7}\u{9d7}"),
            ("র\u{200d}\u{9cd}যাব", "র\u{9cd}যাব"),
            ("ক\u{9cd}\u{200c}ষ", "ক\u{9cd}ষ"),
        ] {
            assert!(has(text, sought) && has(sought, text), "{sought} in {text}");
        }
        assert!(!has("কো", "কে"), "a vowel is not found in another one that begins as it does");
    }

    #[test]
    fn emoji_are_found_with_and_without_their_joiners() {
        assert!(has("আমরা 👩\u{200d}👩\u{200d}👧!", "👩👩👧"));
        assert!(has("👩\u{200d}👩\u{200d}👧", "👧"));
        assert!(!has("👩\u{200d}👩\u{200d}👧", "👦"));
    }

    #[test]
    fn folding_twice_changes_nothing() {
        let texts = ["ŉ ǰ ΐ ﬃ ẞ İ ı", "সময় কো র\u{200d}্য", "e\u{301}\u{323} \u{345}α", "👩\u{200d}👧 ✍️"];
        for text in texts {
            assert_eq!(fold(&fold(text)), fold(text), "{text}");
        }
    }
}
