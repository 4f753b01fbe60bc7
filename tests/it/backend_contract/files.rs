//! The records of files, and the quotas of bytes.

use adda::backend::{Begun, ByteQuota, Claim, FileDescription, QuotaOwner, Upload};
use adda::model::{FileId, RoomName, UserId};
use futures_util::future::join_all;

use super::nodes::{Cluster, Node, room};

/// An upload of a user that has 1,000 bytes a day.
pub fn upload(user: &UserId, room: &RoomName, wanted: u64) -> Upload {
    let quotas = vec![ByteQuota { owner: QuotaOwner::User(user.clone()), limit: 1000 }];
    let (user, room) = (user.clone(), room.clone());
    Upload { id: FileId::random(), user, room, wanted, least: 1, quotas, fingerprint: None }
}

pub fn description(size: u64) -> FileDescription {
    let (name, r#type) = ("ছবি.png".to_owned(), "image/png".to_owned());
    FileDescription { name, r#type, size, width: Some(3), height: None }
}

async fn begin(node: &Node, upload: &Upload) -> Begun {
    node.backend.files.begin(upload).await.unwrap()
}

/// A file that is stored.
pub async fn stored(node: &Node, user: &UserId, room: &RoomName) -> FileId {
    let upload = Upload { quotas: Vec::new(), ..upload(user, room, 10) };
    assert_eq!(begin(node, &upload).await, Begun::Granted(10));
    assert!(node.backend.files.finish(&upload, &description(10)).await.unwrap());
    upload.id
}

pub fn claim(user: &UserId, room: &RoomName, message: &str) -> Claim {
    Claim { user: user.clone(), room: room.clone(), message: message.to_owned() }
}

/// Whether a message may have these files.
pub async fn claims(node: &Node, ids: &[FileId], claim: &Claim) -> bool {
    node.backend.files.claim(ids, claim).await.unwrap().is_some()
}

pub async fn a_file_is_found_on_any_node_once_its_bytes_are_stored(mut cluster: Cluster) {
    let [here, there] = cluster.nodes().await;
    let (user, room) = (UserId::guest(), room("আড্ডা {a} b"));
    let upload = upload(&user, &room, 10);
    assert_eq!(begin(&here, &upload).await, Begun::Granted(10));
    assert_eq!(there.backend.files.find(upload.id).await.unwrap(), None, "it is uploading");
    assert!(!claims(&there, &[upload.id], &claim(&user, &room, "m")).await);
    assert!(here.backend.files.finish(&upload, &description(7)).await.unwrap());
    let found = there.backend.files.find(upload.id).await.unwrap().unwrap();
    assert_eq!((found.user, found.room, found.description), (user, room, description(7)));
    assert_eq!(there.backend.files.find(FileId::random()).await.unwrap(), None);
}

pub async fn an_upload_that_fails_leaves_nothing(mut cluster: Cluster) {
    let node = cluster.node().await;
    let upload = upload(&UserId::guest(), &room("general"), 900);
    assert_eq!(begin(&node, &upload).await, Begun::Granted(900));
    node.backend.files.cancel(&upload).await.unwrap();
    assert_eq!(node.backend.files.find(upload.id).await.unwrap(), None);
    assert!(!node.backend.files.finish(&upload, &description(10)).await.unwrap(), "there is no record");
    assert_eq!(node.backend.file_sweep.removed(10).await.unwrap(), [upload.id], "bytes may be stored");
    let next = Upload { id: FileId::random(), wanted: 1000, ..upload };
    assert_eq!(begin(&node, &next).await, Begun::Granted(1000), "its bytes are given back");
}

pub async fn all_nodes_count_uploads_against_one_quota(mut cluster: Cluster) {
    let nodes = cluster.nodes::<3>().await;
    let (user, room) = (UserId::guest(), room("general"));
    let uploads: Vec<Upload> = (0..20).map(|_| upload(&user, &room, 100)).collect();
    let beginning = uploads.iter().enumerate().map(|(at, upload)| begin(&nodes[at % 3], upload));
    let begun = join_all(beginning).await;
    assert_eq!(begun.iter().filter(|begun| **begun == Begun::Granted(100)).count(), 10, "{begun:?}");
    let wait = |begun: &Begun| match begun {
        Begun::Exhausted { retry_after } => retry_after.as_secs() <= 24 * 60 * 60,
        _ => true,
    };
    assert!(begun.iter().all(wait), "{begun:?}");
    assert_eq!(begin(&nodes[0], &upload(&UserId::guest(), &room, 1000)).await, Begun::Granted(1000));
}

pub async fn an_upload_counts_against_all_its_quotas(mut cluster: Cluster) {
    let node = cluster.node().await;
    let room = room("general");
    let of_guest = |wanted, least| {
        let mut upload = Upload { least, ..upload(&UserId::guest(), &room, wanted) };
        let owner = QuotaOwner::Guests("2001:db8::1".to_owned());
        upload.quotas.push(ByteQuota { owner, limit: 1500 });
        upload
    };
    assert_eq!(begin(&node, &of_guest(900, 1)).await, Begun::Granted(900));
    assert!(matches!(begin(&node, &of_guest(900, 601)).await, Begun::Exhausted { .. }));
    assert_eq!(begin(&node, &of_guest(900, 600)).await, Begun::Granted(600), "as many as are left");
    assert!(matches!(begin(&node, &of_guest(1, 1)).await, Begun::Exhausted { .. }));
}

pub async fn what_an_upload_does_not_need_is_given_back(mut cluster: Cluster) {
    let node = cluster.node().await;
    let (user, room) = (UserId::guest(), room("general"));
    let first = upload(&user, &room, 1000);
    assert_eq!(begin(&node, &first).await, Begun::Granted(1000));
    for _ in 0..2 {
        assert!(node.backend.files.finish(&first, &description(300)).await.unwrap());
    }
    assert_eq!(begin(&node, &upload(&user, &room, 1000)).await, Begun::Granted(700));
}

fn repeatable() -> Upload {
    let fingerprint = Some("user room nonce {a} hash".to_owned());
    Upload { fingerprint, ..upload(&UserId::guest(), &room("general"), 10) }
}

pub async fn a_repeated_upload_is_the_first_file(mut cluster: Cluster) {
    let [here, there] = cluster.nodes().await;
    let [first, second, third, fourth] = std::array::from_fn(|_| repeatable());
    assert_eq!(begin(&here, &first).await, Begun::Granted(10));
    assert_eq!(begin(&there, &second).await, Begun::UnderWay, "the first is not stored yet");
    assert!(here.backend.files.finish(&first, &description(10)).await.unwrap());
    assert_eq!(begin(&there, &third).await, Begun::Stored(first.id));
    here.backend.files.remove(&first.room, &[first.id]).await.unwrap();
    assert_eq!(begin(&there, &fourth).await, Begun::Granted(10));
}

pub async fn an_upload_that_fails_is_repeated_at_once(mut cluster: Cluster) {
    let [here, there] = cluster.nodes().await;
    let [first, second, third] = std::array::from_fn(|_| repeatable());
    assert_eq!(begin(&here, &first).await, Begun::Granted(10));
    here.backend.files.cancel(&first).await.unwrap();
    assert_eq!(begin(&there, &second).await, Begun::Granted(10));
    here.backend.files.cancel(&first).await.unwrap();
    assert_eq!(begin(&here, &third).await, Begun::UnderWay, "another's failure says nothing about it");
}

pub async fn files_are_claimed_by_one_message_all_or_none(mut cluster: Cluster) {
    let nodes = cluster.nodes::<3>().await;
    let (user, room) = (UserId::guest(), room("general"));
    let [one, two] = [stored(&nodes[0], &user, &room).await, stored(&nodes[1], &user, &room).await];
    let missing = FileId::random();
    assert!(!claims(&nodes[0], &[one, missing], &claim(&user, &room, "m")).await);
    let messages = ["a", "b", "c", "d", "e", "f"].map(|message| claim(&user, &room, message));
    let claiming = messages.iter().enumerate().map(|(at, claim)| {
        let ids = if at % 2 == 0 { [one, two] } else { [two, one] };
        let node = &nodes[at % 3];
        async move { claims(node, &ids, claim).await }
    });
    let outcomes = join_all(claiming).await;
    let winner: Vec<usize> = (0..6).filter(|at| outcomes[*at]).collect();
    assert_eq!(winner.len(), 1, "{outcomes:?}");
    let again = nodes[2].backend.files.claim(&[two, one], &messages[winner[0]]).await.unwrap().unwrap();
    assert_eq!(
        again.iter().map(|file| (file.id, file.was_claimed)).collect::<Vec<_>>(),
        [(two, true), (one, true)]
    );
    assert_eq!(again[0].description, description(10));
}

pub async fn files_of_others_and_of_other_rooms_are_not_claimed(mut cluster: Cluster) {
    let node = cluster.node().await;
    let (user, here, there) = (UserId::guest(), room("here"), room("there"));
    let file = stored(&node, &user, &here).await;
    assert!(!claims(&node, &[file], &claim(&UserId::guest(), &here, "m")).await);
    assert!(!claims(&node, &[file], &claim(&user, &there, "m")).await);
    let claimed = node.backend.files.claim(&[file], &claim(&user, &here, "m")).await.unwrap().unwrap();
    assert!(!claimed[0].was_claimed);
}

pub async fn a_message_that_was_not_posted_gives_its_files_back(mut cluster: Cluster) {
    let node = cluster.node().await;
    let (user, room) = (UserId::guest(), room("general"));
    let file = stored(&node, &user, &room).await;
    assert!(claims(&node, &[file], &claim(&user, &room, "one")).await);
    assert!(!claims(&node, &[file], &claim(&user, &room, "two")).await);
    node.backend.files.release(&[file]).await.unwrap();
    assert!(claims(&node, &[file], &claim(&user, &room, "two")).await);
    node.backend.files.settle(&room, &[file], 1).await.unwrap();
    node.backend.files.release(&[file]).await.unwrap();
    assert!(!claims(&node, &[file], &claim(&user, &room, "three")).await, "it is posted");
    assert!(claims(&node, &[file], &claim(&user, &room, "two")).await, "a second attempt");
}

pub async fn a_file_that_was_removed_is_not_settled(mut cluster: Cluster) {
    let node = cluster.node().await;
    let (user, here) = (UserId::guest(), room("here"));
    let file = stored(&node, &user, &here).await;
    assert_eq!(node.backend.files.remove(&room("there"), &[file]).await.unwrap(), 0, "of another room");
    assert_eq!(node.backend.files.remove(&here, &[file]).await.unwrap(), 1);
    assert_eq!(node.backend.files.remove(&here, &[file]).await.unwrap(), 0);
    node.backend.files.settle(&here, &[file], 1).await.unwrap();
    assert_eq!(node.backend.files.find(file).await.unwrap(), None);
    assert_eq!(node.backend.file_sweep.rooms(10).await.unwrap(), []);
}
