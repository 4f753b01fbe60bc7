//! Conditions between settings. `sections` has the range of each by itself.

use super::sections::EXAMPLE_SECRETS;
use super::value::cut;
use super::{Config, ConfigError, Limits};

impl Config {
    /// Refuses the first pair of settings that would break a node, by the name of one of them.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let limits = &self.limits;
        require(
            limits.frame_bytes >= limits.message_bytes(),
            "limits.frame_bytes",
            format_args!(
                "be at least {}, so that limits.content_chars fit into a frame",
                limits.message_bytes()
            ),
            limits.frame_bytes,
        )?;
        require(
            limits.outbox_bytes / 4 >= limits.frame_bytes,
            "limits.outbox_bytes",
            format_args!("be at least {}, so that four times limits.frame_bytes fit", 4 * limits.frame_bytes),
            limits.outbox_bytes,
        )?;
        let redis = &self.redis;
        require(
            redis.canary_late / 2 >= redis.canary_every,
            "redis.canary_late",
            format_args!(
                "be at least \"{}\", twice redis.canary_every, or a subscription counts as stale between two canaries",
                humantime::format_duration(redis.canary_every * 2)
            ),
            humantime::format_duration(redis.canary_late),
        )?;
        let presence = &self.presence;
        require(
            presence.lease / 2 >= presence.renew_every,
            "presence.lease",
            format_args!(
                "be at least \"{}\", twice presence.renew_every, or one late renewal counts as a death",
                humantime::format_duration(presence.renew_every * 2)
            ),
            humantime::format_duration(presence.lease),
        )?;
        let session = &self.session;
        require(
            session.idle_timeout.as_secs() > session.ping_every.as_secs(),
            "session.idle_timeout",
            format_args!(
                "be at least \"{}s\", a second longer than session.ping_every, or quiet sessions are dropped unasked",
                session.ping_every.as_secs() + 1
            ),
            humantime::format_duration(session.idle_timeout),
        )?;
        self.check_secrets()
    }

    /// A secret that everybody can read in our documents is none.
    fn check_secrets(&self) -> Result<(), ConfigError> {
        let Self { auth, auth_issuer: issuer, .. } = self;
        let previous = auth.previous_secrets.iter().map(|secret| ("auth.previous_secrets", secret));
        let given = [("auth.secret", &auth.secret), ("auth.issuer.secret", &issuer.secret)];
        for (key, secret) in given.into_iter().chain(previous) {
            let rule = "be a secret of your own, such as `openssl rand -hex 32` makes one";
            require(
                !EXAMPLE_SECRETS.contains(&secret.as_str()),
                key,
                rule,
                "an example of the documentation",
            )?;
        }
        let keys = [&issuer.jwks_file, &issuer.secret, &issuer.public_key];
        let count = keys.into_iter().filter(|key| !key.is_empty()).count();
        let rule = "have one of jwks_file, secret and public_key at most";
        require(count <= 1, "auth.issuer", rule, format_args!("given {count} of them"))
    }
}

impl Limits {
    /// Bytes that a message of ours may take: serde_json escapes nothing but control characters.
    fn message_bytes(&self) -> usize {
        self.content_chars.saturating_mul(6).saturating_add(4096)
    }
}

fn require(
    is_kept: bool,
    key: &'static str,
    rule: impl ToString,
    value: impl ToString,
) -> Result<(), ConfigError> {
    match is_kept {
        true => Ok(()),
        false => Err(ConfigError::Pair { key, rule: rule.to_string(), shown: cut(&value.to_string()) }),
    }
}
