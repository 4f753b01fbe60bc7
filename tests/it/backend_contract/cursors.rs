//! The places up to which users have read, and what they have not read.

use std::cell::Cell;

use adda::backend::{LastText, Reader, ReaderKind, RoomChange, RoomChanged, RoomRecord, Unread};
use adda::model::{Draft, RoomName, UserId};
use futures_util::future::join_all;

use super::log_changes::{DELETE, edit, react};
use super::nodes::{Cluster, Node, User, room};

impl User {
    fn reader(&self) -> Reader {
        Reader { user: self.id.clone(), kind: ReaderKind::Lasting }
    }
}

impl Node {
    async fn reads(&self, user: &User, room: &RoomName, seq: u64) -> Option<u64> {
        self.backend.cursors.advance(room, &user.reader(), seq).await.unwrap()
    }

    async fn cursor(&self, user: &User, room: &RoomName) -> Option<u64> {
        self.backend.cursors.cursor(room, &user.id).await.unwrap()
    }

    async fn unread(&self, user: &User, room: &RoomName) -> Unread {
        let rooms = std::slice::from_ref(room);
        self.backend.cursors.unread(&user.id, rooms).await.pop().expect("one for each room").unwrap()
    }

    /// The numbers of unread texts, and of those that mention the user.
    async fn counts(&self, user: &User, room: &RoomName) -> (u64, u64) {
        let Unread { texts, mentions, .. } = self.unread(user, room).await;
        (texts, mentions)
    }

    async fn mentions(&self, user: &User, room: &RoomName, mentions: Vec<UserId>) -> u64 {
        let draft = Draft { mentions, ..user.text(room, "you \"mentions\":[") };
        self.backend.log.append(draft).await.unwrap().seq
    }
}

pub async fn a_cursor_moves_forward_and_to_the_head_at_most(mut cluster: Cluster) {
    let ([here, there], room, rahim) = (cluster.nodes().await, room("general"), User::new("Rahim"));
    let mita = User::new("Mita");
    assert_eq!(here.reads(&rahim, &room, 3).await, None, "the room has no messages");
    for _ in 0..5 {
        here.says(&mita, &room, "hello").await;
    }
    assert_eq!((here.cursor(&rahim, &room).await, here.reads(&rahim, &room, 0).await), (None, None));
    assert_eq!(here.reads(&rahim, &room, 2).await, Some(2));
    assert_eq!(there.reads(&rahim, &room, 2).await, None);
    assert_eq!(there.reads(&rahim, &room, 1).await, None);
    assert_eq!(there.cursor(&rahim, &room).await, Some(2));
    assert_eq!(there.reads(&rahim, &room, u64::MAX).await, Some(5));
    assert_eq!((here.cursor(&rahim, &room).await, here.cursor(&mita, &room).await), (Some(5), None));
    here.backend.cursors.forget(&room, &rahim.id).await.unwrap();
    assert_eq!(there.cursor(&rahim, &room).await, None);
}

pub async fn cursors_of_many_rooms_come_in_the_order_of_asking(mut cluster: Cluster) {
    let ([here, there], rahim, mita) = (cluster.nodes().await, User::new("Rahim"), User::new("Mita"));
    let rooms: Vec<RoomName> = (0..5).map(|number| room(&format!("room {number}"))).collect();
    for (room, seq) in rooms.iter().zip(1..) {
        for _ in 0..seq {
            here.says(&mita, room, "hello").await;
        }
        here.reads(&rahim, room, seq).await;
    }
    here.reads(&mita, &rooms[1], 1).await;
    let asked = [(4, &rahim), (0, &mita), (1, &mita), (1, &rahim)];
    let of: Vec<_> = asked.iter().map(|(at, user)| (rooms[*at].clone(), user.id.clone())).collect();
    let places = there.backend.cursors.cursors(&of).await;
    let places: Vec<Option<u64>> = places.into_iter().map(Result::unwrap).collect();
    assert_eq!(places, [Some(5), None, Some(1), Some(2)]);
    assert!(there.backend.cursors.cursors(&[]).await.is_empty());
}

