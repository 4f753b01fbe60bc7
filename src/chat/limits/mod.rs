//! How often somebody may do something: messages, attempts to log in and new accounts, counted in the cluster; joins and connections,
//! counted on this node. Each setting may change while the node runs, and 0 is no limit.

mod allowance;
mod asking;
mod connections;
mod messages;
mod refusals;
mod shares;
mod table;

use std::fmt;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use self::allowance::Step;
use self::asking::{Asker, Buckets, CURSORS, MY_ROOMS, NOTIFICATIONS, REPORTS, take_from};
pub use self::connections::ClientSession;
use self::connections::{Connections, Full};
use self::messages::Meter;
pub use self::refusals::{Pace, Refusals};
pub(super) use self::shares::Shares;
use self::table::Table;
use super::{Chat, Identity, Source};
use crate::backend::{Quota, Rate};
use crate::config::Config;
use crate::model::{Claimant, Skeleton, UserId, hex};
use crate::protocol::{ClientAddress, ErrorCode, Rejection};
use crate::supervisor::ticks;
use crate::telemetry::{Limit, LimitTable, count_limited, measure_limits};

/// Time between two searches for what can be forgotten.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// Log-ins from an address, as a multiple of those to an account: an office has one address.
const LOGINS_OF_ADDRESS: u32 = 10;

/// Accounts that an address may make at once, as a multiple of those in a minute: a class makes its own together.
const REGISTRATIONS_AT_ONCE: usize = 10;

const MINUTE: Duration = Duration::from_secs(60);

/// The limits of a node, and what they count.
#[derive(Debug)]
pub(super) struct Limits {
    rates: RwLock<Rates>,
    users: Meter<UserId>,
    addresses: Meter<ClientAddress>,
    joins: Buckets<ClientAddress>,
    searches: Buckets<Asker>,
    cursors: Buckets<UserId>,
    reports: Buckets<Asker>,
    my_rooms: Buckets<Asker>,
    notifications: Buckets<Asker>,
    connections: Connections,
}

/// The settings as they are now. `None`: no limit.
#[derive(Debug, Clone, Copy)]
struct Rates {
    messages: Option<Rate>,
    guest_messages: Option<Rate>,
    joins: Option<Rate>,
    searches: Option<Rate>,
    account_logins: Option<Rate>,
    address_logins: Option<Rate>,
    registrations: Option<Rate>,
    connections: usize,
    unidentified: usize,
}

impl Rates {
    fn new(config: &Config) -> Self {
        let (limits, logins) = (&config.limits, config.auth.logins_per_minute);
        let registrations = config.auth.registrations_per_minute;
        Self {
            messages: rate(limits.messages_per_s, Duration::from_secs(1), limits.messages_burst),
            guest_messages: rate(
                limits.guest_messages_per_s,
                Duration::from_secs(1),
                limits.guest_messages_burst,
            ),
            joins: rate(limits.joins_per_s, Duration::from_secs(1), limits.joins_burst),
            searches: rate(limits.searches_per_minute, MINUTE, limits.searches_per_minute),
            account_logins: rate(logins, MINUTE, logins),
            address_logins: rate(
                logins * LOGINS_OF_ADDRESS as usize,
                MINUTE,
                logins * LOGINS_OF_ADDRESS as usize,
            ),
            registrations: rate(registrations, MINUTE, registrations * REGISTRATIONS_AT_ONCE),
            connections: limits.connections_per_address,
            unidentified: limits.unauthenticated_per_address,
        }
    }
}

fn rate(count: usize, per: Duration, burst: usize) -> Option<Rate> {
    let count = u32::try_from(count).ok().filter(|count| *count > 0)?;
    Some(Rate { every: per / count, burst: u32::try_from(burst).unwrap_or(u32::MAX).max(1) })
}

/// Whether a message may be posted.
pub enum Admission {
    /// This node knows.
    Decided(Result<(), Rejection>),
    /// The cluster is asked. The sender's next message waits until then.
    Asked(BoxFuture<'static, Result<(), Rejection>>),
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decided(decided) => f.debug_tuple("Decided").field(decided).finish(),
            Self::Asked(_) => f.write_str("Asked"),
        }
    }
}

impl Admission {
    /// The decision.
    ///
    /// # Errors
    /// `too_fast`
    pub async fn decided(self) -> Result<(), Rejection> {
        match self {
            Self::Decided(decided) => decided,
            Self::Asked(asking) => asking.await,
        }
    }
}

