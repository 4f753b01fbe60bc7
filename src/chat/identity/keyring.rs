//! The cluster's secrets as this node knows them: one signs tokens, earlier ones still verify them. They are
//! configured, or made by the first node and kept in the backend.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use super::tokens::Tokens;
use crate::backend::{NodeSecret, Secrets};
use crate::chat::Chat;
use crate::config::Auth;

/// The secrets with which this node signs and verifies; never shown.
pub(in crate::chat) struct Keyring {
    /// That of the start: the backend remembers log-outs of guests for so long.
    token_ttl: Duration,
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
    pub(in crate::chat) fn new(auth: &Auth) -> Self {
        let Auth { secret, previous_secrets, token_ttl, .. } = auth;
        let is_configured = !secret.is_empty();
        let tokens = is_configured.then(|| Arc::new(Tokens::new(secret, previous_secrets, *token_ttl)));
        let state = State { auth: auth.clone(), shared: None, tokens };
        Self { token_ttl: *token_ttl, state: RwLock::new(state) }
    }

    /// `None` before the secrets are known.
    pub(in crate::chat) fn tokens(&self) -> Option<Arc<Tokens>> {
        self.read().tokens.clone()
    }

    /// A short hash of the secret that signs; empty before it is known.
    pub(in crate::chat) fn fingerprint(&self) -> String {
        self.tokens().map(|tokens| tokens.fingerprint()).unwrap_or_default()
    }

    /// This node's knowledge of the secret that signs.
    pub(in crate::chat) fn secret(&self) -> NodeSecret {
        let state = self.read();
        match &state.shared {
            _ if !state.auth.secret.is_empty() => NodeSecret::Configured,
            Some(shared) => NodeSecret::Shared(shared.current.clone()),
            None => NodeSecret::Unknown,
        }
    }

    /// Goes over to the secrets of the backend. All that this node has signed with stays valid.
    pub(in crate::chat) fn take_in(&self, kept: Secrets) {
        self.write(|state| {
            let Secrets { current, mut earlier } = kept;
            let before = state.shared.take().into_iter();
            earlier.extend(before.flat_map(|before| std::iter::once(before.current).chain(before.earlier)));
            earlier.sort_unstable();
            earlier.dedup();
            earlier.retain(|secret| *secret != current);
            let verifying = [state.auth.previous_secrets.as_slice(), &earlier].concat();
            state.tokens = Some(Arc::new(Tokens::new(&current, &verifying, self.token_ttl)));
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
                state.tokens = Some(Arc::new(Tokens::new(&signing, &verifying, self.token_ttl)));
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
        self.inner.identities.keyring.renew(auth);
    }
}
