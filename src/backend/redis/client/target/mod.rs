//! The target of `redis.url`: one Redis, a master with Sentinels, or a Redis Cluster.

pub mod certificates;

use std::time::Duration;

use redis::TlsCertificates;
use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::TcpKeepalive;
use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisResult};

use self::certificates::Certificates;
use crate::backend::{BackendError, Result};
use crate::config::Redis as Settings;

/// Addresses of the servers, and credentials.
#[derive(Debug, Clone)]
pub enum Target {
    /// `redis://[user:password@]host[:port][/db]`
    One(ConnectionInfo),
    /// `redis-sentinel://[user:password@]host[:port],…/master[/db]`
    Sentinel {
        /// The Sentinels.
        sentinels: Vec<ConnectionInfo>,
        /// Their name of the master.
        master: String,
        /// Credentials for the master; the Sentinels name its address.
        redis: ConnectionInfo,
    },
    /// `redis-cluster://[user:password@]host[:port],…`: some of its servers, which name the others.
    Cluster(Vec<ConnectionInfo>),
}

impl Target {
    /// Reads `redis.url` and the files that TLS needs.
    ///
    /// # Errors
    /// A sentence that never shows the URL: it may hold a password.
    pub fn read(settings: &Settings) -> Result<Self> {
        let tls = Certificates::read(settings)?.tls();
        if settings.url.starts_with("unix:") || settings.url.starts_with("redis+unix:") {
            return Err(unusable("Unix sockets are not supported"));
        }
        let parts = Parts::of(&settings.url)
            .ok_or_else(|| unusable("it does not begin with redis:// or names no host"))?;
        parts.check().map_err(unusable)?;
        let infos = |path: &str| -> Result<Vec<ConnectionInfo>> {
            let info = |host: &&str| parts.info(host, path, &tls).map_err(|error| unusable(error.category()));
            parts.hosts.iter().map(info).collect()
        };
        match parts.kind {
            "" if parts.hosts.len() == 1 => {
                Ok(Self::One(infos(parts.path)?.pop().expect("there is one host")))
            }
            "" => Err(unusable("it names several hosts; say redis-sentinel:// or redis-cluster://")),
            "-cluster" if matches!(parts.path, "" | "0") => Ok(Self::Cluster(infos("")?)),
            "-cluster" => Err(unusable("a Redis Cluster has no databases")),
            "-sentinel" => {
                let (master, db) = parts.path.split_once('/').unwrap_or((parts.path, ""));
                if master.is_empty() {
                    return Err(unusable(
                        "the name of the master is missing: redis-sentinel://host:port/NAME",
                    ));
                }
                let redis = infos(db)?.pop().expect("there is a host");
                let sentinels = infos("")?.into_iter().map(|info| for_sentinels(info, settings)).collect();
                Ok(Self::Sentinel { sentinels, master: master.to_owned(), redis })
            }
            _ => Err(unusable("its beginning is not known")),
        }
    }

    /// The number of the database; always 0 in a Redis Cluster.
    pub fn database(&self) -> i64 {
        match self {
            Self::One(info) | Self::Sentinel { redis: info, .. } => info.redis_settings().db(),
            Self::Cluster(_) => 0,
        }
    }

    /// Hosts and ports, for logs.
    pub fn address(&self) -> String {
        let infos = match self {
            Self::One(info) => std::slice::from_ref(info),
            Self::Sentinel { sentinels, .. } => sentinels,
            Self::Cluster(infos) => infos,
        };
        infos.iter().map(|info| info.addr().to_string()).collect::<Vec<_>>().join(", ")
    }
}

/// Sentinels have users of their own, or none.
fn for_sentinels(info: ConnectionInfo, settings: &Settings) -> ConnectionInfo {
    let mut own = redis::RedisConnectionInfo::default();
    if !settings.sentinel_user.is_empty() {
        own = own.set_username(&settings.sentinel_user);
    }
    if !settings.sentinel_password.is_empty() {
        own = own.set_password(&settings.sentinel_password);
    }
    info.set_redis_settings(own)
}

/// A URL with several hosts, which URL parsers reject.
struct Parts<'a> {
    /// The text between `redis` or `rediss` and `://`.
    kind: &'a str,
    scheme: &'static str,
    /// `user:password@`, or nothing.
    user: &'a str,
    hosts: Vec<&'a str>,
    path: &'a str,
}

impl<'a> Parts<'a> {
    fn of(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let (scheme, kind) = match scheme.strip_prefix("rediss") {
            Some(kind) => ("rediss", kind),
            None => ("redis", scheme.strip_prefix("redis")?),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, hosts) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
        let hosts: Vec<_> = hosts.split(',').filter(|host| !host.is_empty()).collect();
        (!hosts.is_empty()).then_some(Self { kind, scheme, user, hosts, path })
    }