pub async fn a_reader_without_a_cursor_begins_at_the_head(mut cluster: Cluster) {
    let ([here, there], room) = (cluster.nodes().await, room("general"));
    let (rahim, mita) = (User::new("Rahim"), User::new("Mita"));
    let begin = async |user: &User| here.backend.cursors.begin(&room, &user.reader()).await.unwrap();
    assert_eq!(begin(&rahim).await, None);
    here.says(&mita, &room, "one").await;
    assert_eq!(there.counts(&rahim, &room).await, (1, 0), "nothing was said before it came");
    assert_eq!(begin(&rahim).await, Some(1));
    here.says(&mita, &room, "two").await;
    assert_eq!(begin(&rahim).await, Some(1), "it has begun");
    assert_eq!(begin(&mita).await, Some(2));
    assert_eq!((there.counts(&rahim, &room).await, there.counts(&mita, &room).await), ((1, 0), (0, 0)));
}

pub async fn texts_of_others_behind_the_cursor_are_unread(mut cluster: Cluster) {
    let ([here, there], room) = (cluster.nodes().await, room("general"));
    let (rahim, mita) = (User::new("Rahim"), User::new("Mita"));
    for content in ["one", "two", "three", "four"] {
        here.says(&mita, &room, content).await;
    }
    here.reads(&rahim, &room, 1).await;
    assert_eq!(there.counts(&rahim, &room).await, (3, 0));
    assert_eq!(there.counts(&mita, &room).await, (0, 0), "own texts are read");
    here.change(&mita, &room, 2, edit("2")).await;
    here.change(&mita, &room, 3, DELETE).await;
    here.change(&mita, &room, 4, react("👍", true)).await;
    assert_eq!(there.counts(&rahim, &room).await, (2, 0), "changes are not counted");
    here.mentions(&mita, &room, vec![mita.id.clone(), rahim.id.clone()]).await;
    here.mentions(&rahim, &room, vec![mita.id.clone()]).await;
    assert_eq!(there.counts(&rahim, &room).await, (3, 1));
    assert_eq!(there.counts(&mita, &room).await, (1, 1));
    here.says(&mita, &room, &format!("\",\"mentions\":[\"{}\"]", rahim.id)).await;
    assert_eq!(there.counts(&rahim, &room).await, (4, 1), "a text that looks like a mention is none");
    let all = there.unread(&rahim, &room).await;
    assert_eq!((all.head, all.cursor), (10, Some(1)));
    here.reads(&rahim, &room, 10).await;
    assert_eq!(there.counts(&rahim, &room).await, (0, 0));
    // A room that never was, and one beside it.
    let rooms = [super::nodes::room("empty"), room.clone()];
    let unread = there.backend.cursors.unread(&rahim.id, &rooms).await;
    let heads: Vec<u64> = unread.into_iter().map(|unread| unread.unwrap().head).collect();
    assert_eq!(heads, [0, 10]);
}

pub async fn the_last_text_is_the_newest_that_is_not_deleted(mut cluster: Cluster) {
    let (node, room, rahim) = (cluster.node().await, room("general"), User::new("রহিম"));
    assert_eq!(node.unread(&rahim, &room).await.last, None);
    for content in ["one", "দুই \"2\"", "three"] {
        node.says(&rahim, &room, content).await;
    }
    let last = async || {
        let LastText { username, content, timestamp } = node.unread(&rahim, &room).await.last?;
        assert_eq!(username, "রহিম");
        assert!(timestamp.ends_with('Z'), "{timestamp}");
        Some(content)
    };
    assert_eq!(last().await.as_deref(), Some("three"));
    node.change(&rahim, &room, 3, edit("3")).await;
    assert_eq!(last().await.as_deref(), Some("3"));
    node.change(&rahim, &room, 1, edit("1")).await;
    node.change(&rahim, &room, 3, DELETE).await;
    assert_eq!(last().await.as_deref(), Some("দুই \"2\""));
    node.change(&rahim, &room, 2, DELETE).await;
    assert_eq!(last().await.as_deref(), Some("1"));
    node.change(&rahim, &room, 1, DELETE).await;
    assert_eq!(last().await, None);
}

