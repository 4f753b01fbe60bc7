//! Compares this node with the others of its cluster: what all must have in common is told by short hashes. Their number
//! divides what passes of a limit without asking the cluster.

use std::collections::HashMap;

use sha2::{Digest, Sha256};
use tracing::{debug, warn};

use crate::backend::{BackendError, Fingerprints, share_secret};
use crate::chat::Chat;
use crate::config::Config;
use crate::model::{NodeId, hex};
use crate::supervisor::ticks;

/// Renewals between two comparisons.
const EVERY: u32 = 5;

/// The nodes that differ, each with the number of comparisons that have shown it: a node may have looked before the
/// other has learned the secret, so the second one counts.
type Differing = HashMap<(NodeId, What), u32>;

/// A difference between nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum What {
    Secret,
    Settings,
}

impl Chat {
    /// Compares from time to time, until the node stops.
    pub(in crate::chat) async fn check_peers(self) {
        let mut ticks = ticks(self.inner.config.presence.renew_every * EVERY);
        let mut differing = Differing::new();
        loop {
            tokio::select! {
                () = self.inner.supervisor.stopping() => return,
                _ = ticks.tick() => {}
            }
            // An outage is told by the renewal of the lease.
            if self.ensure_backend().is_ok()
                && let Err(error) = self.compare_with_peers(&mut differing).await
            {
                debug!(error = %error.root_cause(), "could not compare this node with the others");
            }
        }
    }

    async fn compare_with_peers(&self, differing: &mut Differing) -> Result<(), BackendError> {
        share_secret(&*self.inner.backend.cluster, self).await?;
        let (own, nodes) = (self.fingerprints(), self.inner.backend.cluster.nodes().await?);
        self.inner.limits.divide_by(nodes.len());
        let mut now = Differing::new();
        for node in nodes.into_iter().filter(|node| node.id != self.inner.node) {
            for what in differences(&own, &node.stats.fingerprints) {
                let count = differing.get(&(node.id, what)).copied().unwrap_or(0) + 1;
                if count == 2 {
                    tell(node.id, what);
                }
                now.insert((node.id, what), count);
            }
        }
        *differing = now;
        Ok(())
    }

    pub(super) fn fingerprints(&self) -> Fingerprints {
        let secret = self.inner.identities.keyring.fingerprint();
        Fingerprints { secret, settings: fingerprint_of_settings(&self.inner.config) }
    }
}

fn tell(other_node: NodeId, what: What) {
    match what {
        What::Secret => warn!(
            %other_node,
            "Another node of this cluster signs tokens with another secret: its users are strangers here; set the \
             same auth.secret, or name the other one in auth.previous_secrets"
        ),
        What::Settings => warn!(
            %other_node,
            "Another node of this cluster has other settings than this one; all must have the same {}",
            COMPARED_SETTINGS.join(", ")
        ),
    }
}

/// A fingerprint that is not known yet differs from none.
fn differences(own: &Fingerprints, other: &Fingerprints) -> Vec<What> {
    let differ = |own: &str, other: &str| !own.is_empty() && !other.is_empty() && own != other;
    let secret = differ(&own.secret, &other.secret).then_some(What::Secret);
    let settings = differ(&own.settings, &other.settings).then_some(What::Settings);
    secret.into_iter().chain(settings).collect()
}

/// The settings that decide what is kept in common, and who may say what.
const COMPARED_SETTINGS: [&str; 13] = [
    "history.max_messages",
    "history.ttl",
    "presence.lease",
    "presence.leave_grace",
    "presence.announce_up_to",
    "limits.room_name_chars",
    "limits.username_chars",
    "limits.content_chars",
    "auth.token_ttl",
    "files.url",
    "files.max_bytes",
    "files.per_user_per_day",
    "files.orphan_after",
];

