//! The records of files. All their keys share one slot: a message claims all of its files in one step.

mod sweep;

use std::time::Duration;

use async_trait::async_trait;

use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::script::{Memory, Script, TYPES};
use crate::backend::redis::client::server::{parsed, parsed_if_ours};
use crate::backend::redis::keys::Keys;
use crate::backend::redis::topology::pooled::PooledCalls;
use crate::backend::{
    Begun, ByteQuota, Claim, Claimed, FileDescription, Files, NONCE_TTL, QuotaOwner, REPETITION_WAITS,
    Result, StoredFile, Upload,
};
use crate::model::{FileId, RoomName, UserId};
use crate::telemetry::{Unreadable, count_unreadable};

const SHARED: &str = include_str!("shared.lua");

static BEGIN: Script = Script::new(Memory::Grows, &[TYPES, SHARED, include_str!("begin.lua")]);

/// Allowed at the memory limit, as the following ones: the upload was let in before.
static FINISH: Script = Script::new(Memory::Spares, &[TYPES, SHARED, include_str!("finish.lua")]);

static CANCEL: Script = Script::new(Memory::Spares, &[TYPES, SHARED, include_str!("cancel.lua")]);

static CLAIM: Script = Script::new(Memory::Spares, &[TYPES, SHARED, include_str!("claim.lua")]);

static SETTLE: Script = Script::new(Memory::Spares, &[TYPES, SHARED, include_str!("settle.lua")]);

static RELEASE: Script = Script::new(Memory::Spares, &[TYPES, SHARED, include_str!("release.lua")]);

static REMOVE: Script = Script::new(Memory::Spares, &[TYPES, SHARED, include_str!("remove.lua")]);

/// The scripts of this folder.
pub(super) fn scripts() -> Vec<&'static Script> {
    [&[&BEGIN, &FINISH, &CANCEL, &CLAIM, &SETTLE, &RELEASE, &REMOVE], sweep::SCRIPTS].concat()
}

/// The records of files in Redis.
#[derive(Debug)]
pub struct RedisFiles {
    pub keys: Keys,
    pub calls: PooledCalls,
}

impl RedisFiles {
    /// The keys of files, behind others.
    fn keys(&self, first: impl IntoIterator<Item = String>, ids: &[FileId]) -> Vec<String> {
        first.into_iter().chain(ids.iter().map(|id| self.keys.file(*id))).collect()
    }

    /// Records the message of files, by its number or by a place between two.
    async fn settle_at(&self, room: &RoomName, ids: &[FileId], place: String) -> Result<()> {
        let first = [self.keys.unposted_files(), self.keys.file_rooms(), self.keys.room_files(room)];
        let call = Call::new(&SETTLE, self.keys(first, ids)).arg(room).arg(place);
        self.calls.call(with_ids(call, ids)).await.map(drop)
    }

    /// The keys of an upload, and of its quotas.
    fn upload_keys(&self, upload: &Upload, other: Option<String>) -> Vec<String> {
        let file = self.keys.file(upload.id);
        let print = upload.fingerprint.as_ref().map_or_else(|| file.clone(), |print| self.keys.upload(print));
        let quotas = upload.quotas.iter().map(|quota| self.keys.byte_quota(&quota.owner));
        [file, self.keys.unposted_files(), print].into_iter().chain(other).chain(quotas).collect()
    }

    /// Begins an upload. `gone`: a file of the same upload that there is no more.
    async fn begin_once(&self, upload: &Upload, gone: &str) -> Result<Beginning> {
        let call = Call::new(&BEGIN, self.upload_keys(upload, None))
            .arg(upload.id)
            .arg(&upload.user)
            .arg(&upload.room)
            .arg(upload.wanted)
            .arg(upload.least)
            .arg(owners(&upload.quotas))
            .arg(REPETITION_WAITS.as_millis())
            .arg(gone);
        let call = upload.quotas.iter().fold(call, |call, quota| call.arg(quota.limit));
        let mut words = parsed::<Vec<String>>(self.calls.call(call).await?)?.into_iter();
        let word = words.next().unwrap_or_default();
        let rest = words.next().unwrap_or_default();
        let number = rest.parse().unwrap_or_default();
        Ok(match word.as_str() {
            "granted" => Beginning::Decided(Begun::Granted(number)),
            "under_way" => Beginning::Decided(Begun::UnderWay),
            "stored" => Beginning::Stored(rest),
            _ => Beginning::Decided(Begun::Exhausted { retry_after: Duration::from_millis(number) }),
        })
    }
}

/// The answer of `begin.lua`.
enum Beginning {
    Decided(Begun),
    /// The same upload was stored as this file, which may be gone.
    Stored(String),
}

