//! Mutations of stored and published data, for tests: bytes as of a faulty program, a later version or a broken
//! disk.

use fastrand::Rng;

/// Numbers out of any range, words of other formats, and bytes that are no UTF-8.
const PIECES: &[&[u8]] = &[
    b"18446744073709551616",
    b"18446744073709551615",
    b"9223372036854775807",
    b"-9223372036854775809",
    b"-1",
    b"1e300",
    b"nan",
    b"2 ",
    b" ",
    b"-",
    b":",
    b"\n",
    b"\r\n",
    b"\0",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xe0\xa6",
    b"{\"seq\":5}",
    "আ".as_bytes(),
];

/// Calls `read` with each text in `valid`, then with `count` mutations of them. The seed is printed if `read`
/// panics.
pub(super) fn read_mutations(valid: &[Vec<u8>], count: usize, mut read: impl FnMut(&[u8])) {
    let seed = fastrand::u64(..);
    eprintln!("seed {seed}");
    let mut random = Rng::with_seed(seed);
    valid.iter().for_each(|text| read(text));
    for _ in 0..count {
        let mut text = valid[random.usize(..valid.len())].clone();
        for _ in 0..random.usize(1..5) {
            mutate(&mut text, valid, &mut random);
        }
        read(&text);
    }
}

fn mutate(text: &mut Vec<u8>, valid: &[Vec<u8>], random: &mut Rng) {
    let (at, end) = (random.usize(..=text.len()), random.usize(..=text.len()));
    let range = at.min(end)..at.max(end);
    match random.u8(..6) {
        0 => text.truncate(at),
        1 => drop(text.drain(range)),
        2 => text.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << random.u8(..8)),
        3 => drop(text.splice(at..at, PIECES[random.usize(..PIECES.len())].iter().copied())),
        4 => replace_word(text, random),
        _ => {
            let other = &valid[random.usize(..valid.len())];
            drop(text.splice(range, other[random.usize(..=other.len())..].iter().copied()));
        }
    }
}

/// Puts a piece in the place of a whole word.
fn replace_word(text: &mut Vec<u8>, random: &mut Rng) {
    let mut words: Vec<&[u8]> = text.split(|&byte| byte == b' ').collect();
    let place = random.usize(..words.len());
    words[place] = PIECES[random.usize(..PIECES.len())];
    *text = words.join(&b' ');
}