pub async fn more_texts_than_one_call_looks_at_are_counted(mut cluster: Cluster) {
    cluster.config.redis.command_timeout = std::time::Duration::from_secs(30);
    cluster.config.history.max_messages = 2_500;
    let (node, room) = (cluster.node().await, room("general"));
    let (rahim, mita) = (User::new("Rahim"), User::new("Mita"));
    join_all((0..2_500).map(|_| node.backend.log.append(mita.text(&room, "hello")))).await;
    assert_eq!(node.counts(&rahim, &room).await, (2_500, 0));
    // As many that were edited, and some that were deleted, across the places where a call ends.
    let changes = (1..=1_500).map(|seq| {
        let change = if seq % 3 == 0 { DELETE } else { edit("changed") };
        node.backend.log.change(mita.change(&room, seq, change))
    });
    join_all(changes).await;
    assert_eq!(node.counts(&rahim, &room).await, (2_000, 0));
    node.reads(&rahim, &room, 900).await;
    assert_eq!(node.counts(&rahim, &room).await, (1_400, 0));
    node.says(&mita, &room, "pushes the first out").await;
    assert_eq!(node.counts(&User::new("Karim"), &room).await, (2_000, 0));
}

pub async fn a_count_is_of_the_head_that_it_tells(mut cluster: Cluster) {
    cluster.config.redis.command_timeout = std::time::Duration::from_secs(30);
    cluster.config.history.max_messages = 2_500;
    let ([here, there], room) = (cluster.nodes().await, room("general"));
    let (rahim, mita) = (User::new("Rahim"), User::new("Mita"));
    join_all((0..1_500).map(|_| here.backend.log.append(mita.text(&room, "hello")))).await;
    let is_done = Cell::new(false);
    let posting = async {
        for _ in 0..300 {
            here.says(&mita, &room, "one more").await;
        }
        is_done.set(true);
    };
    let counting = async {
        while !is_done.get() {
            let Unread { head, texts, .. } = there.unread(&rahim, &room).await;
            assert_eq!(texts, head);
        }
    };
    tokio::join!(posting, counting);
    assert_eq!(there.counts(&rahim, &room).await, (1_800, 0));
}

pub async fn a_new_member_has_read_what_was_posted_before(mut cluster: Cluster) {
    let ([here, there], room) = (cluster.nodes().await, RoomName::private());
    let (rahim, mita, karim) = (User::new("Rahim"), User::new("Mita"), User::new("Karim"));
    let rooms = &here.backend.rooms;
    let record = RoomRecord { members: vec![mita.author()], ..RoomRecord::default() };
    rooms.create(&room, &record).await.unwrap();
    let change = async |change: RoomChange| rooms.change(&room, &change).await.unwrap();
    change(RoomChange::Add(karim.author())).await;
    assert_eq!(there.cursor(&karim, &room).await, None, "there is nothing yet");
    here.says(&mita, &room, "one").await;
    for round in 1..=2 {
        change(RoomChange::Add(rahim.author())).await;
        assert_eq!(there.cursor(&rahim, &room).await, Some(round));
        here.says(&mita, &room, "two").await;
        assert_eq!(change(RoomChange::Add(rahim.author())).await, RoomChanged::Unchanged);
        assert_eq!(
            (there.counts(&rahim, &room).await, there.cursor(&rahim, &room).await),
            ((1, 0), Some(round))
        );
        change(RoomChange::Remove(rahim.id.clone())).await;
        assert_eq!(there.cursor(&rahim, &room).await, None, "its cursor ends with its membership");
    }
    assert_eq!(there.counts(&karim, &room).await, (3, 0));
}

pub async fn a_guest_that_is_far_behind_gives_way_where_a_room_has_too_many_cursors(mut cluster: Cluster) {
    const CURSORS: usize = 100;
    const NEWCOMERS: usize = 20;
    cluster.config.limits.cursors_per_room = CURSORS;
    let (node, room) = (cluster.node().await, room("general"));
    let (rahim, mita) = (User::new("Rahim"), User::new("Mita"));
    for _ in 0..3 {
        node.says(&mita, &room, "hello").await;
    }
    // As far behind as can be, but no guest; and a guest that has read all.
    assert_eq!(node.reads(&rahim, &room, 1).await, Some(1));
    let read_all = Reader { kind: ReaderKind::Guest, ..mita.reader() };
    assert_eq!(node.backend.cursors.advance(&room, &read_all, 3).await.unwrap(), Some(3));
    let guests: Vec<User> = (2..CURSORS).map(|_| User::new("guest")).collect();
    let move_all = async |to| {
        for guest in &guests {
            let reader = Reader { kind: ReaderKind::Guest, ..guest.reader() };
            assert_eq!(node.backend.cursors.advance(&room, &reader, to).await.unwrap(), Some(to));
        }
    };
    let kept = async || {
        join_all(guests.iter().map(|guest| node.cursor(guest, &room))).await.into_iter().flatten().count()
    };
    move_all(1).await;
    assert_eq!(kept().await, guests.len(), "there is a place for each");
    move_all(2).await;
    assert_eq!(kept().await, guests.len(), "a move takes no other's place");
    for _ in 0..NEWCOMERS {
        let newcomer = User::new("newcomer");
        assert_eq!(node.reads(&newcomer, &room, 3).await, Some(3));
        assert_eq!(node.cursor(&newcomer, &room).await, Some(3));
    }
    assert_eq!(kept().await, guests.len() - NEWCOMERS, "one gives way to each");
    assert_eq!((node.cursor(&rahim, &room).await, node.cursor(&mita, &room).await), (Some(1), Some(3)));
}

