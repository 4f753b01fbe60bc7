//! Whatever a room's stream holds, a page has the messages of it that can be read.
#![no_main]

use adda::backend::redis::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fuzzing::log_page(bytes));
