//! Any text is a frame or is refused in a sentence of bounded length.
#![no_main]

use adda::protocol::ClientFrame;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for outcome in [ClientFrame::parse(text), ClientFrame::parse_plain(text)] {
        if let Err(error) = outcome {
            assert!(error.content.len() < 400, "{}", error.content);
        }
    }
});
