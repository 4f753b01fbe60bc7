//! Any text is a frame or is refused in a sentence of bounded length.
#![no_main]

use adda::protocol::{ClientFrame, SessionKind};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for outcome in [SessionKind::Full, SessionKind::Plain].map(|kind| ClientFrame::parse(text, kind)) {
        if let Err(error) = outcome {
            assert!(error.rejection.message.len() < 400, "{}", error.rejection.message);
        }
    }
});
