//! The Lua scripts: loaded with the id of the Redis process in their text, called by hash, loaded
//! anew when Redis does not know them. See `scripts/fence.lua` for why.

use std::sync::{Arc, RwLock};

use redis::{Cmd, Pipeline, ServerErrorKind, Value};
use sha1::{Digest, Sha1};
use tokio::sync::Mutex;
use tracing::info;

use super::link::{Link, first, value_or_error};
use crate::backend::{BackendError, Result};

/// A script's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    Post,
    Head,
    Read,
    Enter,
    Leave,
    Restore,
    Reap,
    Farewell,
    Renew,
    Forget,
}

const FENCE: &str = include_str!("scripts/fence.lua");
const ROOM: &str = include_str!("scripts/room.lua");
const NONE: &str = "";

/// Each script with the functions that it shares, in the order of [`Script`].
const SOURCES: [(&str, &str); 10] = [
    (FENCE, include_str!("scripts/post.lua")),
    (FENCE, include_str!("scripts/head.lua")),
    (FENCE, include_str!("scripts/read.lua")),
    (ROOM, include_str!("scripts/enter.lua")),
    (ROOM, include_str!("scripts/leave.lua")),
    (ROOM, include_str!("scripts/restore.lua")),
    (ROOM, include_str!("scripts/reap.lua")),
    (ROOM, include_str!("scripts/farewell.lua")),
    (NONE, include_str!("scripts/renew.lua")),
    (NONE, include_str!("scripts/forget.lua")),
];

/// The hashes under which the Redis at hand knows the scripts.
type Hashes = [String; SOURCES.len()];

/// One call of a script.
#[derive(Debug, Clone)]
pub(super) struct Call {
    script: Script,
    keys: Vec<String>,
    args: Vec<Vec<u8>>,
}

impl Call {
    pub(super) fn new(script: Script, keys: impl IntoIterator<Item = String>) -> Self {
        Self { script, keys: keys.into_iter().collect(), args: Vec::new() }
    }

    pub(super) fn arg(mut self, arg: impl ToString) -> Self {
        self.args.push(arg.to_string().into_bytes());
        self
    }

    fn command(&self, hashes: &Hashes) -> Cmd {
        let mut command = redis::cmd("EVALSHA");
        command.arg(&hashes[self.script as usize]).arg(self.keys.len()).arg(&self.keys).arg(&self.args);
        command
    }
}

/// Calls scripts over a link.
#[derive(Debug, Clone, Default)]
pub(super) struct Scripts {
    hashes: Arc<RwLock<Option<Arc<Hashes>>>>,
    /// Held while loading: one loads for all that wait, in the order of their coming.
    loading: Arc<Mutex<()>>,
}

impl Scripts {
    /// Calls one script.
    pub(super) async fn call(&self, link: &Link, call: Call) -> Result<Value> {
        let mut values = self.call_all(link, std::slice::from_ref(&call)).await?;
        values.pop().unwrap_or(Err(BackendError::Unavailable("no answer".into())))
    }

    /// Calls scripts in one pipeline, in order; one result for each call.
    pub(super) async fn call_all(&self, link: &Link, calls: &[Call]) -> Result<Vec<Result<Value>>> {
        if calls.is_empty() {
            return Ok(Vec::new());
        }
        let hashes = self.known(link, None).await?;
        let mut results = try_all(link, &hashes, calls).await?;
        // Redis was restarted, replaced or flushed since the scripts were loaded. Calls that it
        // did not know were not run; the others keep their result.
        let unknown: Vec<usize> = (0..results.len()).filter(|&i| is_unknown_script(&results[i])).collect();
        if !unknown.is_empty() {
            let hashes = self.known(link, Some(&hashes)).await?;
            let again: Vec<Call> = unknown.iter().map(|&i| calls[i].clone()).collect();
            for (i, result) in unknown.into_iter().zip(try_all(link, &hashes, &again).await?) {
                results[i] = result;
            }
        }
        Ok(results.into_iter().map(value_or_error).collect())
    }

    /// The hashes to call by; loaded anew if there are none, or none but those that Redis did not
    /// know.
    async fn known(&self, link: &Link, unknown: Option<&Arc<Hashes>>) -> Result<Arc<Hashes>> {
        let usable = |hashes: &Arc<Hashes>| unknown.is_none_or(|unknown| !Arc::ptr_eq(unknown, hashes));
        if let Some(hashes) = self.loaded().filter(usable) {
            return Ok(hashes);
        }
        let _loading = self.loading.lock().await;
        match self.loaded().filter(usable) {
            Some(hashes) => Ok(hashes),
            None => self.load(link).await,
        }
    }

    fn loaded(&self) -> Option<Arc<Hashes>> {
        self.hashes.read().expect("no code panics while it holds this lock").clone()
    }

    /// Loads all scripts into the Redis at hand. INFO and SCRIPT LOAD go in one pipeline of one
    /// connection, so the run id in the text is that of the process which the text is loaded into.
    async fn load(&self, link: &Link) -> Result<Arc<Hashes>> {
        // The run id is needed before the text can be written: ask, load, and ask again in the
        // same pipeline as the load; if the process changed in between, begin anew.
        for _ in 0..3 {
            let open = link.open().await?;
            let run = run_id(link.run_on(&open, Pipeline::new().cmd("INFO").arg("server")).await?)?;
            let texts = SOURCES.map(|(shared, own)| format!("local RUN = '{run}'\n{shared}{own}"));
            let mut pipeline = Pipeline::with_capacity(texts.len() + 1);
            pipeline.cmd("INFO").arg("server");
            for text in &texts {
                pipeline.cmd("SCRIPT").arg("LOAD").arg(text);
            }
            let mut values = link.run_on(&open, &pipeline).await?;
            let loaded = values.split_off(1);
            if run_id(values)? != run {
                continue;
            }
            loaded.into_iter().try_for_each(|value| value_or_error(value).map(drop))?;
            let hashes = Arc::new(texts.map(|text| format!("{:x}", Sha1::digest(text))));
            *self.hashes.write().expect("no code panics while it holds this lock") = Some(hashes.clone());
            info!(run_id = %run, "Loaded the scripts into Redis");
            return Ok(hashes);
        }
        Err(BackendError::Unavailable("Redis restarts again and again".into()))
    }
}

async fn try_all(link: &Link, hashes: &Hashes, calls: &[Call]) -> Result<Vec<Value>> {
    let mut pipeline = Pipeline::with_capacity(calls.len());
    for call in calls {
        pipeline.add_command(call.command(hashes));
    }
    link.run(&pipeline).await
}

fn run_id(values: Vec<Value>) -> Result<String> {
    let info: String = first(values)?;
    info.lines()
        .find_map(|line| line.strip_prefix("run_id:"))
        .filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .map(str::to_owned)
        .ok_or_else(|| BackendError::Unavailable("Redis did not tell its run id".into()))
}

fn is_unknown_script(value: &Value) -> bool {
    matches!(value, Value::ServerError(error) if error.kind() == Some(ServerErrorKind::NoScript))
}