#[async_trait]
impl Files for RedisFiles {
    async fn begin(&self, upload: &Upload) -> Result<Begun> {
        let mut gone = String::new();
        loop {
            match self.begin_once(upload, &gone).await? {
                Beginning::Decided(begun) => return Ok(begun),
                Beginning::Stored(before) => {
                    let id = FileId::parse(&before);
                    if let Some(id) = id
                        && self.find(id).await?.is_some()
                    {
                        return Ok(Begun::Stored(id));
                    }
                    gone = before;
                }
            }
        }
    }

    async fn keep(&self, upload: &Upload) -> Result<()> {
        let call = Call::new(&sweep::POSTPONE, [self.keys.unposted_files()]).arg(0).arg(upload.id);
        self.calls.call(call).await.map(drop)
    }

    async fn finish(&self, upload: &Upload, file: &FileDescription) -> Result<bool> {
        let json = serde_json::to_string(file).expect("texts and numbers are JSON");
        let call = Call::new(&FINISH, self.upload_keys(upload, None))
            .arg(upload.id)
            .arg(file.size)
            .arg(json)
            .arg(NONCE_TTL.as_millis());
        parsed(self.calls.call(call).await?)
    }

    async fn cancel(&self, upload: &Upload) -> Result<()> {
        let keys = self.upload_keys(upload, Some(self.keys.removed_files()));
        self.calls.call(Call::new(&CANCEL, keys).arg(upload.id)).await.map(drop)
    }

    async fn find(&self, id: FileId) -> Result<Option<StoredFile>> {
        let call = Call::plain("HMGET", self.keys.file(id)).arg("user").arg("room").arg("file");
        let fields: Vec<Option<Vec<u8>>> = parsed_if_ours(self.calls.call(call).await)?;
        let is_stored = fields.last().is_some_and(Option::is_some);
        let file = stored(fields);
        count_unreadable(Unreadable::File, u64::from(is_stored && file.is_none()));
        Ok(file)
    }

    async fn claim(&self, ids: &[FileId], claim: &Claim) -> Result<Option<Vec<Claimed>>> {
        let call = Call::new(&CLAIM, self.keys([self.keys.unposted_files()], ids))
            .arg(&claim.user)
            .arg(&claim.room)
            .arg(&claim.message);
        let call = with_ids(call, ids);
        let replies: Vec<(Vec<u8>, u8)> = parsed(self.calls.call(call).await?)?;
        if replies.len() != ids.len() {
            return Ok(None);
        }
        let claimed = ids.iter().zip(replies).map(|(id, (json, was_claimed))| {
            let description = serde_json::from_slice(&json).ok()?;
            Some(Claimed { id: *id, description, was_claimed: was_claimed == 1 })
        });
        Ok(claimed.collect())
    }

    async fn settle(&self, room: &RoomName, ids: &[FileId], seq: u64) -> Result<()> {
        self.settle_at(room, ids, seq.to_string()).await
    }

    async fn release(&self, ids: &[FileId]) -> Result<()> {
        let call = Call::new(&RELEASE, self.keys([self.keys.unposted_files()], ids));
        self.calls.call(with_ids(call, ids)).await.map(drop)
    }

    async fn remove(&self, room: &RoomName, ids: &[FileId]) -> Result<u64> {
        let first = [
            self.keys.unposted_files(),
            self.keys.removed_files(),
            self.keys.file_rooms(),
            self.keys.room_files(room),
        ];
        let call = Call::new(&REMOVE, self.keys(first, ids)).arg(room);
        parsed(self.calls.call(with_ids(call, ids)).await?)
    }
}

/// The owners of quotas as words of a text.
fn owners(quotas: &[ByteQuota]) -> String {
    let words = quotas.iter().map(|quota| match &quota.owner {
        QuotaOwner::User(user) => format!("user:{user}"),
        QuotaOwner::Guests(address) => format!("guests:{address}"),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Without words of other programs.
fn read_owners(text: &[u8]) -> Vec<QuotaOwner> {
    let words = std::str::from_utf8(text).unwrap_or_default().split(' ');
    let owner = |word: &str| match word.split_once(':')? {
        ("user", user) => UserId::parse(user).map(QuotaOwner::User),
        ("guests", address) => Some(QuotaOwner::Guests(address.to_owned())),
        _ => None,
    };
    words.filter_map(owner).collect()
}

fn with_ids(call: Call, ids: &[FileId]) -> Call {
    ids.iter().fold(call, |call, id| call.arg(id))
}

/// `None` if the file is not stored, or a field is not of this version.
fn stored(fields: Vec<Option<Vec<u8>>>) -> Option<StoredFile> {
    let fields: Vec<String> =
        fields.into_iter().map(|field| String::from_utf8(field?).ok()).collect::<Option<_>>()?;
    let [user, room, file]: [String; 3] = fields.try_into().ok()?;
    Some(StoredFile {
        user: UserId::parse(&user)?,
        room: RoomName::from_trusted(&room),
        description: serde_json::from_str(&file).ok()?,
    })
}
