//! Any bytes on the bus are an event or are skipped.
#![no_main]

use adda::backend::redis::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fuzzing::publication(bytes));