/// Of the settings of [`COMPARED_SETTINGS`].
fn fingerprint_of_settings(config: &Config) -> String {
    let Config { history, presence, limits, auth, files, .. } = config;
    let log = (history.max_messages, history.ttl);
    let members = (presence.lease, presence.leave_grace, presence.announce_up_to);
    let texts = (limits.room_name_chars, limits.username_chars, limits.content_chars);
    let kept = (without_user(&files.url), files.max_bytes, files.per_user_per_day, files.orphan_after);
    let hash = Sha256::digest(format!("{log:?} {members:?} {texts:?} {:?} {kept:?}", auth.token_ttl));
    hex(&hash[..4])
}

/// A URL without a user and a password, which short hashes would help to guess.
fn without_user(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let host = rest.find('/').unwrap_or(rest.len());
            let begin = rest[..host].rfind('@').map_or(0, |at| at + 1);
            format!("{scheme}://{}", &rest[begin..])
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_the_node_alone_may_differ() {
        let mut config = Config::defaults();
        let fingerprint = fingerprint_of_settings(&config);
        config.server.drain *= 2;
        assert_eq!(fingerprint_of_settings(&config), fingerprint);
        config.files.s3_secret_key = "another key of the same bucket".to_owned();
        config.files.uploads_in_flight += 1;
        assert_eq!(fingerprint_of_settings(&config), fingerprint);
        config.history.max_messages += 1;
        assert_ne!(fingerprint_of_settings(&config), fingerprint);
    }

    #[test]
    fn the_storage_of_files_must_be_the_same() {
        let fingerprint = |change: fn(&mut Config)| {
            let mut config = Config::defaults();
            config.files.url = "s3://bucket/of/a".to_owned();
            change(&mut config);
            fingerprint_of_settings(&config)
        };
        let own = fingerprint(|_| {});
        assert_eq!(fingerprint(|config| config.files.url = "s3://key:secret@bucket/of/a".to_owned()), own);
        for other in ["s3://bucket/of/b", "s3://another/of/a", "/srv/files", ""] {
            let mut config = Config::defaults();
            config.files.url = other.to_owned();
            assert_ne!(fingerprint_of_settings(&config), own, "{other}");
        }
        assert_ne!(fingerprint(|config| config.files.max_bytes += 1), own);
        assert_ne!(fingerprint(|config| config.files.per_user_per_day += 1), own);
        assert_ne!(fingerprint(|config| config.files.orphan_after *= 2), own);
    }

    #[test]
    fn each_setting_that_the_warning_names_is_compared() {
        let changes: [fn(&mut Config); COMPARED_SETTINGS.len()] = [
            |config| config.history.max_messages += 1,
            |config| config.history.ttl *= 2,
            |config| config.presence.lease *= 2,
            |config| config.presence.leave_grace *= 2,
            |config| config.presence.announce_up_to += 1,
            |config| config.limits.room_name_chars += 1,
            |config| config.limits.username_chars += 1,
            |config| config.limits.content_chars += 1,
            |config| config.auth.token_ttl *= 2,
            |config| config.files.url.push('x'),
            |config| config.files.max_bytes += 1,
            |config| config.files.per_user_per_day += 1,
            |config| config.files.orphan_after *= 2,
        ];
        let own = fingerprint_of_settings(&Config::defaults());
        let document = include_str!("../../../docs/redis.md");
        for (name, change) in COMPARED_SETTINGS.iter().zip(changes) {
            let mut config = Config::defaults();
            change(&mut config);
            assert_ne!(fingerprint_of_settings(&config), own, "{name}");
            assert!(document.contains(&format!("`{name}`")), "{name}");
        }
    }

    #[test]
    fn an_unknown_fingerprint_differs_from_none() {
        let fingerprints = |secret: &str, settings: &str| Fingerprints {
            secret: secret.to_owned(),
            settings: settings.to_owned(),
        };
        let own = fingerprints("a", "b");
        assert_eq!(differences(&own, &fingerprints("", "")), []);
        assert_eq!(differences(&own, &own), []);
        assert_eq!(differences(&own, &fingerprints("c", "d")), [What::Secret, What::Settings]);
    }
}
