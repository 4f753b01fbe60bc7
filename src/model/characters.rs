//! Kinds of characters in terms of Unicode properties, as far as names and texts depend on them.
//! Which combinations a name may have is in `names`.

use icu_properties::CodePointMapData;
use icu_properties::props::{
    BinaryProperty, DefaultIgnorableCodePoint, Emoji, EmojiModifier, ExtendedPictographic, GeneralCategory,
    GeneralCategoryGroup, JoiningType, NoncharacterCodePoint, PrependedConcatenationMark, Script,
};
use unicode_normalization::char::canonical_combining_class;

/// Canonical_Combining_Class=Virama.
const VIRAMA: u8 = 9;

/// Characters with a category of visible ones that draw nothing all the same: blanks of Braille, music and
/// Egyptian, the filler of Khitan, and the places of an object and of half an ideograph.
const BLANKS: [char; 7] =
    ['\u{2800}', '\u{303f}', '\u{fffc}', '\u{13441}', '\u{13442}', '\u{16fe4}', '\u{1d159}'];

/// Whether a text has something to see.
pub fn has_visible(text: &str) -> bool {
    text.chars().any(|c| !c.is_whitespace() && !is_invisible(c) && !is_forbidden(c))
}

/// Characters that draw nothing by themselves: those that a renderer ignores, bidi controls and tags among
/// them, and format characters that enclose no number.
pub(super) fn is_invisible(c: char) -> bool {
    let is_format = category(c) == GeneralCategory::Format && !PrependedConcatenationMark::for_char(c);
    is_format || DefaultIgnorableCodePoint::for_char(c) || BLANKS.contains(&c)
}

/// Characters that no name has anywhere: controls, line separators, private use, noncharacters, and the
/// sign for what could not be decoded.
pub(super) fn is_forbidden(c: char) -> bool {
    use GeneralCategory::{Control, LineSeparator, ParagraphSeparator, PrivateUse, Surrogate};
    let is_of_category =
        matches!(category(c), Control | LineSeparator | ParagraphSeparator | PrivateUse | Surrogate);
    is_of_category || NoncharacterCodePoint::for_char(c) || c == char::REPLACEMENT_CHARACTER
}

/// A combining mark.
pub(super) fn is_mark(c: char) -> bool {
    GeneralCategoryGroup::Mark.contains(category(c))
}

/// Whether a letter needs the mark: both are of one script, and of one that has marks of its own, as most have. The accents
/// of Latin belong to no script.
pub(super) fn needs_mark(base: char, mark: char) -> bool {
    let is_without = matches!(
        script(base),
        Script::Common | Script::Inherited | Script::Latin | Script::Greek | Script::Cyrillic
    );
    !is_without && script(mark) == script(base)
}

/// The sign that joins two consonants or silences one (RFC 5892, A.1).
pub(super) fn is_virama(c: char) -> bool {
    canonical_combining_class(c) == VIRAMA
}

/// Whether a letter of a cursive script takes another shape before its neighbour.
pub(super) fn joins_next(c: char) -> bool {
    matches!(joining_type(c), JoiningType::DualJoining | JoiningType::LeftJoining)
}

/// Whether a letter of a cursive script takes another shape after its neighbour.
pub(super) fn joins_previous(c: char) -> bool {
    matches!(joining_type(c), JoiningType::DualJoining | JoiningType::RightJoining)
}

/// A picture that may be part of an emoji sequence.
pub(super) fn is_pictograph(c: char) -> bool {
    ExtendedPictographic::for_char(c)
}

/// A pictograph that has an emoji form.
pub(super) fn is_emoji(c: char) -> bool {
    is_pictograph(c) && Emoji::for_char(c)
}

/// A colour of skin.
pub(super) fn is_emoji_modifier(c: char) -> bool {
    EmojiModifier::for_char(c)
}

fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

fn script(c: char) -> Script {
    CodePointMapData::<Script>::new().get(c)
}

fn joining_type(c: char) -> JoiningType {
    CodePointMapData::<JoiningType>::new().get(c)
}
