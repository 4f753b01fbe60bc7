//! Files in a bucket, on a real server of the S3 protocol.

use super::{BOUNDARY, form, get, post, send_form, upload, url};
use crate::harness::{Client, Cluster, DEADLINE, LONG_DEADLINE, Node, RawSocket, S3Server, eventually};

/// A node's settings for a bucket.
fn bucket(endpoint: &str) -> [(&str, &str); 5] {
    [
        ("files.url", "s3://adda/of/a-cluster"),
        ("files.s3_endpoint", endpoint),
        ("files.s3_region", "us-east-1"),
        ("files.s3_access_key", "key"),
        ("files.s3_secret_key", "secret"),
    ]
}

#[tokio::test]
async fn nodes_keep_files_in_a_bucket() {
    let Some(s3) = S3Server::start().await else { return };
    let endpoint = s3.endpoint();
    let more =
        [("files.sweep_every", "100ms"), ("files.orphan_after", "2s"), ("files.max_bytes", "14000000")];
    let settings = [&bucket(&endpoint)[..], &more].concat();
    let Some(cluster) = Cluster::with(2, &settings).await else { return };
    let [here, there] = [&cluster.nodes[0], &cluster.nodes[1]];
    let mut rahim = Client::full(here, "রহিম").await;
    rahim.join("general").await;
    // One in a single request, and one in several parts. Each is posted before it is an orphan.
    let small = upload(here, &rahim.token, "general", "a.txt", "শুভ".as_bytes()).await;
    post(&mut rahim, "general", "n1", &[&small]).await;
    let bytes: Vec<u8> = (0..12_000_000_u32).map(|n| (n % 251) as u8).collect();
    let large = upload(here, &rahim.token, "general", "b.bin", &bytes).await;
    post(&mut rahim, "general", "n2", &[&large]).await;
    assert_eq!(&*get(there, None, url(&small)).await.body, "শুভ".as_bytes());
    assert!(get(there, None, url(&large)).await.body == bytes, "the bytes are the same");
    let list = s3.list().await;
    for file in [&small, &large] {
        assert!(
            list.contains(&format!("<Key>of/a-cluster/{}</Key>", file["id"].as_str().unwrap())),
            "{list}"
        );
    }
    let unposted = upload(here, &rahim.token, "general", "c.txt", b"x").await;
    let refused = send_form(there, &rahim.token, "general", form("d.bin", &vec![1; 14_000_001])).await;
    assert_eq!(refused.error(413), "file_too_large");
    eventually("only the posted files are left", DEADLINE, async || {
        (s3.list().await.matches("<Key>").count() == 2).then_some(())
    })
    .await;
    assert_eq!(get(there, None, url(&unposted)).await.error(404), "file_not_found");
}

#[tokio::test]
async fn while_the_bucket_can_not_be_reached_files_are_refused_and_cost_nothing() {
    let Some(mut s3) = S3Server::start().await else { return };
    let endpoint = s3.endpoint();
    let quota = [("files.per_user_per_day", "8000000"), ("files.max_bytes", "8000000")];
    let node = Node::with(&[&bucket(&endpoint)[..], &quota].concat()).await;
    let rahim = Client::full(&node, "রহিম").await;
    let small = upload(&node, &rahim.token, "general", "a.txt", b"x").await;
    let body = form("b.bin", &vec![7; 7_500_000]);
    let mut socket = RawSocket::connect(node.port).await;
    let head = format!(
        "POST /api/rooms/general/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {}\r\n\r\n",
        rahim.token,
        body.len()
    );
    socket.write(head.as_bytes()).await;
    // More than a part.
    socket.write(&body[..6_000_000]).await;
    eventually("its first part is in the bucket", DEADLINE, async || {
        s3.uploads().await.contains("<Upload>").then_some(())
    })
    .await;
    s3.stop();
    socket.write(&body[6_000_000..]).await;
    let refused = socket.read_head().await;
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    assert_eq!(get(&node, None, url(&small)).await.error(503), "unavailable");
    let refused = send_form(&node, &rahim.token, "general", form("c.txt", b"x")).await;
    assert_eq!(refused.error(503), "unavailable");
    s3.restart().await;
    eventually("the bytes are given back", LONG_DEADLINE, async || {
        (send_form(&node, &rahim.token, "general", body.clone()).await.status == 201).then_some(())
    })
    .await;
}
