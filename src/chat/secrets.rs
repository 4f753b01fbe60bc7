//! The cluster's secrets as this node knows them: one signs tokens, earlier ones still verify them. They are
//! configured, or made by the first node and kept in the backend.

use std::sync::{Arc, RwLock};

use tracing::warn;
use uuid::Uuid;

use super::Chat;
use super::tokens::Tokens;
use crate::backend::{BackendError, Secrets};
use crate::config::Auth;

/// What this node signs and verifies with; never shown.
pub(super) struct Keyring {
    state: RwLock<State>,
}

struct State {
    auth: Auth,
    /// Those that the backend keeps, if none is configured.
    shared: Option<Secrets>,
    /// Nothing before the secrets are known.
    tokens: Option<Arc<Tokens>>,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyring")
    }
}

impl Keyring {
    pub(super) fn new(auth: &Auth) -> Self {
        Self { state: RwLock::new(State { auth: auth.clone(), shared: None, tokens: None }) }
    }

    /// `None` before the secrets are known.
    pub(super) fn tokens(&self) -> Option<Arc<Tokens>> {
        self.read().tokens.clone()
    }

    /// A short hash of the secret that signs; empty before it is known.
    pub(super) fn fingerprint(&self) -> String {
        self.tokens().map(|tokens| tokens.fingerprint()).unwrap_or_default()
    }

    fn is_configured(&self) -> bool {
        !self.read().auth.secret.is_empty()
    }

    /// The secret of the backend that this node signs with.
    fn shared(&self) -> Option<String> {
        self.read().shared.as_ref().map(|secrets| secrets.current.clone())
    }

    /// Begins to sign with the configured secret.
    fn open(&self) {
        self.write(|state| {
            let Auth { secret, previous_secrets, token_ttl, .. } = &state.auth;
            state.tokens = Some(Arc::new(Tokens::new(secret, previous_secrets, *token_ttl)));
        });
    }

    /// Goes over to the secrets of the backend. All that this node has signed with stays valid.
    fn take_in(&self, kept: Secrets) {
        self.write(|state| {
            let Secrets { current, mut earlier } = kept;
            let before = state.shared.take().into_iter();
            earlier.extend(before.flat_map(|before| std::iter::once(before.current).chain(before.earlier)));
            earlier.sort_unstable();
            earlier.dedup();
            earlier.retain(|secret| *secret != current);
            let verifying = [state.auth.previous_secrets.as_slice(), &earlier].concat();
            state.tokens = Some(Arc::new(Tokens::new(&current, &verifying, state.auth.token_ttl)));
            state.shared = Some(Secrets { current, earlier });
        });
    }

    /// Goes over to the configured secrets of now. The secret that signed until then stays valid if it is named among
    /// those before, or was the backend's. One that is no longer configured goes on signing: only a start asks the backend.
    fn renew(&self, auth: &Auth) {
        self.write(|state| {
            let shared =
                state.shared.iter().flat_map(|shared| shared.earlier.iter().chain([&shared.current]));
            let verifying: Vec<String> = auth.previous_secrets.iter().chain(shared).cloned().collect();
            let signing = match (auth.secret.as_str(), &state.shared) {
                ("", Some(shared)) => Some(shared.current.clone()),
                ("", None) => None,
                (configured, _) => Some(configured.to_owned()),
            };
            if let Some(signing) = signing.filter(|_| state.tokens.is_some()) {
                state.tokens = Some(Arc::new(Tokens::new(&signing, &verifying, auth.token_ttl)));
            }
            if !auth.secret.is_empty() || state.auth.secret.is_empty() {
                state.auth = auth.clone();
            }
        });
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, State> {
        self.state.read().expect("no code panics while it holds this lock")
    }

    fn write(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.write().expect("no code panics while it holds this lock"));
    }
}

impl Chat {
    /// Goes over to the secrets that the settings name now.
    pub fn renew_secrets(&self, auth: &Auth) {
        self.inner.keyring.renew(auth);
    }

    /// Learns the cluster's secrets, or makes the first one. To be called once all nodes that live have given back
    /// what the backend may have forgotten: a second secret would make strangers of users.
    pub(super) async fn learn_secrets(&self) -> Result<(), BackendError> {
        let (keyring, backend) = (&self.inner.keyring, &self.inner.backend);
        if keyring.tokens().is_some() {
            return Ok(());
        }
        if keyring.is_configured() {
            keyring.open();
            return Ok(());
        }
        let kept = match backend.cluster.secrets().await? {
            Some(kept) => kept,
            None => backend.cluster.keep_secret(&new_secret()).await?,
        };
        keyring.take_in(kept);
        Ok(())
    }

    /// Gives the secret back to a backend that may have forgotten it, and learns those that other nodes have given.
    pub(super) async fn share_secrets(&self) -> Result<(), BackendError> {
        let keyring = &self.inner.keyring;
        if keyring.is_configured() {
            return Ok(());
        }
        let Some(own) = keyring.shared() else { return Ok(()) };
        let kept = self.inner.backend.cluster.keep_secret(&own).await?;
        if kept.current != own {
            warn!(
                "The cluster signs tokens with another secret than this node did; it goes over to that one and accepts both"
            );
        }
        keyring.take_in(kept);
        Ok(())
    }
}

/// 256 random bits.
fn new_secret() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}
