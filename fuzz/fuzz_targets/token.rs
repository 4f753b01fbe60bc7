//! Any bytes are a valid token of the cluster or are refused.
#![no_main]

use adda::chat::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fuzzing::token(bytes));
