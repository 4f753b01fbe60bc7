//! The search for files to remove.

use std::time::{Duration, Instant};

use adda::backend::{Begun, ByteQuota, PostedFile, QuotaOwner, Upload};
use adda::model::{FileId, NodeId, UserId};

use super::files::{claim, claims, description, stored, upload};
use super::nodes::{Cluster, Node, room};
use crate::harness::{DEADLINE, eventually};

const LONG: Duration = Duration::from_secs(3600);

async fn removed(node: &Node) -> Vec<FileId> {
    let mut removed = node.backend.file_sweep.removed(100).await.unwrap();
    removed.sort_unstable();
    removed
}

pub async fn one_node_sweeps_at_a_time(mut cluster: Cluster) {
    let [here, there] = cluster.nodes().await;
    let (one, two) = (NodeId::random(), NodeId::random());
    let lasts = Duration::from_millis(300);
    for _ in 0..2 {
        assert!(here.backend.file_sweep.lead(one, LONG).await.unwrap());
        assert!(!there.backend.file_sweep.lead(two, LONG).await.unwrap());
    }
    assert!(here.backend.file_sweep.lead(one, lasts).await.unwrap());
    eventually("another node takes over", DEADLINE, async || {
        there.backend.file_sweep.lead(two, LONG).await.unwrap().then_some(())
    })
    .await;
    assert!(!here.backend.file_sweep.lead(one, LONG).await.unwrap());
}

pub async fn files_that_no_message_claims_expire(mut cluster: Cluster) {
    let [here, there] = cluster.nodes().await;
    let (user, room) = (UserId::guest(), room("general"));
    let mut files = Vec::new();
    for _ in 0..3 {
        files.push(stored(&here, &user, &room).await);
    }
    files.sort_unstable();
    let sweep = &there.backend.file_sweep;
    assert_eq!(sweep.expire(LONG, 10).await.unwrap().removed, 0, "they are young");
    assert_eq!(sweep.expire(Duration::ZERO, 2).await.unwrap().removed, 2, "a batch");
    assert_eq!(sweep.expire(Duration::ZERO, 2).await.unwrap().removed, 1);
    assert_eq!(sweep.expire(Duration::ZERO, 2).await.unwrap().removed, 0);
    for file in &files {
        assert_eq!(here.backend.files.find(*file).await.unwrap(), None);
    }
    assert_eq!(removed(&here).await, files);
    sweep.deleted(&files).await.unwrap();
    assert_eq!(removed(&here).await, []);
}

/// Keeps an upload for longer than the age at which it expires. `false` if the machine stood still for so long meanwhile, and it
/// has expired.
async fn is_kept(node: &Node, upload: &Upload, age: Duration) -> bool {
    let began = Instant::now();
    while began.elapsed() < age + age / 4 {
        let before = Instant::now();
        node.backend.files.keep(upload).await.unwrap();
        let removed = node.backend.file_sweep.expire(age, 10).await.unwrap().removed;
        if removed > 0 {
            assert!(
                before.elapsed() + Duration::from_millis(10) >= age,
                "it has expired although it is kept"
            );
            return false;
        }
    }
    true
}

pub async fn an_upload_under_way_does_not_expire(mut cluster: Cluster) {
    let node = cluster.node().await;
    let age = Duration::from_secs(1);
    let upload = loop {
        let upload = upload(&UserId::guest(), &room("general"), 10);
        node.backend.files.begin(&upload).await.unwrap();
        if is_kept(&node, &upload, age).await {
            break upload;
        }
    };
    eventually("it expires when it is not kept", DEADLINE, async || {
        (node.backend.file_sweep.expire(age, 10).await.unwrap().removed == 1).then_some(())
    })
    .await;
    node.backend.files.keep(&upload).await.unwrap();
    assert!(!node.backend.files.finish(&upload, &description(10)).await.unwrap(), "there is no record");
}

pub async fn an_upload_that_expires_gives_its_bytes_back(mut cluster: Cluster) {
    let [here, there] = cluster.nodes().await;
    let (user, room) = (UserId::guest(), room("general"));
    let guests = ByteQuota { owner: QuotaOwner::Guests("2001:db8::1".to_owned()), limit: 1500 };
    let of_guest = |wanted, least| {
        let mut upload = Upload { least, ..upload(&user, &room, wanted) };
        upload.quotas.push(guests.clone());
        upload
    };
    let [kept, lost] = [of_guest(300, 1), of_guest(700, 1)];
    let begin = async |upload: &Upload| here.backend.files.begin(upload).await.unwrap();
    assert_eq!(begin(&kept).await, Begun::Granted(300));
    assert!(here.backend.files.finish(&kept, &description(300)).await.unwrap());
    assert_eq!(begin(&lost).await, Begun::Granted(700));
    assert!(matches!(begin(&of_guest(1, 1)).await, Begun::Exhausted { .. }));
    assert_eq!(there.backend.file_sweep.expire(Duration::ZERO, 10).await.unwrap().removed, 2);
    assert_eq!(begin(&of_guest(1000, 1)).await, Begun::Granted(700), "a file that was stored counts");
    let of_address = Upload { quotas: vec![guests.clone()], ..upload(&user, &room, 1500) };
    assert_eq!(begin(&of_address).await, Begun::Granted(500));
}

pub async fn a_claimed_file_is_never_expired(mut cluster: Cluster) {
    let node = cluster.node().await;
    let (user, room) = (UserId::guest(), room("আড্ডা"));
    let file = stored(&node, &user, &room).await;
    assert!(claims(&node, &[file], &claim(&user, &room, "m")).await);
    for _ in 0..2 {
        let expired = node.backend.file_sweep.expire(Duration::ZERO, 10).await.unwrap();
        assert_eq!((expired.removed, expired.unsettled), (0, vec![(room.clone(), file)]));
    }
    node.backend.files.settle(&room, &[file], 7).await.unwrap();
    assert_eq!(node.backend.file_sweep.expire(Duration::ZERO, 10).await.unwrap(), Default::default());
    assert!(node.backend.files.find(file).await.unwrap().is_some());
}

