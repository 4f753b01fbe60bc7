//! The type of a file by its bytes; its name says nothing. Nothing is decoded.

use infer::MatcherType;

use super::exif::is_on_its_side;

/// Bytes at the beginning of a file that are looked at: the size of a photo stands behind its thumbnail.
const HEAD_BYTES: usize = 128 * 1024;

/// The type of bytes that say nothing about themselves.
const BYTES: &str = "application/octet-stream";

const TEXT: &str = "text/plain; charset=utf-8";

const JPEG: &str = "image/jpeg";

/// Images that browsers show without running anything in them.
const SAFE_IMAGES: [&str; 5] = ["image/png", JPEG, "image/gif", "image/webp", "image/avif"];

/// Looks at the bytes of a file as they pass.
#[derive(Debug, Default)]
pub(super) struct Inspector {
    head: Vec<u8>,
    text: Utf8,
}

/// The type of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) media_type: &'static str,
    /// Width and height of an image as it is shown.
    pub(super) pixels: Option<(u32, u32)>,
}

impl Inspector {
    /// Looks at the next bytes.
    pub(super) fn see(&mut self, bytes: &[u8]) {
        let missing = HEAD_BYTES.saturating_sub(self.head.len());
        self.head.extend_from_slice(&bytes[..missing.min(bytes.len())]);
        self.text.see(bytes);
    }

    /// The type of the bytes so far.
    pub(super) fn kind(&self) -> Kind {
        let found = infer::get(&self.head);
        // A page or a drawing with a script in it is a text to be saved.
        let found = found.filter(|kind| kind.matcher_type() != MatcherType::Text);
        let is_text = self.text.is_text();
        let media_type = found.map_or(if is_text { TEXT } else { BYTES }, |kind| kind.mime_type());
        let is_image = SAFE_IMAGES.contains(&media_type);
        let size = imagesize::blob_size(&self.head).ok().filter(|_| is_image);
        let pixels = size.and_then(|size| Some((size.width.try_into().ok()?, size.height.try_into().ok()?)));
        let is_turned = media_type == JPEG && is_on_its_side(&self.head);
        let pixels = pixels.map(|(width, height)| if is_turned { (height, width) } else { (width, height) });
        Kind { media_type, pixels }
    }
}

/// Whether a browser may show a file of this type in a page. Texts, drawings and documents are saved instead.
pub fn is_shown(media_type: &str) -> bool {
    SAFE_IMAGES.contains(&media_type) || media_type.starts_with("audio/") || media_type.starts_with("video/")
}

/// Whether bytes are a text in UTF-8, in pieces that may end within a character.
#[derive(Debug, Default)]
struct Utf8 {
    /// The beginning of a character.
    rest: Vec<u8>,
    is_broken: bool,
}

impl Utf8 {
    fn see(&mut self, bytes: &[u8]) {
        let mut bytes = bytes;
        while !self.is_broken && !self.rest.is_empty() {
            let Some((first, others)) = bytes.split_first() else { return };
            self.rest.push(*first);
            bytes = others;
            match std::str::from_utf8(&self.rest) {
                Ok(_) => self.rest.clear(),
                Err(error) => self.is_broken = error.error_len().is_some(),
            }
        }
        if self.is_broken {
            return;
        }
        // No text has it, and tools take a file that does for binary.
        self.is_broken = bytes.contains(&0);
        if let Err(error) = std::str::from_utf8(bytes) {
            self.is_broken |= error.error_len().is_some();
            self.rest = bytes[error.valid_up_to()..].to_vec();
        }
    }

    fn is_text(&self) -> bool {
        !self.is_broken && self.rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(bytes: &[u8], piece: usize) -> Kind {
        let mut inspector = Inspector::default();
        bytes.chunks(piece).for_each(|bytes| inspector.see(bytes));
        inspector.kind()
    }

    #[test]
    fn a_type_is_that_of_the_bytes() {
        let gif = b"GIF89a\x03\x00\x02\x00/*<script>alert(1)</script>*/";
        // Of 4 times 3 stored pixels. The orientation is 6: a quarter turned.
        let exif = b"\xff\xe1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let frame = b"\xff\xc0\0\x0b\x08\0\x03\0\x04\x01\x01\x11\0\xff\xda\0\x02";
        let [turned, upright] = [exif.as_slice(), b""].map(|exif| [&b"\xff\xd8"[..], exif, frame].concat());
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x05\0\0\0\x07\x08\x06\0\0\0";
        for (bytes, media_type, pixels) in [
            (gif.as_slice(), "image/gif", Some((3, 2))),
            (png.as_slice(), "image/png", Some((5, 7))),
            (&turned, JPEG, Some((3, 4))),
            (&upright, JPEG, Some((4, 3))),
            ("শুভ সকাল".as_bytes(), TEXT, None),
            (b"", TEXT, None),
            (b"<!DOCTYPE html><script>alert(1)</script>", TEXT, None),
            (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", TEXT, None),
            (b"<?xml version='1.0'?><svg/>", TEXT, None),
            (b"#!/bin/sh\nrm", TEXT, None),
            (b"a\0b", BYTES, None),
            (b"\xff\xfe\x00", BYTES, None),
            (&"ক".as_bytes()[..2], BYTES, None),
            (b"%PDF-1.7", "application/pdf", None),
            (b"OggS\0\0\0\0", "audio/ogg", None),
        ] {
            for piece in [1, 2, 7, 4096] {
                assert_eq!(kind(bytes, piece), Kind { media_type, pixels }, "{bytes:?} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn nothing_that_runs_scripts_is_shown() {
        for media_type in ["image/svg+xml", "text/html", TEXT, BYTES, "application/pdf", "text/xml", ""] {
            assert!(!is_shown(media_type), "{media_type}");
        }
        assert!(is_shown("image/avif") && is_shown("video/mp4") && is_shown("audio/mpeg"));
    }
}
