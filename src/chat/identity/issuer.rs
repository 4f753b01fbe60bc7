//! Another issuer of tokens, whose keys the settings name (`auth.issuer`). Its file of keys is read again when it changes.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use serde_json::{Map, Value};
use tracing::{info, warn};

use super::jwks::{read_keys, read_public_key};
use super::key::{Expected, Key, moment};
use super::{Identity, RoomScope, Source, crypto};
use crate::chat::Chat;
use crate::config::{AuthIssuer, read_text};
use crate::model::{Author, Role, Timestamp, UserId, Username};
use crate::supervisor::{Supervisor, ticks};

/// How often the file of keys is compared with what was read.
const COMPARE_EVERY: Duration = Duration::from_secs(1);

/// A token that says it was issued so long after now, in milliseconds, does not say when it was.
const FAR_AHEAD_MILLIS: u64 = 24 * 60 * 60 * 1000;

/// The name of a user without a valid name in the issuer's token.
const NAMELESS: &str = "Anonymous";

/// The issuer as the settings of now describe it; a cheap handle.
#[derive(Debug, Clone)]
pub(in crate::chat) struct Issuers(Arc<RwLock<Option<Arc<Issuer>>>>);

/// An issuer and its keys.
#[derive(Debug)]
pub(in crate::chat) struct Issuer {
    settings: AuthIssuer,
    expected: Expected,
    username_chars: usize,
    keys: Vec<Key>,
    /// The text of the file of keys, by which a change is seen.
    file: String,
    /// Whether a token that does not say when it was issued has been logged.
    is_undated_told: AtomicBool,
}

impl Issuers {
    /// The issuer of a start.
    pub(in crate::chat) fn new(issuer: Option<Issuer>) -> Self {
        Self(Arc::new(RwLock::new(issuer.map(Arc::new))))
    }

    fn current(&self) -> Option<Arc<Issuer>> {
        self.0.read().expect("no code panics while it holds this lock").clone()
    }

    pub(in crate::chat) fn set(&self, issuer: Option<Issuer>) {
        *self.0.write().expect("no code panics while it holds this lock") = issuer.map(Arc::new);
    }

    /// The identity that a token of the issuer proves.
    pub(super) fn verify(&self, token: &str) -> Option<Identity> {
        self.current()?.verify(token)
    }

    /// Reads the file of keys again if it has changed.
    ///
    /// # Errors
    /// One sentence; the keys stay as they are.
    fn refresh(&self) -> Result<(), String> {
        let Some(current) = self.current() else { return Ok(()) };
        if current.settings.jwks_file.is_empty() || read_file(&current.settings)? == current.file {
            return Ok(());
        }
        let fresh = Issuer::open(&current.settings, current.username_chars)?;
        info!(
            keys = fresh.as_ref().map_or(0, |issuer| issuer.keys.len()),
            "read the keys of the issuer again"
        );
        self.set(fresh);
        Ok(())
    }

    /// Follows the file of keys until the node stops.
    pub(in crate::chat) async fn follow_file(self, supervisor: Supervisor) {
        let mut ticks = ticks(COMPARE_EVERY);
        let mut complaint = String::new();
        while supervisor.until_stopping(ticks.tick()).await.is_some() {
            let issuers = self.clone();
            let refreshed = tokio::task::spawn_blocking(move || issuers.refresh()).await;
            let error =
                refreshed.map_or_else(|error| error.to_string(), |outcome| outcome.err().unwrap_or_default());
            if !error.is_empty() && error != complaint {
                warn!(%error, "could not read the keys of the issuer again; keeping the current ones");
            }
            complaint = error;
        }
    }
}

impl Issuer {
    /// The issuer that the settings describe, if they do.
    ///
    /// # Errors
    /// One sentence about a key that can't be used.
    pub(in crate::chat) fn open(
        settings: &AuthIssuer,
        username_chars: usize,
    ) -> Result<Option<Self>, String> {
        crypto::install();
        let file = read_file(settings)?;
        let keys = match () {
            () if !settings.jwks_file.is_empty() => read_keys(&file).map_err(|flaw| {
                format!("auth.issuer.jwks_file names {}, which {flaw}", settings.jwks_file)
            })?,
            () if !settings.secret.is_empty() => vec![Key::secret(&settings.secret)],
            () if !settings.public_key.is_empty() => vec![read_public_key(&settings.public_key)?],
            () => return Ok(None),
        };
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let expected = Expected { issuer: given(&settings.issuer), audience: given(&settings.audience) };
        let is_undated_told = AtomicBool::new(false);
        Ok(Some(Self { settings: settings.clone(), expected, username_chars, keys, file, is_undated_told }))
    }