    /// Names an invalid part, without its text where it may be a part of a password.
    fn check(&self) -> std::result::Result<(), &'static str> {
        let is_escaped =
            |text: &str| !text.contains(['@', '/', '?', '#', ' ']) && text.matches(':').count() <= 1;
        if !is_escaped(self.user.trim_end_matches('@')) || self.path.contains('@') {
            return Err("its user or password is not escaped; write @ : / as %40 %3A %2F");
        }
        let port = |host: &str| {
            host.rsplit(']').next().and_then(|tail| tail.rsplit_once(':')).map(|(_, port)| port.to_owned())
        };
        let is_port = |port: String| port.parse::<u16>().is_ok_and(|port| port > 0);
        if !self.hosts.iter().filter_map(|host| port(host)).all(is_port) {
            return Err("a port is no number from 1 to 65535; in a password, write @ : / as %40 %3A %2F");
        }
        let db = match self.kind {
            "-sentinel" => self.path.split_once('/').map_or("", |(_, db)| db),
            _ => self.path,
        };
        match db.is_empty() || db.parse::<u16>().is_ok() {
            true => Ok(()),
            false => Err("the database behind the last / is no number from 0 to 65535"),
        }
    }

    fn info(&self, host: &str, path: &str, tls: &Option<TlsCertificates>) -> RedisResult<ConnectionInfo> {
        let default_port = if self.kind == "-sentinel" { 26379 } else { 6379 };
        // An IPv6 address is in brackets; a port may follow.
        let has_port = host.rsplit(']').next().is_some_and(|tail| tail.contains(':'));
        let port = if has_port { String::new() } else { format!(":{default_port}") };
        let url = format!("{}://{}{host}{port}/{path}", self.scheme, self.user);
        let info = url.into_connection_info()?;
        let info = match tls {
            Some(tls) => Client::build_with_tls(info, tls.clone())?.get_connection_info().clone(),
            None => info,
        };
        Ok(info.set_tcp_settings(tcp_settings()))
    }
}

/// Devices on the path may drop an idle connection (AWS: after 350 s, Azure: 240 s), and a machine may die
/// silently: detected within 35 s.
fn tcp_settings() -> TcpSettings {
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(20))
        .with_interval(Duration::from_secs(5))
        .with_retries(3);
    TcpSettings::default().set_nodelay(true).set_keepalive(keepalive)
}

/// The same credentials for another address, as a cluster or a Sentinel names it.
pub fn at(info: &ConnectionInfo, host: &str, port: u16) -> ConnectionInfo {
    let addr = match info.addr() {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => ConnectionAddr::TcpTls {
            host: host.to_owned(),
            port,
            insecure: *insecure,
            tls_params: tls_params.clone(),
        },
        _ => ConnectionAddr::Tcp(host.to_owned(), port),
    };
    info.clone().set_addr(addr)
}

fn unusable(why: &str) -> BackendError {
    BackendError::Misconfigured(format!(
        "redis.url is no usable URL ({why}); say redis://host:port, redis-sentinel://host:port,…/NAME or \
         redis-cluster://host:port,…"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Result<Target> {
        let mut settings = crate::config::Config::defaults().redis;
        settings.url = url.into();
        Target::read(&settings)
    }

    #[test]
    fn the_scheme_of_a_url_selects_the_kind_of_redis() {
        assert!(
            matches!(target("redis://u:p@h:1/2"), Ok(Target::One(info)) if info.redis_settings().db() == 2)
        );
        let Ok(Target::Sentinel { sentinels, master, redis, .. }) =
            target("redis-sentinel://u:p@a,[::1]:2/chat/3")
        else {
            panic!("Sentinels")
        };
        let addresses: Vec<_> = sentinels.iter().map(|info| info.addr().to_string()).collect();
        assert_eq!((addresses.join(" ").as_str(), master.as_str()), ("a:26379 ::1:2", "chat"));
        assert_eq!((redis.redis_settings().username(), redis.redis_settings().db()), (Some("u"), 3));
        assert_eq!(sentinels[0].redis_settings().password(), None, "Sentinels have users of their own");
        let Ok(Target::Cluster(infos)) = target("rediss-cluster://a:1,b") else { panic!("a cluster") };
        assert_eq!(infos.iter().map(|info| info.addr().to_string()).collect::<Vec<_>>(), ["a:1", "b:6379"]);
        assert!(matches!(infos[0].addr(), ConnectionAddr::TcpTls { .. }));
    }

    #[test]
    fn an_invalid_url_is_refused_without_its_password() {
        for url in [
            "h:1",
            "redis://",
            "redis://p:secret@a,b",
            "redis-sentinel://:secret@a:1",
            "redis-moon://a",
            "redis-cluster://a/1",
            "http://a",
            "redis://a:port",
        ] {
            let error = target(url).expect_err(url).to_string();
            assert!(error.contains("redis.url") && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn an_invalid_part_of_a_url_is_named() {
        for (url, part) in [
            ("redis://h:99999", "port"),
            ("redis://h:0", "port"),
            ("redis://a:1,b:x", "port"),
            ("redis://h/abc", "database"),
            ("redis-sentinel://h/chat/abc", "database"),
            ("redis://:p@ss:w/rd@h", "%40"),
            ("redis://:p/w@h", "%2F"),
            ("redis://:p@w@h", "%40"),
            ("redis+unix:///run/redis.sock", "Unix"),
            ("unix:///run/redis.sock", "Unix"),
        ] {
            let error = target(url).expect_err(url).to_string();
            assert!(error.contains(part) && !error.contains("w@"), "{url}: {error}");
        }
        for url in [
            "redis://u:p%40s%2F@h",
            "redis://[::1]",
            "redis://[::1]:6379/3",
            "redis://:p@h:6379",
            "redis://h/",
        ] {
            target(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        }
    }
}
