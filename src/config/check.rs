//! What the types of the settings can't say: which values would break a node.

use std::time::Duration;

use super::{Config, ConfigError, Limits};

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// What `log.level` may be for all lines at once.
const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

impl Config {
    /// Refuses the first setting that makes no sense, by its name.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.check_least()?;
        self.check_pairs()?;
        require(
            !self.redis.prefix.contains(['{', '}']),
            "redis.prefix",
            "not contain braces, which mark the hash tag of a room",
        )?;
        let secret = self.auth.secret.chars().count();
        require(!(1..32).contains(&secret), "auth.secret", "have at least 32 characters")?;
        require(
            self.log.level.split(',').all(is_level_or_rule),
            "log.level",
            "be error, warn, info, debug, trace, or a filter such as \"info,adda::ws=debug\"",
        )
    }

    /// What each setting must be at least, whatever the others are.
    fn check_least(&self) -> Result<(), ConfigError> {
        for (key, number) in [
            ("history.max_messages", self.history.max_messages),
            ("history.max_page", self.history.max_page),
            ("limits.room_name_chars", self.limits.room_name_chars),
            ("limits.username_chars", self.limits.username_chars),
            ("limits.content_chars", self.limits.content_chars),
            ("limits.rooms_per_session", self.limits.rooms_per_session),
            ("limits.posts_in_flight", self.limits.posts_in_flight),
            ("redis.event_queue", self.redis.event_queue),
        ] {
            require(number >= 1, key, "be at least 1")?;
        }
        for (key, time) in [
            ("server.header_timeout", self.server.header_timeout),
            ("server.body_timeout", self.server.body_timeout),
            ("redis.command_timeout", self.redis.command_timeout),
            ("redis.connect_timeout", self.redis.connect_timeout),
            ("redis.canary_every", self.redis.canary_every),
            ("session.write_timeout", self.session.write_timeout),
            ("presence.renew_every", self.presence.renew_every),
        ] {
            require(time >= MILLISECOND, key, "be at least 1ms, or nothing is ever in time")?;
        }
        for (key, time) in [
            ("history.ttl", self.history.ttl),
            ("history.check_every", self.history.check_every),
            ("presence.check_every", self.presence.check_every),
            ("session.heartbeat", self.session.heartbeat),
            ("session.idle_timeout", self.session.idle_timeout),
            ("auth.token_ttl", self.auth.token_ttl),
        ] {
            require(time >= SECOND, key, "be at least 1s, for it is counted in seconds")?;
        }
        Ok(())
    }

    /// What settings must be to each other.
    fn check_pairs(&self) -> Result<(), ConfigError> {
        let limits = &self.limits;
        require(
            limits.frame_bytes >= limits.message_bytes(),
            "limits.frame_bytes",
            format_args!(
                "be at least {}, so that limits.content_chars fit into a frame",
                limits.message_bytes()
            ),
        )?;
        require(
            limits.outbox_bytes / 4 >= limits.frame_bytes,
            "limits.outbox_bytes",
            "be at least four times limits.frame_bytes, so that a page of messages fits",
        )?;
        require(
            self.redis.canary_late / 2 >= self.redis.canary_every,
            "redis.canary_late",
            "be at least twice redis.canary_every, or a subscription is deaf between two canaries",
        )?;
        require(
            self.presence.lease / 2 >= self.presence.renew_every,
            "presence.lease",
            "be at least twice presence.renew_every, or a single late sign of life is a death",
        )?;
        require(
            self.session.idle_timeout.as_secs() > self.session.heartbeat.as_secs(),
            "session.idle_timeout",
            "be longer than session.heartbeat by a second, or quiet sessions are dropped unasked",
        )
    }
}

impl Limits {
    /// Bytes that a message of ours may take: serde_json escapes nothing but control characters.
    fn message_bytes(&self) -> usize {
        self.content_chars.saturating_mul(6).saturating_add(4096)
    }
}

/// Whether a part of `log.level` is a level, or says of what it sets one. Any other word would count as
/// a target, the only one that is logged: a misspelt level would silence the node.
fn is_level_or_rule(part: &str) -> bool {
    part.contains('=') || LEVELS.iter().any(|level| level.eq_ignore_ascii_case(part))
}

