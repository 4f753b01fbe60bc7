//! Free ports of the loopback address, unique among concurrent tests.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;

/// Below Linux' ephemeral range, so that no outgoing connection takes a port.
const RANGE: std::ops::Range<u16> = 12_000..32_000;

/// Reserves a port until this process ends.
pub fn reserve() -> u16 {
    // Shared by all test runs on this machine, from any checkout.
    let folder = std::env::temp_dir().join("adda-test-ports");
    std::fs::create_dir_all(&folder).expect("the folder for temporary files can be written");
    let start = uuid::Uuid::new_v4().as_u128() as u16 % (RANGE.end - RANGE.start);
    (RANGE.start + start..RANGE.end)
        .chain(RANGE.start..RANGE.start + start)
        .find(|port| is_free(*port) && lock(&folder.join(port.to_string())))
        .expect("one of 20,000 ports is free")
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

/// Locks a file until this process ends; the handle is leaked on purpose.
fn lock(path: &Path) -> bool {
    let Ok(file) = File::create(path) else { return false };
    let is_mine = file.try_lock().is_ok();
    if is_mine {
        std::mem::forget(file);
    }
    is_mine
}