    fn verify(&self, token: &str) -> Option<Identity> {
        let claims =
            self.keys.iter().find_map(|key| key.read::<Map<String, Value>>(token, &self.expected))?;
        let user_id = UserId::parse(&text(claims.get(&self.settings.user_claim)?)?)?;
        let issued_at = match claims.get("iat") {
            None | Some(Value::Null) => None,
            Some(time) => Some(moment(time.as_f64()?)).filter(|issued_at| {
                issued_at.unix_millis() <= Timestamp::now().unix_millis() + FAR_AHEAD_MILLIS
            }),
        };
        if issued_at.is_none() {
            self.tell_undated();
        }
        Some(Identity {
            role: self.role(&claims),
            source: Source::Issuer,
            scope: self.scope(&claims)?,
            generation: 0,
            issued_at,
            expires_at: claims.get("exp").and_then(Value::as_f64).map(moment),
            author: Author { username: self.username(&claims, &user_id), user_id },
        })
    }

    /// A log-out voids the tokens that were issued before, and so every one that does not say when it was.
    fn tell_undated(&self) {
        if !self.is_undated_told.swap(true, Ordering::Relaxed) {
            warn!(
                "a token of the issuer comes without the claim iat, or with one that is days ahead; once its user has logged out, no such token counts"
            );
        }
    }

    /// The name that the issuer gives, if names of users here may be so; or else the user's id.
    fn username(&self, claims: &Map<String, Value>, user_id: &UserId) -> Username {
        let given = claims.get(&self.settings.name_claim).and_then(Value::as_str);
        let names = given.into_iter().chain([user_id.as_str()]);
        let mut names = names.filter_map(|name| Username::parse(name, self.username_chars).ok());
        names.next().unwrap_or_else(|| Username::from_trusted(NAMELESS))
    }

    /// The greatest role that the issuer gives, if any is one of ours.
    fn role(&self, claims: &Map<String, Value>) -> Role {
        let given = claims.get(&self.settings.role_claim);
        let given: Vec<&Value> = match given {
            Some(Value::Array(roles)) => roles.iter().collect(),
            given => given.into_iter().collect(),
        };
        let roles = given.into_iter().filter_map(Value::as_str).filter_map(Role::parse);
        roles.max().unwrap_or(Role::Member)
    }

    /// The rooms that the token is limited to; `None` if the limit can't be read, so that it admits to nothing.
    fn scope(&self, claims: &Map<String, Value>) -> Option<RoomScope> {
        match claims.get(&self.settings.rooms_claim) {
            None => Some(RoomScope::ALL),
            Some(Value::String(room)) => Some(RoomScope::limited_to([room])),
            Some(Value::Array(rooms)) => {
                let rooms: Option<Vec<&str>> = rooms.iter().map(Value::as_str).collect();
                rooms.map(RoomScope::limited_to)
            }
            Some(_) => None,
        }
    }
}

/// A text, or a number as some issuers have for ids.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => number.as_u64().map(|number| number.to_string()),
        _ => None,
    }
}

/// The text of the file of keys; empty if none is named.
fn read_file(settings: &AuthIssuer) -> Result<String, String> {
    match settings.jwks_file.as_str() {
        "" => Ok(String::new()),
        path => read_text("auth.issuer.jwks_file", Path::new(path)).map_err(|error| error.to_string()),
    }
}

impl Chat {
    /// Goes over to the issuer that the settings name now. One whose keys can't be read changes nothing.
    ///
    /// # Errors
    /// One sentence about it.
    pub fn renew_issuer(&self, settings: &AuthIssuer) -> Result<(), String> {
        let issuer = Issuer::open(settings, self.inner.config.limits.username_chars)?;
        self.inner.identities.issuers.set(issuer);
        Ok(())
    }
}
