//! A page has the readable messages of any stream.
#![no_main]

use adda::backend::redis::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fuzzing::log_page(bytes));
