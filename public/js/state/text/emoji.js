// Whether a message is a few emoji and nothing else: then they are shown large.

// A longer text is none, and is not looked at.
const LONGEST = 60;

// As RGI_Emoji, which older browsers can't ask for: what has the form of an emoji by itself, or is
// given it by what follows. Each character decides what may follow, so there is one way to match.
const FLAG = '\\p{Regional_Indicator}{2}';
const KEYCAP = '[0-9#*]\\ufe0f?\\u20e3';
const FORM = '(?:\\ufe0f|\\p{Emoji_Modifier}|[\\u{e0020}-\\u{e007e}]{1,6}\\u{e007f})';
const PICTURE = `(?:\\p{Extended_Pictographic}${FORM}|(?!\\p{Regional_Indicator})\\p{Emoji_Presentation})`;
const JOINED = `(?:\\u200d\\p{Extended_Pictographic}${FORM}?)`;
const EMOJI_ONLY = new RegExp(`^(?:(?:${FLAG}|${KEYCAP}|${PICTURE}${JOINED}{0,9})\\s*){1,3}$`, 'u');

export function isEmojiOnly(text) {
  return text.length <= LONGEST && EMOJI_ONLY.test(text);
}
