//! How a photo is turned (Exif 2.32, chapter 4): cameras store the pixels as the sensor has them, and the way to show them beside.

/// The marker of the segment that may hold Exif data.
const APP1: u8 = 0xe1;

/// The marker behind which the pixels come.
const START_OF_SCAN: u8 = 0xda;

const ORIENTATION: u16 = 0x0112;

/// The type of a number of 16 bits.
const SHORT: u16 = 3;

/// Whether the photo is shown a quarter turned, so that its width is the stored height. `head` begins the file. Data
/// that are cut or broken say nothing, as in browsers.
pub(super) fn is_on_its_side(head: &[u8]) -> bool {
    let tiff = segments(head).find_map(|segment| match segment.marker {
        APP1 => segment.bytes.strip_prefix(b"Exif\0\0"),
        _ => None,
    });
    tiff.and_then(orientation).is_some_and(|orientation| (5..=8).contains(&orientation))
}

struct Segment<'a> {
    marker: u8,
    bytes: &'a [u8],
}

/// The segments of a JPEG before its pixels, as far as they are whole (ITU-T T.81, annex B).
fn segments(head: &[u8]) -> impl Iterator<Item = Segment<'_>> {
    let mut rest = head.strip_prefix(b"\xff\xd8").unwrap_or_default();
    std::iter::from_fn(move || {
        // Any number of bytes 0xff may stand before a marker.
        let start = rest.iter().position(|byte| *byte != 0xff).filter(|at| *at > 0)?;
        let (marker, behind) = rest[start..].split_first()?;
        let length = usize::from(u16::from_be_bytes(*behind.first_chunk()?));
        // The length counts its own two bytes.
        let bytes = behind.get(2..length)?;
        rest = &behind[length..];
        (*marker != START_OF_SCAN).then_some(Segment { marker: *marker, bytes })
    })
}

/// The orientation, 1 to 8, that the first directory of a TIFF file names.
fn orientation(tiff: &[u8]) -> Option<u16> {
    let is_little = match tiff.first_chunk()? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |bytes: &[u8]| {
        let bytes = *bytes.first_chunk()?;
        Some(if is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let long = |bytes: &[u8]| {
        let bytes = *bytes.first_chunk()?;
        Some(if is_little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    };
    let directory = tiff.get(usize::try_from(long(&tiff[4..])?).ok()?..)?;
    let count = usize::from(short(directory)?);
    let mut entries = directory[2..].chunks_exact(12).take(count);
    let entry = entries.find(|entry| short(entry) == Some(ORIENTATION))?;
    let is_one_short = short(&entry[2..])? == SHORT && long(&entry[4..])? == 1;
    short(&entry[8..]).filter(|_| is_one_short)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A TIFF file whose first directory has an orientation behind another entry.
    fn tiff(orientation: u16, is_little: bool) -> Vec<u8> {
        let short = |number: u16| if is_little { number.to_le_bytes() } else { number.to_be_bytes() };
        let long = |number: u32| if is_little { number.to_le_bytes() } else { number.to_be_bytes() };
        let mut bytes = if is_little { b"II*\0" } else { b"MM\0*" }.to_vec();
        bytes.extend(long(8));
        bytes.extend(short(2));
        for (tag, value) in [(0x0106, 2), (ORIENTATION, orientation)] {
            bytes.extend([short(tag), short(SHORT)].concat());
            bytes.extend(long(1));
            bytes.extend([short(value), short(0)].concat());
        }
        bytes.extend(long(0));
        bytes
    }

    fn segment(marker: u8, bytes: &[u8]) -> Vec<u8> {
        let length = u16::try_from(bytes.len() + 2).unwrap();
        [&[0xff, marker], &length.to_be_bytes()[..], bytes].concat()
    }

    /// A JPEG of 4 times 3 stored pixels, with the segments of a camera before them.
    fn photo(orientation: u16, is_little: bool) -> Vec<u8> {
        let exif = [b"Exif\0\0", &tiff(orientation, is_little)[..]].concat();
        let frame = [8, 0, 3, 0, 4, 1, 1, 0x11, 0];
        [
            &b"\xff\xd8"[..],
            &segment(0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
            &segment(APP1, b"http://ns.adobe.com/xap/1.0/\0<x/>"),
            &segment(APP1, &exif),
            &segment(0xc0, &frame),
            &segment(START_OF_SCAN, &[1, 1, 0, 0, 63, 0]),
        ]
        .concat()
    }

    #[test]
    fn orientations_from_five_to_eight_turn_a_photo_by_a_quarter() {
        for is_little in [true, false] {
            for orientation in 0..=9 {
                let expected = (5..=8).contains(&orientation);
                assert_eq!(is_on_its_side(&photo(orientation, is_little)), expected, "{orientation}");
            }
        }
    }

    #[test]
    fn exif_data_that_is_cut_or_changed_is_read_without_a_panic() {
        for is_little in [true, false] {
            let whole = photo(6, is_little);
            let end = whole.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
            for cut in 0..whole.len() {
                assert_eq!(is_on_its_side(&whole[..cut]), cut >= end, "{cut} bytes");
            }
            for at in 0..whole.len() {
                for value in [0, 1, 0x7f, 0xff] {
                    let mut changed = whole.clone();
                    changed[at] = value;
                    is_on_its_side(&changed);
                }
            }
        }
        for hostile in ["", "\0", "II*\0", "II*\0\x08\0\0", "MM\0*\0\0\0\0"] {
            assert_eq!(orientation(hostile.as_bytes()), None, "{hostile:?}");
        }
        assert_eq!(orientation(b"II*\0\xff\xff\xff\xff\x01\0"), None, "a directory outside");
        let mut wrong_type = tiff(6, true);
        wrong_type[24] = 4;
        assert_eq!(orientation(&wrong_type), None);
    }
}