pub async fn a_room_is_swept_while_it_has_files(mut cluster: Cluster) {
    let node = cluster.node().await;
    let (user, room) = (UserId::guest(), room("general"));
    let mut files = Vec::new();
    for seq in 1..=3 {
        let file = stored(&node, &user, &room).await;
        assert!(claims(&node, &[file], &claim(&user, &room, "m")).await);
        node.backend.files.settle(&room, &[file], seq).await.unwrap();
        files.push(file);
    }
    assert_eq!(node.backend.files.remove(&room, &files[..2]).await.unwrap(), 2);
    assert_eq!(node.backend.files.find(files[1]).await.unwrap(), None);
    assert!(node.backend.files.find(files[2]).await.unwrap().is_some());
    let sweep = &node.backend.file_sweep;
    let posted: Vec<FileId> = sweep.posted(&room, 0, 10).await.unwrap().iter().map(|file| file.id).collect();
    assert_eq!(posted, files[2..]);
    assert_eq!(sweep.rooms(10).await.unwrap(), std::slice::from_ref(&room));
    assert_eq!(node.backend.files.remove(&room, &files).await.unwrap(), 1);
    assert_eq!(sweep.rooms(10).await.unwrap(), [], "no files are left in the room");
}

pub async fn posted_files_are_listed_in_the_order_of_their_messages(mut cluster: Cluster) {
    let [here, there] = cluster.nodes().await;
    let (user, room) = (UserId::guest(), room("general"));
    let mut files = Vec::new();
    for seq in [9, 7, 8, 7] {
        let file = stored(&here, &user, &room).await;
        assert!(claims(&here, &[file], &claim(&user, &room, "m")).await);
        if files.len() < 3 {
            here.backend.files.settle(&room, &[file], seq).await.unwrap();
        } else {
            here.backend.file_sweep.settle_up_to(&room, &[file], seq).await.unwrap();
        }
        files.push(file);
    }
    let place = |file: usize, seq, is_exact| PostedFile { id: files[file], seq, is_exact };
    let order = [place(1, 7, true), place(3, 7, false), place(2, 8, true), place(0, 9, true)];
    let sweep = &there.backend.file_sweep;
    assert_eq!(sweep.posted(&room, 0, 10).await.unwrap(), order);
    assert_eq!(sweep.posted(&room, 1, 2).await.unwrap(), order[1..3]);
    assert_eq!(sweep.posted(&room, 4, 2).await.unwrap(), []);
    assert_eq!(sweep.expire(Duration::ZERO, 10).await.unwrap(), Default::default(), "all are settled");
    // A receipt that comes late says which message it is.
    sweep.settle_up_to(&room, &[files[0]], 9).await.unwrap();
    here.backend.files.settle(&room, &[files[0]], 9).await.unwrap();
    assert_eq!(sweep.posted(&room, 0, 10).await.unwrap(), order);
}

pub async fn rooms_with_files_are_returned_in_turn(mut cluster: Cluster) {
    let node = cluster.node().await;
    let user = UserId::guest();
    let names = ["a", "b", "c"].map(room);
    for room in &names {
        let file = stored(&node, &user, room).await;
        assert!(claims(&node, &[file], &claim(&user, room, "m")).await);
        node.backend.files.settle(room, &[file], 1).await.unwrap();
    }
    let mut found = Vec::new();
    for _ in 0..3 {
        found.extend(node.backend.file_sweep.rooms(1).await.unwrap());
    }
    found.sort_unstable();
    assert_eq!(found, names);
}

pub async fn bytes_that_could_not_be_deleted_come_again(mut cluster: Cluster) {
    let node = cluster.node().await;
    let (user, room) = (UserId::guest(), room("general"));
    let mut files = [stored(&node, &user, &room).await, stored(&node, &user, &room).await];
    files.sort_unstable();
    node.backend.files.remove(&room, &files).await.unwrap();
    let sweep = &node.backend.file_sweep;
    sweep.postpone(&files[..1], LONG).await.unwrap();
    assert_eq!(removed(&node).await, files[1..]);
    sweep.postpone(&files[..1], Duration::ZERO).await.unwrap();
    assert_eq!(removed(&node).await, files);
    sweep.deleted(&files).await.unwrap();
    sweep.postpone(&files, Duration::ZERO).await.unwrap();
    assert_eq!(removed(&node).await, [], "what is deleted stays so");
}

pub async fn files_without_a_record_are_known(mut cluster: Cluster) {
    let node = cluster.node().await;
    let file = stored(&node, &UserId::guest(), &room("general")).await;
    let [one, two] = [FileId::random(), FileId::random()];
    let sweep = &node.backend.file_sweep;
    assert_eq!(sweep.unrecorded(&[one, file, two]).await.unwrap(), [one, two]);
    assert_eq!(sweep.unrecorded(&[]).await.unwrap(), []);
}

pub async fn the_first_listing_waits(mut cluster: Cluster) {
    let [here, there] = cluster.nodes().await;
    assert!(!here.backend.file_sweep.begin_listing(LONG).await.unwrap());
    assert!(!there.backend.file_sweep.begin_listing(LONG).await.unwrap());
    assert!(there.backend.file_sweep.begin_listing(Duration::ZERO).await.unwrap());
    assert!(!here.backend.file_sweep.begin_listing(LONG).await.unwrap());
}
