//! The table of all settings: the type, range and example of each, and why its range ends where it does. Its default and a
//! line about it are in `config/default.toml`.

use std::time::Duration;

use super::error::ConfigError;
use super::layers::Layers;
use super::ranges::{
    Address, Bind, Claim, Format, Level, LogFormat, NetworkList, Networks, Number, Openness, OriginList,
    Origins, PublicKey, Range, Registration, Secret, SecretList, Text, Time, YesNo,
};

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MANY_YEARS: Duration = Duration::from_secs(3650 * 24 * 60 * 60);

const fn time(least: Duration, most: Duration) -> Time {
    Time { least, most }
}

const fn number(least: usize, most: usize) -> Number {
    Number { least, most }
}

const fn text(most_chars: usize) -> Text {
    Text { most_chars, without: &[], is_secret: false }
}

/// The range of `redis.url`, which may hold a password.
pub(super) const URL: Text = Text { most_chars: 4096, without: &[], is_secret: true };
/// The range of `redis.sentinel_password`.
pub(super) const SENTINEL_PASSWORD: Text = Text { most_chars: 1024, without: &[], is_secret: true };
/// The range of `files.s3_secret_key`.
pub(super) const S3_SECRET_KEY: Text = Text { most_chars: 1024, without: &[], is_secret: true };
/// The range of `auth.secret`.
pub(super) const SECRET: Secret = Secret;
/// Secrets that this table or an earlier one has shown: they are known to all.
pub(super) const EXAMPLE_SECRETS: [&str; 2] =
    ["the output of: openssl rand -hex 32", "0123456789abcdef0123456789abcdef"];
/// The range of `auth.previous_secrets`.
pub(super) const SECRETS: SecretList = SecretList;

/// A setting as sentences and documents tell of it.
#[derive(Debug)]
pub struct Entry {
    /// `section.key`.
    pub key: &'static str,
    /// Its range, as a sentence.
    pub takes: String,
    /// Its least and its greatest value, as TOML writes them.
    pub ends: [String; 2],
    /// A value that it takes, as TOML writes it.
    pub example: &'static str,
    /// Why the range ends where it does.
    pub reason: &'static str,
    /// Whether its value is never shown.
    pub is_secret: bool,
}

macro_rules! settings {
    ($($path:literal $section:ident: $name:ident { $($key:ident: $type:ty = $range:expr, $example:literal, $reason:literal;)* })*) => {
        $(
            #[doc = concat!("The section `", $path, "` of `config/default.toml`.")]
            #[derive(Debug, Clone)]
            #[allow(missing_docs, reason = "config/default.toml documents every key")]
            pub struct $name {
                $(pub $key: $type,)*
            }
        )*

        /// All settings.
        #[derive(Debug, Clone)]
        #[allow(missing_docs, reason = "each is a section of config/default.toml")]
        pub struct Config {
            $(pub $section: $name,)*
        }

        impl Config {
            pub(super) fn read(layers: &Layers) -> Result<Self, ConfigError> {
                let mut entries = table().into_iter();
                let mut next = || entries.next().expect("the table has an entry for each setting");
                Ok(Self {
                    $($section: $name { $($key: layers.read(next(), &$range)?,)* },)*
                })
            }
        }

        /// All settings, in the order of the sections.
        pub fn table() -> Vec<Entry> {
            vec![$($({
                let range = $range;
                Entry {
                    key: concat!($path, ".", stringify!($key)),
                    takes: range.takes(),
                    ends: range.ends(),
                    example: $example,
                    reason: $reason,
                    is_secret: range.is_secret(),
                }
            },)*)*]
        }

        const SECTIONS: &[&str] = &[$($path,)*];
        const KEYS: &[&str] = &[$($(concat!($path, ".", stringify!($key)),)*)*];
    };
}

