//! Counters of the limits of how often something may happen, one series a limit.

use metrics::{counter, describe_counter, describe_gauge, gauge};

/// Describes them, and begins each at 0.
pub(super) fn begin() {
    describe_counter!("adda_limited_total", "Refusals by a limit of how often something may happen");
    for limit in Limit::ALL {
        counter!("adda_limited_total", "limit" => limit.as_str()).absolute(0);
    }
    describe_gauge!("adda_limit_entries", "Users and addresses that limits remember");
    LimitTable::ALL.into_iter().for_each(|table| measure_limits(table, 0));
}

/// A limit of how often something may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Messages of a user.
    Messages,
    /// Messages of the guests of an address.
    GuestMessages,
    /// Joins from an address.
    Joins,
    /// Searches of a user.
    Searches,
    /// Moves of a user's cursors.
    Cursors,
    /// Reports of a user.
    Reports,
    /// Readings of the list of a user's rooms.
    MyRooms,
    /// Readings of a user's notifications, and marks on them.
    Notifications,
    /// Sessions of an address.
    Connections,
    /// Those without a user.
    Unauthenticated,
    /// Attempts to log in to an account.
    AccountLogins,
    /// The same from an address.
    AddressLogins,
    /// Accounts that are made from an address.
    Registrations,
}

impl Limit {
    const ALL: [Self; 13] = [
        Self::Messages,
        Self::GuestMessages,
        Self::Joins,
        Self::Searches,
        Self::Cursors,
        Self::Reports,
        Self::MyRooms,
        Self::Notifications,
        Self::Connections,
        Self::Unauthenticated,
        Self::AccountLogins,
        Self::AddressLogins,
        Self::Registrations,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::GuestMessages => "guest_messages",
            Self::Joins => "joins",
            Self::Searches => "searches",
            Self::Cursors => "cursors",
            Self::Reports => "reports",
            Self::MyRooms => "my_rooms",
            Self::Notifications => "notifications",
            Self::Connections => "connections",
            Self::Unauthenticated => "unauthenticated",
            Self::AccountLogins => "account_logins",
            Self::AddressLogins => "address_logins",
            Self::Registrations => "registrations",
        }
    }
}

/// A table of users or addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitTable {
    /// Users that sent messages lately.
    Users,
    /// Addresses whose guests did.
    GuestAddresses,
    /// Addresses whose sessions joined rooms lately.
    Joins,
    /// Users and addresses that searched lately.
    Searches,
    /// Users whose cursors moved lately.
    Cursors,
    /// Addresses that have sessions.
    Connections,
}

impl LimitTable {
    const ALL: [Self; 6] =
        [Self::Users, Self::GuestAddresses, Self::Joins, Self::Searches, Self::Cursors, Self::Connections];

    fn as_str(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::GuestAddresses => "guest_addresses",
            Self::Joins => "joins",
            Self::Searches => "searches",
            Self::Cursors => "cursors",
            Self::Connections => "connections",
        }
    }
}

/// Counts a refusal by a limit.
pub fn count_limited(limit: Limit) {
    counter!("adda_limited_total", "limit" => limit.as_str()).increment(1);
}

/// Shows the size of a table.
pub fn measure_limits(table: LimitTable, entries: usize) {
    gauge!("adda_limit_entries", "table" => table.as_str()).set(entries as f64);
}
