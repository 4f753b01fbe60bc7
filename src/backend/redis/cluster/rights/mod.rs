//! The permissions that this node needs in Redis, checked at the start. Otherwise a missing permission would show
//! on first use, and a renamed command would never succeed.

use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::role::Role;
use crate::backend::redis::client::script::{Memory, Script};
use crate::backend::redis::client::server::parsed;
use crate::backend::redis::keys::Keys;
use crate::backend::redis::topology::Shards;
use crate::backend::{BackendError, Result};

pub(super) static RIGHTS: Script = Script::new(Memory::Untouched, &[include_str!("rights.lua")]);

/// Commands that are sent outside of scripts. CLIENT KILL and CLIENT TRACKING are optional.
const COMMANDS: [&str; 38] = [
    "CLIENT|INFO",
    "DEL",
    "EVALSHA",
    "EXEC",
    "GET",
    "HDEL",
    "HGET",
    "HGETALL",
    "HKEYS",
    "HLEN",
    "HMGET",
    "HSETNX",
    "INFO",
    "MULTI",
    "PING",
    "PUBLISH",
    "SCAN",
    "SCRIPT|LOAD",
    "SET",
    "SMEMBERS",
    "SMISMEMBER",
    "SREM",
    "SUBSCRIBE",
    "TIME",
    "UNSUBSCRIBE",
    "XRANGE",
    "XREVRANGE",
    "ZCARD",
    "ZCOUNT",
    "ZMSCORE",
    "ZRANDMEMBER",
    "ZRANGE",
    "ZRANGEBYLEX",
    "ZRANGEBYSCORE",
    "ZREM",
    "ZREVRANGE",
    "ZREVRANGEBYSCORE",
    "ZSCORE",
];

/// Further ones in a Redis Cluster.
const IN_CLUSTER: [&str; 5] = ["ASKING", "CLUSTER|SLOTS", "SPUBLISH", "SSUBSCRIBE", "SUNSUBSCRIBE"];

/// Checks whether this node may call all its commands and `scripts`.
///
/// # Errors
/// [`BackendError::Misconfigured`], which names each missing permission. If Redis can't answer now, the check is
/// skipped; later refusals are logged.
pub async fn check(shards: &Shards, keys: &Keys, scripts: &[&Script], min_replicas: usize) -> Result<()> {
    let mut commands: Vec<String> = scripts.iter().flat_map(|script| script.commands()).collect();
    commands.extend(COMMANDS.map(str::to_owned));
    if shards.is_cluster() {
        commands.extend(IN_CLUSTER.map(str::to_owned));
    }
    if min_replicas > 0 {
        commands.push("WAIT".to_owned());
    }
    commands.sort_unstable();
    commands.dedup();
    let (key, channel) = keys.for_rights();
    let call = Call::new(&RIGHTS, [key]).arg(channel);
    let call = commands.into_iter().fold(call, Call::arg);
    match shards.call(&Role::Pooled, call).await {
        Ok(value) => {
            let (denied, unknown): (Vec<String>, Vec<String>) = parsed(value)?;
            sentence(&denied, &unknown).map_or(Ok(()), |sentence| Err(misconfigured(shards, &sentence)))
        }
        // The check itself is refused.
        Err(error) if is_lasting(&error.root_cause()) => Err(misconfigured(shards, &error.root_cause())),
        Err(_) => Ok(()),
    }
}

/// Whether the refusal lasts until Redis is configured otherwise.
pub fn is_lasting(words: &str) -> bool {
    ["NOPERM", "no permissions", "unknown command"].iter().any(|sign| words.contains(sign))
}

pub fn misconfigured(shards: &Shards, sentence: &str) -> BackendError {
    let address = shards.address();
    BackendError::Misconfigured(format!(
        "Redis at {address} does not let adda do its work: {sentence}; docs/redis.md lists the rights that it needs"
    ))
}

fn sentence(denied: &[String], unknown: &[String]) -> Option<String> {
    let rights = denied.iter().map(|command| format!("+{}", command.to_lowercase())).collect::<Vec<_>>();
    let rights = (!denied.is_empty()).then(|| format!("the user lacks {}", rights.join(" ")));
    let names =
        (!unknown.is_empty()).then(|| format!("it knows no {} (rename-command?)", unknown.join(", ")));
    let parts: Vec<String> = rights.into_iter().chain(names).collect();
    (!parts.is_empty()).then(|| parts.join(", and "))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn sources(folder: &Path, text: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension().and_then(|end| end.to_str()) {
                _ if path.is_dir() => sources(&path, text),
                Some("rs") => text.push_str(&std::fs::read_to_string(path).unwrap()),
                _ => {}
            }
        }
    }

    #[test]
    fn every_command_that_is_sent_is_checked() {
        let mut text = String::new();
        sources(Path::new("src/backend/redis"), &mut text);
        let mut sent = BTreeSet::new();
        for begin in ["Call::plain(\"", "Call::beside(\"", "cmd(\""] {
            for rest in text.split(begin).skip(1) {
                sent.insert(rest.split('"').next().unwrap());
            }
        }
        // Sent to Sentinels, checked separately, or needed only with replicas to wait for.
        for other in ["SENTINEL", "WAIT", "CLUSTER", "ASKING"] {
            sent.remove(other);
        }
        let asked: BTreeSet<&str> =
            COMMANDS.iter().map(|command| command.split('|').next().unwrap()).collect();
        let missing: Vec<_> = sent
            .iter()
            .filter(|word| word.chars().all(|c| c.is_ascii_uppercase()))
            .filter(|word| !asked.contains(*word))
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn the_error_names_each_permission() {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(sentence(&[], &[]), None);
        assert_eq!(
            sentence(&words(&["XADD", "SCRIPT|LOAD"]), &words(&["INFO"])).unwrap(),
            "the user lacks +xadd +script|load, and it knows no INFO (rename-command?)"
        );
    }
}
