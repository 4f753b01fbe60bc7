//! The hashing of passwords: argon2id, a few at a time. A hash takes a core for tens of milliseconds, so threads of the
//! blocking pool compute it, and a bounded number of callers waits for them.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;
use tracing::{error, warn};

use super::password::Password;
use crate::backend::PasswordHash;
use crate::config::Passwords as Settings;
use crate::protocol::{ErrorCode, Rejection};
use crate::telemetry::meters;

/// One lane: a caller uses one thread (OWASP, Password Storage Cheat Sheet).
const LANES: u32 = 1;

/// Salt and hash of no password, in base64.
const NO_SALT: &str = "AAAAAAAAAAAAAAAAAAAAAA";
const NO_HASH: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The parameters of new hashes.
#[derive(Debug, Clone)]
pub(super) struct Hasher {
    params: Params,
}

/// The result of comparing a password with a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// They differ, or there is no hash.
    Differs,
    /// They are equal.
    Equal,
    /// They are equal, and the hash was made with other parameters than the present ones.
    EqualAndOutdated,
}

impl Hasher {
    pub(super) fn new(settings: &Settings) -> Self {
        let memory_kib = u32::try_from(settings.memory_kib).unwrap_or(u32::MAX);
        let passes = u32::try_from(settings.passes).unwrap_or(u32::MAX);
        let params =
            Params::new(memory_kib, passes, LANES, None).expect("the ranges of the settings are valid");
        Self { params }
    }

    /// Blocks for tens of milliseconds.
    pub(super) fn hash(&self, password: &Password) -> Result<PasswordHash, argon2::password_hash::Error> {
        meters().password_checks.increment(1);
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone());
        let hash: Phc = argon2.hash_password(password.as_bytes())?;
        Ok(PasswordHash(hash.to_string()))
    }

    /// Blocks for tens of milliseconds, the same for a hash and for none.
    pub(super) fn verify(&self, password: &Password, hash: Option<&PasswordHash>) -> Verdict {
        meters().password_checks.increment(1);
        let none = self.hash_of_none();
        let stored = hash.map_or(&none, |hash| &hash.0);
        let phc = match Phc::new(stored) {
            Ok(phc) => phc,
            Err(error) => {
                error!(%error, "the stored hash of a password can't be read; its account can't log in");
                return Verdict::Differs;
            }
        };
        match Argon2::default().verify_password(password.as_bytes(), &phc) {
            Ok(()) if hash.is_none() => Verdict::Differs,
            Ok(()) if self.is_present(&phc) => Verdict::Equal,
            Ok(()) => Verdict::EqualAndOutdated,
            Err(_) => Verdict::Differs,
        }
    }

    fn is_present(&self, phc: &Phc) -> bool {
        Params::try_from(phc).is_ok_and(|params| {
            let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
            costs(&params) == costs(&self.params)
        })
    }

    fn hash_of_none(&self) -> String {
        let (memory, passes) = (self.params.m_cost(), self.params.t_cost());
        format!("$argon2id$v=19$m={memory},t={passes},p={LANES}${NO_SALT}${NO_HASH}")
    }
}

/// The threads that hash, and the queue for them.
#[derive(Debug)]
pub(in crate::chat) struct HashingPool {
    hasher: Hasher,
    threads: Arc<Semaphore>,
    /// Callers that compute or wait.
    places: Arc<Semaphore>,
}

