//! A file of a gigabyte. Run each night by `cargo test --test it -- --ignored`: it takes as long as the disk does.

use super::{BOUNDARY, Folder, settings, url};
use crate::harness::{Client, Node, RawSocket};

const PIECE: usize = 1 << 20;

const PIECES: usize = 1 << 10;

/// Memory that an upload may take.
const MORE_BYTES: u64 = 64 << 20;

/// Resident bytes of a node.
fn resident(node: &Node) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", node.process())).expect("it runs");
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.strip_suffix(" kB"));
    kib.and_then(|kib| kib.trim().parse::<u64>().ok()).expect("it has memory") * 1024
}

#[tokio::test]
#[ignore = "it writes a gigabyte"]
async fn an_upload_of_a_gigabyte_is_never_held_in_memory() {
    let folder = Folder::new();
    let size = PIECE * PIECES;
    let most = size.to_string();
    let more = [("files.max_bytes", &*most), ("files.per_user_per_day", "0")];
    let node = Node::with(&settings(&folder, &more)).await;
    let rahim = Client::full(&node, "রহিম").await;
    let begin =
        format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\n\r\n");
    let end = format!("\r\n--{BOUNDARY}--\r\n");
    let head = format!(
        "POST /api/rooms/general/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {}\r\n\r\n{begin}",
        rahim.token,
        begin.len() + size + end.len()
    );
    let before = resident(&node);
    let mut most_held = 0;
    let mut socket = RawSocket::connect(node.port).await;
    assert!(socket.write(head.as_bytes()).await);
    for number in 0..PIECES {
        assert!(socket.write(&vec![number as u8; PIECE]).await);
        most_held = most_held.max(resident(&node).saturating_sub(before));
    }
    socket.write(end.as_bytes()).await;
    let answer = socket.read_head().await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    println!("the node held {} KiB more than before", most_held / 1024);
    assert!(most_held < MORE_BYTES, "{most_held} bytes");
    let id = folder.names().pop().expect("it is stored");
    let file = serde_json::json!({ "url": format!("/api/files/{id}/a.bin") });
    let call = node.http().call("GET", url(&file)).header("range", "bytes=-3");
    assert_eq!(&*call.send().await.body, [(PIECES - 1) as u8; 3]);
}
