//! Any bytes among the members of a room are an entry or are skipped.
#![no_main]

use adda::backend::redis::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fuzzing::member_entry(bytes));