impl HashingPool {
    pub(in crate::chat) fn new(settings: &Settings) -> Self {
        let threads = match settings.threads {
            0 => std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(4)),
            threads => threads,
        };
        Self {
            hasher: Hasher::new(settings),
            threads: Arc::new(Semaphore::new(threads)),
            places: Arc::new(Semaphore::new(threads + settings.queue)),
        }
    }

    /// Computes the hash of a password.
    ///
    /// # Errors
    /// `unavailable` at once if the queue is full.
    pub(super) async fn hash(&self, password: Password) -> Result<PasswordHash, Rejection> {
        let hashed = self.compute(move |hasher| hasher.hash(&password)).await?;
        hashed.map_err(|error| {
            warn!(%error, "could not hash a password");
            Rejection::new(ErrorCode::Internal, "The server could not hash the password")
        })
    }

    /// Compares a password with a hash; without one it differs, after the same work.
    ///
    /// # Errors
    /// `unavailable` at once if the queue is full.
    pub(super) async fn verify(
        &self,
        password: Password,
        hash: Option<PasswordHash>,
    ) -> Result<Verdict, Rejection> {
        self.compute(move |hasher| hasher.verify(&password, hash.as_ref())).await
    }

    /// A caller that gives up while it waits frees its place; a computation under way keeps its thread to the end.
    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Hasher) -> T + Send + 'static,
    ) -> Result<T, Rejection> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| {
            Rejection::new(ErrorCode::Unavailable, "Too many passwords are being checked; try again")
        })?;
        let waiting = Waiting::begin();
        let thread = self.threads.clone().acquire_owned().await.expect("the semaphore is never closed");
        drop(waiting);
        let hasher = self.hasher.clone();
        let computing = tokio::task::spawn_blocking(move || {
            let _held = (place, thread);
            work(&hasher)
        });
        computing.await.map_err(|error| {
            error!(%error, "the computation of a hash failed");
            Rejection::new(ErrorCode::Internal, "The server could not check the password")
        })
    }
}

/// A caller in the queue, as far as the metric goes.
struct Waiting;

impl Waiting {
    fn begin() -> Self {
        meters().passwords_waiting.increment(1.0);
        Self
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        meters().passwords_waiting.decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(passes: usize) -> Settings {
        Settings { memory_kib: 7168, passes, threads: 1, queue: 1 }
    }

    #[test]
    fn a_password_is_equal_to_its_own_hash_alone() {
        let hasher = Hasher::new(&settings(1));
        let [right, wrong] = ["correct horse", "battery staple"].map(Password::new);
        let hash = hasher.hash(&right).unwrap();
        assert!(hash.0.starts_with("$argon2id$v=19$m=7168,t=1,p=1$"), "{}", hash.0);
        assert_ne!(hash, hasher.hash(&right).unwrap(), "each has a salt of its own");
        assert_eq!(hasher.verify(&right, Some(&hash)), Verdict::Equal);
        assert_eq!(hasher.verify(&wrong, Some(&hash)), Verdict::Differs);
        assert_eq!(hasher.verify(&right, None), Verdict::Differs);
        assert_eq!(hasher.verify(&right, Some(&PasswordHash("no hash".into()))), Verdict::Differs);
        let later = Hasher::new(&settings(2));
        assert_eq!(later.verify(&right, Some(&hash)), Verdict::EqualAndOutdated);
        assert_eq!(later.verify(&wrong, Some(&hash)), Verdict::Differs);
    }

    #[test]
    fn no_password_is_compared_with_a_hash_of_the_same_cost() {
        let hasher = Hasher::new(&settings(3));
        let hash = hasher.hash_of_none();
        let phc = Phc::new(&hash).unwrap();
        assert!(hasher.is_present(&phc));
        assert_eq!(phc.hash.unwrap().as_bytes().len(), 32, "as long as that of a password");
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let pool = HashingPool::new(&settings(1));
        let busy = pool.threads.clone().acquire_owned().await.unwrap();
        let password = || Password::new("correct horse");
        let mut waiting = Vec::new();
        for _ in 0..2 {
            let mut caller = Box::pin(pool.verify(password(), None));
            assert!(futures_util::poll!(&mut caller).is_pending());
            waiting.push(caller);
        }
        let refusal = pool.verify(password(), None).await.unwrap_err();
        assert_eq!(refusal.code, ErrorCode::Unavailable);
        assert!(refusal.retry_after.is_some());
        // A caller that gives up frees its place.
        waiting.pop();
        let mut next = Box::pin(pool.verify(password(), None));
        assert!(futures_util::poll!(&mut next).is_pending());
        drop(busy);
        assert_eq!(waiting.pop().unwrap().await, Ok(Verdict::Differs));
        assert_eq!(next.await, Ok(Verdict::Differs));
    }
}