impl Limits {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            rates: RwLock::new(Rates::new(config)),
            users: Meter::new(),
            addresses: Meter::new(),
            joins: Table::new(),
            searches: Table::new(),
            cursors: Table::new(),
            reports: Table::new(),
            my_rooms: Table::new(),
            notifications: Table::new(),
            connections: Connections::default(),
        }
    }

    fn rates(&self) -> Rates {
        // A copy is whole, whatever happened to a writer.
        *self.rates.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Divides what passes without asking among the nodes of the cluster.
    pub(super) fn divide_by(&self, nodes: usize) {
        let nodes = u32::try_from(nodes).unwrap_or(u32::MAX);
        self.users.divide_by(nodes);
        self.addresses.divide_by(nodes);
    }

    /// A node claims tokens of the cluster.
    pub(super) fn on_claim(&self, claimant: &Claimant) {
        let rates = self.rates();
        match claimant {
            Claimant::User(user) => {
                if let Some(rate) = rates.messages {
                    self.users.hold(user, rate);
                }
            }
            Claimant::Guests(network) => {
                if let Some(rate) = rates.guest_messages {
                    self.addresses.hold(&ClientAddress::new(*network), rate);
                }
            }
        }
    }

    fn sweep(&self) {
        let rates = self.rates();
        self.users.sweep(rates.messages);
        self.addresses.sweep(rates.guest_messages);
        match rates.joins {
            Some(rate) => self.joins.sweep(rate.window(), Instant::now()),
            None => self.joins.clear(),
        }
        match rates.searches {
            Some(rate) => self.searches.sweep(rate.window(), Instant::now()),
            None => self.searches.clear(),
        }
        self.cursors.sweep(CURSORS.window(), Instant::now());
        self.reports.sweep(REPORTS.window(), Instant::now());
        self.my_rooms.sweep(MY_ROOMS.window(), Instant::now());
        self.notifications.sweep(NOTIFICATIONS.window(), Instant::now());
        self.measure();
    }

    fn measure(&self) {
        measure_limits(LimitTable::Users, self.users.len());
        measure_limits(LimitTable::GuestAddresses, self.addresses.len());
        measure_limits(LimitTable::Joins, self.joins.len());
        measure_limits(LimitTable::Searches, self.searches.len());
        measure_limits(LimitTable::Cursors, self.cursors.len());
        measure_limits(LimitTable::Connections, self.connections.len());
    }
}

impl Chat {
    /// Counts a message that is about to be posted against its user's limit, and that of the address if the user is a guest.
    /// A message that is refused costs nothing.
    pub fn admit_post(&self, identity: &Identity, address: ClientAddress) -> Admission {
        let limits = &self.inner.limits;
        let rates = limits.rates();
        let user = &identity.author.user_id;
        let is_guest = identity.source == Source::Guest;
        let guest_rate = rates.guest_messages.filter(|_| is_guest);
        match rates.messages.map(|rate| limits.users.step(user, rate)) {
            None | Some(Step::Pass) => {}
            Some(Step::Refuse(wait)) => return Admission::Decided(Err(too_fast(Limit::Messages, wait))),
            Some(Step::Claim) => return self.ask(user.clone(), address, guest_rate),
        }
        let give_back = || {
            if let Some(rate) = rates.messages {
                limits.users.give_back(user, rate);
            }
        };
        match guest_rate.map(|rate| limits.addresses.step(&address, rate)) {
            None | Some(Step::Pass) => Admission::Decided(Ok(())),
            Some(Step::Refuse(wait)) => {
                give_back();
                Admission::Decided(Err(too_fast(Limit::GuestMessages, wait)))
            }
            Some(Step::Claim) => {
                give_back();
                self.ask(user.clone(), address, guest_rate)
            }
        }
    }

    fn ask(&self, user: UserId, address: ClientAddress, guest_rate: Option<Rate>) -> Admission {
        let chat = self.clone();
        Admission::Asked(Box::pin(async move {
            let (limits, backend) = (&chat.inner.limits, &chat.inner.backend);
            let rate = limits.rates().messages;
            if let Some(rate) = rate {
                let quota = Quota::UserMessages(user.clone());
                let announce = async || backend.tell_claim(Claimant::User(user.clone())).await;
                let taken = limits.users.take(&user, rate, quota, &*backend.quotas, announce).await;
                taken.map_err(|wait| too_fast(Limit::Messages, wait))?;
            }
            let Some(guest_rate) = guest_rate else { return Ok(()) };
            let quota = Quota::AddressMessages(address.to_string());
            let announce = async || backend.tell_claim(Claimant::Guests(address.network())).await;
            let taken = limits.addresses.take(&address, guest_rate, quota, &*backend.quotas, announce).await;
            taken.map_err(|wait| {
                if let Some(rate) = rate {
                    limits.users.give_back(&user, rate);
                }
                too_fast(Limit::GuestMessages, wait)
            })
        }))
    }

    /// Counts a join of a session from this address.
    ///
    /// # Errors
    /// `too_fast`
    pub fn admit_join(&self, address: ClientAddress) -> Result<(), Rejection> {
        let limits = &self.inner.limits;
        let Some(rate) = limits.rates().joins else { return Ok(()) };
        take_from(&limits.joins, &address, rate).map_err(|wait| too_fast(Limit::Joins, wait))
    }

