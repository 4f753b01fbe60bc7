//! A refusal about a private room asks Redis the same as one about a room that never was, so that neither time nor load tells.

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::time::timeout;

use super::secrecy::{answer, requests, unused};
use super::{Person, cluster};
use crate::harness::{Client, Cluster, DEADLINE};

/// The commands that Redis runs, as MONITOR tells them, those of scripts too.
struct Monitor {
    lines: Lines<BufReader<OwnedReadHalf>>,
    // The connection ends with it.
    _writer: tokio::net::tcp::OwnedWriteHalf,
}

impl Monitor {
    async fn start(port: u16) -> Self {
        let (reader, mut writer) = TcpStream::connect(("127.0.0.1", port)).await.unwrap().into_split();
        writer.write_all(b"MONITOR\r\n").await.unwrap();
        let mut lines = BufReader::new(reader).lines();
        assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("+OK"));
        Self { lines, _writer: writer }
    }

    /// The commands about a room since the last call, with its id taken out.
    async fn about(&mut self, cluster: &Cluster, room: &str) -> Vec<String> {
        let mark = uuid::Uuid::new_v4().to_string();
        cluster.redis.command(&["ECHO", &mark]).await;
        let mut found = Vec::new();
        loop {
            let line =
                timeout(DEADLINE, self.lines.next_line()).await.expect("Redis answers").unwrap().unwrap();
            if line.contains(&mark) {
                return found;
            }
            // `+<time> [<database> <client, or lua>] "<command>" …`
            if let Some((_, command)) = line.split_once("] ").filter(|_| line.contains(room)) {
                found.push(command.replace(room, "ROOM"));
            }
        }
    }
}

#[tokio::test]
async fn a_refusal_asks_redis_the_same_as_about_a_room_that_never_was() {
    let Some(cluster) = cluster(2).await else { return };
    let node = &cluster.nodes[0];
    let (owner, member) = (Person::register(node, "Rahim").await, Person::register(node, "Mita").await);
    let (removed, stranger) = (Person::register(node, "Anu").await, Person::register(node, "Karim").await);
    // Nobody is in them and nothing is posted, so that no task of a node asks about them.
    let room = owner.makes_room(node, "a secret title").await;
    for person in [&member, &removed] {
        owner.adds(node, &room, person).await;
    }
    owner.removes(node, &room, &removed).await;
    let rooms = [room, owner.converses(node, &member).await];
    let guest = Client::full(&cluster.nodes[0], "x").await;
    let mut monitor = Monitor::start(cluster.redis.port()).await;
    let mut asked = 0;
    for node in &cluster.nodes {
        for request in requests(&member.user_id) {
            for token in [&stranger.token, &guest.token, &removed.token] {
                for room in &rooms {
                    let mut commands = Vec::new();
                    for room in [room.clone(), unused(room)] {
                        monitor.about(&cluster, &room).await;
                        answer(node, Some(token), &request, &room).await;
                        commands.push(monitor.about(&cluster, &room).await);
                    }
                    assert_eq!(commands[0], commands[1], "{} {:?}", request.method, request.path);
                    asked += commands[0].len();
                }
            }
        }
    }
    assert!(asked > 100, "{asked} commands were seen");
}