settings! {
    "server" server: Server {
        bind: Bind = Address, r#""0.0.0.0:3000""#, "an IPv6 address stands in brackets";
        drain: Duration = time(Duration::ZERO, HOUR), r#""10s""#, "a deployment waits for it";
        lame_duck: Duration = time(Duration::ZERO, HOUR), r#""3s""#, "a deployment waits for it";
        origins: Origins = OriginList, r#"["https://chat.example"]"#, "browsers send nothing else";
        trusted_proxies: Networks = NetworkList, r#"["10.0.0.0/8"]"#, "each address of a request is compared with all of them";
        header_timeout: Duration = time(SECOND, HOUR), r#""10s""#, "a silent connection holds a descriptor for so long";
        body_timeout: Duration = time(SECOND, HOUR), r#""10s""#, "a silent connection holds a descriptor for so long";
        worker_threads: usize = number(0, 1024), "4", "each is a thread with a stack of its own";
    }
    "http" http: Http {
        public_stats: bool = YesNo, "true", "there is no third way";
    }
    "redis" redis: Redis {
        url: String = URL, r#""redis://127.0.0.1:6379""#, "it is one URL";
        url_file: String = text(4096), r#""/run/secrets/redis_url""#, "it is a path";
        prefix: String = Text { most_chars: 128, without: &['{', '}'], is_secret: false }, r#""adda:""#, "each key begins with it, and braces mark the hash tag of a room";
        command_timeout: Duration = time(10 * MILLISECOND, MINUTE), r#""2s""#, "a sender waits for so long before a refusal";
        connect_timeout: Duration = time(10 * MILLISECOND, MINUTE), r#""1s""#, "a node is not ready for so long when Redis' machine has died";
        pool_size: usize = number(1, 256), "4", "each is a connection to each server, which has a limit of them";
        pool_wait: Duration = time(10 * MILLISECOND, MINUTE), r#""1s""#, "a reader waits for so long before a refusal";
        canary_every: Duration = time(50 * MILLISECOND, MINUTE), r#""1s""#, "each is a command, and a broken subscription goes unnoticed between two";
        canary_late: Duration = time(100 * MILLISECOND, 10 * MINUTE), r#""3s""#, "a broken subscription goes unnoticed for so long";
        feed_queue: usize = number(1, 1_000_000), "4096", "each is held in memory";
        feed_queue_bytes: usize = number(1, 1 << 30), "16777216", "they are held in memory";
        min_replicas_acked: usize = number(0, 100), "1", "each message waits for so many";
        sentinel_user: String = text(1024), r#""adda""#, "it is a name";
        sentinel_password: String = SENTINEL_PASSWORD, r#""correct horse""#, "it is a password";
        sentinel_password_file: String = text(4096), r#""/run/secrets/sentinel_password""#, "it is a path";
        tls_ca: String = text(4096), r#""/etc/adda/ca.pem""#, "it is a path";
        tls_cert: String = text(4096), r#""/etc/adda/node.pem""#, "it is a path";
        tls_key: String = text(4096), r#""/etc/adda/node.key""#, "it is a path";
    }
    "history" history: History {
        max_messages: usize = number(1, 1_000_000), "1000", "Redis holds them in memory";
        max_changes: usize = number(1, 1_000_000), "10000", "Redis holds them in memory";
        ttl: Duration = time(SECOND, MANY_YEARS), r#""30days""#, "it is counted in seconds";
        on_join: usize = number(0, 1000), "50", "no page is longer";
        plain_on_join: usize = number(0, 1000), "5", "no page is longer";
        max_page: usize = number(1, 1000), "200", "a page is held in memory whole";
        verify_every: Duration = time(SECOND, DAY), r#""120s""#, "a silent loss goes unnoticed for so long";
    }
    "messages" messages: Messages {
        editable: Duration = time(Duration::ZERO, MANY_YEARS), r#""24h""#, "it is counted in milliseconds";
    }
    "limits" limits: Limits {
        room_name_chars: usize = number(1, 256), "64", "a name stands in paths, whose head is limited";
        username_chars: usize = number(1, 128), "32", "a token bears the name and is limited to 1,024 bytes";
        content_chars: usize = number(1, 100_000), "4000", "each reader's outbox holds it whole";
        frame_bytes: usize = number(4102, 16 << 20), "65536", "a message in pieces is held in memory";
        sessions: usize = number(0, 10_000_000), "15000", "each is a descriptor and some kilobytes of memory";
        outbox_bytes: usize = number(4 * 4102, 1 << 30), "262144", "each slow reader may hold so much memory";
        rooms_per_session: usize = number(1, 10_000), "128", "a session leaves them one by one";
        unsent_bytes: usize = number(4096, 1 << 30), "2097152", "the kernel holds as much for each reader that stalls";
        reads_in_flight: usize = number(1, 1000), "32", "each may hold a page in Redis' memory";
        posts_in_flight: usize = number(1, 10_000), "64", "each is held in memory";
        replay_bytes: usize = number(1, 1 << 30), "4194304", "a session may make the node send so much at once";
        replay_bytes_per_second: usize = number(1, 1 << 30), "262144", "a session may make the node send so much for ever";
        messages_per_s: usize = number(0, 1_000_000), "5", "each is held in Redis and goes to every session of its room";
        messages_burst: usize = number(1, 1_000_000), "20", "each is held in Redis and goes to every session of its room";
        guest_messages_per_s: usize = number(0, 1_000_000), "50", "each is held in Redis and goes to every session of its room";
        guest_messages_burst: usize = number(1, 1_000_000), "200", "each is held in Redis and goes to every session of its room";
        joins_per_s: usize = number(0, 1_000_000), "50", "each costs Redis some calls and may send a page of history";
        joins_burst: usize = number(1, 1_000_000), "1000", "each costs Redis some calls and may send a page of history";
        searches_per_minute: usize = number(0, 1_000_000), "120", "each may read a thousand messages";
        cursors_per_room: usize = number(100, 1_000_000), "20000", "each is held in Redis";
        connections_per_address: usize = number(0, 10_000_000), "1000", "each is a descriptor and some kilobytes of memory";
        unauthenticated_per_address: usize = number(0, 10_000_000), "256", "each is a descriptor and some kilobytes of memory";
    }
    "session" session: Session {
        ping_every: Duration = time(SECOND, 12 * HOUR), r#""25s""#, "it is counted in seconds, and proxies cut idle connections";
        idle_timeout: Duration = time(2 * SECOND, DAY), r#""60s""#, "it is longer than the ping interval, and a vanished client counts as present for so long";
        message_timeout: Duration = time(SECOND, HOUR), r#""30s""#, "an unfinished message holds its memory for so long";
        write_timeout: Duration = time(SECOND, HOUR), r#""10s""#, "a reader that takes nothing holds its memory for so long";
    }
    "presence" presence: Presence {
        lease: Duration = time(100 * MILLISECOND, 10 * MINUTE), r#""5s""#, "a dead node's sessions are counted for so long";
        renew_every: Duration = time(50 * MILLISECOND, MINUTE), r#""1s""#, "each is a command, and a start waits for one";
        announce_up_to: usize = number(0, 100_000), "200", "a notice goes to every session of the room";
        leave_grace: Duration = time(Duration::ZERO, HOUR), r#""10s""#, "Redis remembers each broken session for so long";
        typing_every: Duration = time(Duration::ZERO, HOUR), r#""3s""#, "it spaces notices of one user";
        unsubscribe_after: Duration = time(Duration::ZERO, HOUR), r#""5s""#, "an empty room costs its traffic for so long";
        verify_every: Duration = time(SECOND, DAY), r#""300s""#, "a spoiled room may stay so for so long";
    }
    "auth" auth: Auth {
        secret: String = SECRET, r#""the output of: openssl rand -hex 32""#, "a shorter one can be guessed";
        secret_file: String = text(4096), r#""/run/secrets/adda""#, "it is a path";
        previous_secrets: Vec<String> = SECRETS, r#"["the output of: openssl rand -hex 32"]"#, "a shorter one can be guessed";
        previous_secrets_file: String = text(4096), r#""/run/secrets/adda_previous""#, "it is a path";
        logins_per_minute: usize = number(0, 10_000), "10", "each costs a processor a moment, and shows whether a password is right";
        registrations_per_minute: usize = number(0, 10_000), "5", "each may send as much as any user";
        token_ttl: Duration = time(SECOND, MANY_YEARS), r#""30days""#, "it is counted in seconds";
        guests: bool = YesNo, "true", "there is no third way";
        guests_may_whisper: bool = YesNo, "true", "there is no third way";
        registration: Registration = Openness, r#""closed""#, "there is no third way";
        timeout: Duration = time(SECOND, HOUR), r#""10s""#, "an unknown client holds a session for so long";
    }
    "auth.issuer" auth_issuer: AuthIssuer {
        jwks_file: String = text(4096), r#""/etc/adda/jwks.json""#, "it is a path";
        secret: String = SECRET, r#""the output of: openssl rand -hex 32""#, "a shorter one can be guessed";
        secret_file: String = text(4096), r#""/run/secrets/issuer""#, "it is a path";
        public_key: String = PublicKey, r#""-----BEGIN PUBLIC KEY-----\n…\n-----END PUBLIC KEY-----""#, "other keys and algorithms are not in use for tokens";
        issuer: String = text(1024), r#""https://login.example""#, "it is compared with a claim";
        audience: String = text(1024), r#""adda""#, "it is compared with a claim";
        user_claim: String = Claim, r#""sub""#, "it is the name of a claim";
        name_claim: String = Claim, r#""name""#, "it is the name of a claim";
        role_claim: String = Claim, r#""role""#, "it is the name of a claim";
        rooms_claim: String = Claim, r#""rooms""#, "it is the name of a claim";
    }
    "moderation" moderation: Moderation {
        audit_entries: usize = number(1, 10_000_000), "100000", "Redis holds them in memory";
    }
    "files" files: Files {
        url: String = text(4096), r#""s3://bucket/prefix""#, "it is a path or an URL";
        max_bytes: usize = number(1, 1 << 40), "10485760", "an upload takes the time of its sender and space in the storage";
        per_user_per_day: usize = number(0, 1 << 50), "209715200", "they are stored for as long as their messages";
        orphan_after: Duration = time(SECOND, 30 * DAY), r#""1h""#, "they are stored for nobody for so long";
        sweep_every: Duration = time(100 * MILLISECOND, DAY), r#""60s""#, "each asks Redis for some rooms, and files that nobody needs are stored for so long";
        uploads_in_flight: usize = number(1, 10_000), "16", "each holds a part of its file in memory";
        s3_endpoint: String = text(1024), r#""https://minio.example:9000""#, "it is an URL";
        s3_region: String = text(64), r#""eu-central-1""#, "it is a name";
        s3_access_key: String = text(1024), r#""AKIAIOSFODNN7EXAMPLE""#, "it is a name";
        s3_secret_key: String = S3_SECRET_KEY, r#""correct horse""#, "it is a password";
        s3_secret_key_file: String = text(4096), r#""/run/secrets/s3""#, "it is a path";
    }
    "notifications" notifications: Notifications {
        ttl: Duration = time(SECOND, MANY_YEARS), r#""7days""#, "Redis holds each for so long";
        max_ttl: Duration = time(SECOND, MANY_YEARS), r#""30days""#, "Redis holds each for so long";
        kept: usize = number(1, 1000), "50", "a user who comes back is sent them all";
        schedules: usize = number(0, 10_000), "100", "Redis holds them in memory";
    }
    "passwords" passwords: Passwords {
        memory_kib: usize = number(7168, 1 << 20), "19456", "less is cheap to guess with, and each computation takes as much";
        passes: usize = number(1, 100), "2", "each takes as long as the one before";
        threads: usize = number(0, 64), "2", "each takes a core from the messages while it computes";
        queue: usize = number(0, 1000), "32", "the last one waits for all others";
    }
    "log" log: Log {
        level: String = Level, r#""info,adda::ws=debug""#, "another word would silence the node";
        format: LogFormat = Format, r#""json""#, "there are no other formats";
        queue: usize = number(1, 1_000_000), "4096", "each is held in memory";
    }
}

/// Whether a section has this name.
pub(super) fn is_section(name: &str) -> bool {
    SECTIONS.contains(&name)
}

/// Whether a setting has this name, `section.key`.
pub(super) fn is_setting(key: &str) -> bool {
    KEYS.contains(&key)
}

/// The setting whose name is most like this one, which may lack its section.
pub(super) fn closest(name: &str) -> &'static str {
    let likeness = |key: &str| {
        let bare = key.rsplit('.').next().unwrap_or_default();
        strsim::jaro_winkler(key, name).max(strsim::jaro_winkler(bare, name))
    };
    KEYS.iter().copied().max_by(|a, b| likeness(a).total_cmp(&likeness(b))).expect("there are settings")
}