    /// Counts a session from this address, for as long as the result lives.
    ///
    /// # Errors
    /// `too_fast`
    pub fn admit_connection(&self, address: ClientAddress) -> Result<ClientSession, Rejection> {
        let rates = self.inner.limits.rates();
        let entered = self.inner.limits.connections.enter(address, rates.connections, rates.unidentified);
        entered.map_err(|full| {
            let limit = match full {
                Full::Connections => Limit::Connections,
                Full::Unidentified => Limit::Unauthenticated,
            };
            // At random, so that those who were refused together do not come back together.
            too_fast(limit, Duration::from_millis(fastrand::u64(1_000..=5_000)))
        })
    }

    /// Counts an attempt to log in, right or wrong, against the limits of the address and of the account, in the cluster.
    /// `name`: the one that was given, whether there is such an account or not.
    ///
    /// # Errors
    /// `too_fast`, or `unavailable`: without the backend there are no accounts.
    pub(super) async fn admit_login(&self, address: ClientAddress, name: &Skeleton) -> Result<(), Rejection> {
        // The address comes first: one that is refused does not use up what the account's owner may try.
        let rate = self.inner.limits.rates().address_logins;
        self.take_login(Limit::AddressLogins, rate, Quota::AddressLogins(address.to_string())).await?;
        self.admit_login_to(name).await
    }

    /// Counts it against the limit of the account alone.
    pub(super) async fn admit_login_to(&self, name: &Skeleton) -> Result<(), Rejection> {
        let rate = self.inner.limits.rates().account_logins;
        // A password may stand in the place of the name, and is not stored.
        let account = hex(&Sha256::digest(name.as_str()));
        self.take_login(Limit::AccountLogins, rate, Quota::AccountLogins(account)).await
    }

    async fn take_login(&self, limit: Limit, rate: Option<Rate>, quota: Quota) -> Result<(), Rejection> {
        let Some(rate) = rate else { return Ok(()) };
        let grant = self.inner.backend.quotas.take(&quota, rate, 0, 1).await?;
        if grant.granted == 0 { Err(too_fast(limit, grant.retry_after)) } else { Ok(()) }
    }

    /// Counts an account that is about to be made from this address, in the cluster. Each may send as much as a user may, so an
    /// address that makes many would have no limit of messages.
    ///
    /// # Errors
    /// `too_fast`, `unavailable`.
    pub(super) async fn admit_registration(&self, address: ClientAddress) -> Result<(), Rejection> {
        let Some(rate) = self.inner.limits.rates().registrations else { return Ok(()) };
        let quota = Quota::AddressRegistrations(address.to_string());
        let grant = self.inner.backend.quotas.take(&quota, rate, 0, 1).await?;
        if grant.granted == 0 {
            return Err(too_fast(Limit::Registrations, grant.retry_after));
        }
        Ok(())
    }

    /// Takes over the settings in `limits` and `auth` that count how often something happens.
    pub fn renew_limits(&self, config: &Config) {
        let limits = &self.inner.limits;
        *limits.rates.write().unwrap_or_else(PoisonError::into_inner) = Rates::new(config);
        limits.joins.clear();
        limits.searches.clear();
    }

    /// Forgets what limits no longer need, until the node stops.
    pub(super) async fn keep_limits(self) {
        let supervisor = self.inner.supervisor.clone();
        let mut ticks = ticks(SWEEP_EVERY);
        while supervisor.until_stopping(ticks.tick()).await.is_some() {
            self.inner.limits.sweep();
        }
    }

    /// Brings the metrics of the limits up to date.
    pub(super) fn measure_limits(&self) {
        self.inner.limits.measure();
    }
}

fn too_fast(limit: Limit, wait: Duration) -> Rejection {
    count_limited(limit);
    let sentence = match limit {
        Limit::Messages => "You are sending too fast; wait a moment",
        Limit::GuestMessages => "Guests of your network are sending too fast; wait a moment",
        Limit::Joins => "Sessions of your network are joining rooms too fast; wait a moment",
        Limit::Searches => "You are searching too often; wait a moment",
        Limit::Cursors => "You are saying too often what you have read; wait a moment",
        Limit::Reports => "You are reporting too often; wait a moment",
        Limit::Notifications => "You are asking too often for notifications; wait a moment",
        Limit::MyRooms => "You are asking too often for your rooms; wait a moment",
        Limit::Connections => "Your network has too many sessions on this node; close one, or wait a moment",
        Limit::Unauthenticated => {
            "Your network has too many sessions on this node that have no user yet; wait a moment"
        }
        Limit::AccountLogins | Limit::AddressLogins => "Too many attempts to log in; wait a moment",
        Limit::Registrations => "Too many accounts were made in your network; wait a moment",
    };
    // At least a millisecond: 0 means that waiting does not help.
    Rejection::new(ErrorCode::TooFast, sentence).retry_in(wait.max(Duration::from_millis(1)))
}
