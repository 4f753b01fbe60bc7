//! Posted messages, their acks, and the valid answers to a repeated post.

use adda::model::{Author, Draft, MessageId, Nonce, Receipt, RoomName, UserId, Username};
use fastrand::Rng;

use super::held::Held;
use super::record::Record;

/// A post to a node.
#[derive(Debug, Clone)]
pub struct Post {
    pub node: usize,
    pub draft: Draft,
}

/// The result of a post with a nonce.
#[derive(Debug)]
struct Sent {
    draft: Draft,
    /// The ids of all tries.
    ids: Vec<String>,
    /// The number of possible losses before the last ack.
    acked_at: Option<u64>,
}

/// All posts.
#[derive(Debug, Default)]
pub struct Posts {
    sent: Vec<Sent>,
    written: usize,
}

impl Posts {
    /// Some new posts, each to a random node.
    pub fn write(&mut self, rng: &mut Rng, rooms: &[RoomName; 2], nodes: usize) -> Vec<Post> {
        let room = &rooms[usize::from(rng.u8(..5) == 0)];
        let count = rng.usize(1..7);
        (0..count).map(|_| self.post(rng, room, nodes)).collect()
    }

    fn post(&mut self, rng: &mut Rng, room: &RoomName, nodes: usize) -> Post {
        self.written += 1;
        let content = format!("n-{}", self.written);
        let nonce = if rng.u8(..10) < 6 { Nonce::parse(&content) } else { None };
        let user_id = UserId::parse(["rahim", "mita"][rng.usize(..2)]).unwrap();
        let author = Author { user_id, username: Username::from_trusted("x") };
        let draft = Draft { nonce, ..Draft::new(room.clone(), author, content) };
        Post { node: rng.usize(..nodes), draft }
    }

    /// A repetition of an earlier post, mostly a recent one.
    pub fn again(&self, rng: &mut Rng, nodes: usize) -> Option<Post> {
        let newest = self.sent.len().checked_sub(1)?;
        let reach = if rng.u8(..4) == 0 { newest } else { newest.min(12) };
        let sent = &self.sent[newest - rng.usize(..=reach)];
        Some(Post { node: rng.usize(..nodes), draft: Draft { id: MessageId::now(), ..sent.draft.clone() } })
    }

    /// Records a post and its ack, if there was one.
    pub fn keep(&mut self, post: Post, receipt: Option<Receipt>, losses: u64, record: &mut Record) {
        if let Some(receipt) = &receipt {
            record.ack(&post.draft.room, receipt);
        }
        if post.draft.nonce.is_none() {
            return;
        }
        let place = self.sent.iter().position(|sent| sent.draft.nonce == post.draft.nonce);
        let place = place.unwrap_or_else(|| {
            self.sent.push(Sent { draft: post.draft.clone(), ids: Vec::new(), acked_at: None });
            self.sent.len() - 1
        });
        let sent = &mut self.sent[place];
        sent.ids.push(post.draft.id.to_string());
        if receipt.is_some() {
            sent.acked_at = Some(losses);
        }
    }

    /// Checks the answer to a repeated post; `kept` is Redis' entry of its nonce just before.
    pub fn check_repetition(
        &self,
        post: &Post,
        kept: Option<&str>,
        receipt: &Receipt,
        held: &Held,
        losses: u64,
        record: &mut Record,
    ) {
        let room = &post.draft.room;
        let Some(sent) = self.sent.iter().find(|sent| sent.draft.nonce == post.draft.nonce) else { return };
        let Receipt { epoch, seq, id, timestamp, is_duplicate } = receipt;
        let said = format!("{epoch} {seq} {id} {timestamp}");
        record.check(kept.is_some() == *is_duplicate, || format!("{kept:?} was known, {receipt:?} was said"));
        if !is_duplicate {
            let is_excused = sent.acked_at.is_none_or(|acked_at| acked_at < losses);
            record.check(is_excused, || {
                format!("{receipt:?} is the second post of {sent:?}, and nothing was lost")
            });
            return;
        }
        // A digest of the content follows.
        let is_kept = kept.is_some_and(|kept| kept == said || kept.starts_with(&format!("{said} ")));
        record.check(is_kept, || format!("{kept:?} was known, {said} was said"));
        record.check(sent.ids.contains(id), || format!("{receipt:?} is none of {sent:?}"));
        // A lost ack: this answer may be the first one for the position.
        record.name(room, epoch, *seq, id);
        record.check(record.knows(room, epoch, *seq, id), || format!("{receipt:?} names another's place"));
        // If the position is in the current log's lineage, the log must have this message there, unless it is trimmed.
        let counts = |(name, end): &(String, u64)| *name == epoch.as_str() && *seq <= *end;
        if held.lineage.iter().any(counts)
            && let Some(entry) = held.log.iter().find(|entry| entry.seq == *seq)
        {
            record.check(entry.id == *id, || format!("{receipt:?} names the place of {entry:?}"));
        }
    }
}
