//! Free ports of the loopback address, none given out twice while tests run side by side.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;

/// Below what Linux hands out for outgoing connections, so that no client takes a port away.
const RANGE: std::ops::Range<u16> = 12_000..32_000;

/// A port that belongs to this process until it ends.
pub fn reserve() -> u16 {
    // Shared by everybody who tests on this machine, from whatever checkout.
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

/// Locks a file until this process ends: the handle is leaked on purpose.
fn lock(path: &Path) -> bool {
    let Ok(file) = File::create(path) else { return false };
    let is_mine = file.try_lock().is_ok();
    if is_mine {
        std::mem::forget(file);
    }
    is_mine
}