fn require(is_kept: bool, key: &'static str, rule: impl ToString) -> Result<(), ConfigError> {
    if is_kept { Ok(()) } else { Err(ConfigError::Senseless { key, rule: rule.to_string() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_make_sense() {
        Config::defaults().check().unwrap();
    }

    /// Sees that a change of the defaults is refused with one sentence that begins with the key.
    fn assert_refused(key: &str, change: impl FnOnce(&mut Config)) {
        let mut config = Config::defaults();
        change(&mut config);
        let sentence = config.check().expect_err(key).to_string();
        assert!(sentence.starts_with(&format!("{key} must ")), "{key}: {sentence}");
        assert_eq!(sentence.lines().count(), 1, "{sentence}");
    }

    #[test]
    fn a_time_of_nothing_is_refused_where_it_breaks_a_node() {
        let zero = Duration::ZERO;
        assert_refused("server.header_timeout", |config| config.server.header_timeout = zero);
        assert_refused("server.body_timeout", |config| config.server.body_timeout = zero);
        assert_refused("redis.command_timeout", |config| config.redis.command_timeout = zero);
        assert_refused("redis.connect_timeout", |config| config.redis.connect_timeout = zero);
        assert_refused("redis.canary_every", |config| config.redis.canary_every = zero);
        assert_refused("redis.canary_late", |config| config.redis.canary_late = zero);
        assert_refused("history.ttl", |config| config.history.ttl = zero);
        assert_refused("history.check_every", |config| config.history.check_every = zero);
        assert_refused("session.heartbeat", |config| config.session.heartbeat = zero);
        assert_refused("session.idle_timeout", |config| config.session.idle_timeout = zero);
        assert_refused("session.write_timeout", |config| config.session.write_timeout = zero);
        assert_refused("presence.lease", |config| config.presence.lease = zero);
        assert_refused("presence.renew_every", |config| config.presence.renew_every = zero);
        assert_refused("auth.token_ttl", |config| config.auth.token_ttl = zero);
    }

    #[test]
    fn what_is_counted_in_seconds_is_a_second_at_least() {
        let short = Duration::from_millis(999);
        assert_refused("session.heartbeat", |config| config.session.heartbeat = short);
        assert_refused("session.idle_timeout", |config| config.session.idle_timeout = short);
        assert_refused("session.idle_timeout", |config| {
            config.session.heartbeat = Duration::from_millis(1100);
            config.session.idle_timeout = Duration::from_millis(1900);
        });
    }

    #[test]
    fn a_canary_that_is_never_late_or_always_is_refused() {
        assert_refused("redis.canary_late", |config| config.redis.canary_late = Duration::from_secs(1));
        assert_refused("redis.canary_late", |config| config.redis.canary_every = Duration::from_secs(2));
    }

    #[test]
    fn a_word_that_is_no_level_is_refused() {
        for level in ["loud", "warnn", "", "info,", "info, warn", "adda", "off", "3", "info,adda[span]"] {
            assert_refused("log.level", |config| config.log.level = level.to_owned());
        }
        for level in ["error", "warn", "INFO", "debug", "trace", "info,adda::ws=debug", "hyper=off,warn"] {
            let mut config = Config::defaults();
            config.log.level = level.to_owned();
            assert!(config.check().is_ok(), "{level}");
        }
    }

    #[test]
    fn a_message_fits_into_a_frame_and_two_into_an_outbox() {
        assert_refused("limits.frame_bytes", |config| config.limits.content_chars = 20_000);
        assert_refused("limits.frame_bytes", |config| config.limits.content_chars = usize::MAX);
        assert_refused("limits.outbox_bytes", |config| config.limits.frame_bytes = usize::MAX);
        for outbox in [0, 2 * (6 * 4000 + 4096) - 1] {
            assert_refused("limits.outbox_bytes", |config| config.limits.outbox_bytes = outbox);
            assert_refused("limits.outbox_bytes", |config| {
                config.limits.frame_bytes = config.limits.message_bytes();
                config.limits.outbox_bytes = outbox;
            });
        }
    }
}