/// A text as the model knows it.
struct Text {
    seq: u64,
    author: usize,
    mentions: Vec<usize>,
    is_deleted: bool,
}

/// A room, and who has read what, without any backend.
#[derive(Default)]
struct Model {
    head: u64,
    texts: Vec<Text>,
    cursors: [u64; USERS],
}

const USERS: usize = 4;
const KEPT: usize = 40;

impl Model {
    fn counts(&self, user: usize) -> (u64, u64) {
        let kept = &self.texts[self.texts.len().saturating_sub(KEPT)..];
        let unread = |text: &&Text| text.seq > self.cursors[user] && text.author != user && !text.is_deleted;
        let unread = || kept.iter().filter(unread);
        (unread().count() as u64, unread().filter(|text| text.mentions.contains(&user)).count() as u64)
    }

    /// A text that is in the log.
    fn any_text(&mut self, random: &mut fastrand::Rng) -> Option<&mut Text> {
        let first = self.texts.len().saturating_sub(KEPT);
        let kept = &mut self.texts[first..];
        if kept.is_empty() { None } else { Some(&mut kept[random.usize(..kept.len())]) }
    }
}

pub async fn unread_texts_follow_a_model_on_every_node(mut cluster: Cluster) {
    cluster.config.history.max_messages = KEPT;
    let (nodes, room) = (cluster.nodes::<3>().await, room("general"));
    // Ids that look like another's, and like the end of a list, inside JSON.
    let user = |id| User { id: UserId::parse(id).unwrap(), ..User::new(id) };
    let users: [User; USERS] = ["a", "a]", "],", "x\"a"].map(user);
    let seed = fastrand::u64(..);
    let (mut random, mut model) = (fastrand::Rng::with_seed(seed), Model::default());
    for step in 0..400 {
        let (node, user) = (&nodes[random.usize(..3)], random.usize(..USERS));
        match random.u8(..10) {
            0..5 => {
                let mentions: Vec<usize> = (0..USERS).filter(|_| random.u8(..4) == 0).collect();
                let ids = mentions.iter().map(|user| users[*user].id.clone()).collect();
                let seq = node.mentions(&users[user], &room, ids).await;
                model.head = seq;
                model.texts.push(Text { seq, author: user, mentions, is_deleted: false });
            }
            5..8 => {
                let Some(text) = model.any_text(&mut random) else { continue };
                let change = match random.u8(..3) {
                    0 => {
                        text.is_deleted = true;
                        DELETE
                    }
                    1 => edit("changed"),
                    _ => react("👍", random.bool()),
                };
                // Of a text that was deleted before, or a reaction that is there already, nothing changes.
                let _ = node.try_change(&users[text.author], &room, text.seq, change).await;
                model.head = node.backend.log.head(&room).await.unwrap().seq;
            }
            _ => {
                let seq = random.u64(..=model.head + 2);
                node.reads(&users[user], &room, seq).await;
                model.cursors[user] = model.cursors[user].max(seq.min(model.head));
            }
        }
        if step % 20 == 19 {
            for (place, node) in nodes.iter().enumerate() {
                for (user, name) in users.iter().enumerate() {
                    let counts = node.counts(name, &room).await;
                    assert_eq!(
                        counts,
                        model.counts(user),
                        "seed {seed}, step {step}, node {place}, user {user}"
                    );
                }
            }
        }
    }
}
