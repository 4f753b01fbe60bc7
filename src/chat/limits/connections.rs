//! Sessions by address on this node.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::backend::Release;
use crate::protocol::ClientAddress;

/// The sessions of each address that has some; a cheap handle. It is as large as there are sessions.
#[derive(Debug, Clone, Default)]
pub(super) struct Connections(Arc<Mutex<HashMap<ClientAddress, Count>>>);

#[derive(Debug, Default)]
struct Count {
    open: usize,
    unidentified: usize,
}

/// Which of the two limits an address has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// `limits.connections_per_address`.
    Connections,
    /// `limits.unauthenticated_per_address`.
    Unidentified,
}

/// A session among those of its address, until it is dropped.
#[derive(Debug)]
pub struct ClientSession {
    address: ClientAddress,
    is_identified: bool,
    connections: Connections,
}

impl Connections {
    /// Counts one more, unless there are as many as the limits allow; 0 is no limit.
    pub(super) fn enter(
        &self,
        address: ClientAddress,
        most: usize,
        most_unidentified: usize,
    ) -> Result<ClientSession, Full> {
        let mut counts = self.lock();
        let (open, unidentified) =
            counts.get(&address).map_or((0, 0), |count| (count.open, count.unidentified));
        if most > 0 && open >= most {
            return Err(Full::Connections);
        }
        if most_unidentified > 0 && unidentified >= most_unidentified {
            return Err(Full::Unidentified);
        }
        let count = counts.entry(address).or_default();
        count.open += 1;
        count.unidentified += 1;
        Ok(ClientSession { address, is_identified: false, connections: self.clone() })
    }

    /// Addresses that have sessions.
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ClientAddress, Count>> {
        self.0.lock().expect("no code panics while it holds this lock")
    }
}

impl ClientSession {
    /// Where it comes from.
    pub fn address(&self) -> ClientAddress {
        self.address
    }

    /// The session has a user, by a token or by taking part in a room.
    pub fn identify(&mut self) {
        if !std::mem::replace(&mut self.is_identified, true)
            && let Some(count) = self.connections.lock().get_mut(&self.address)
        {
            count.unidentified -= 1;
        }
    }
}

impl Drop for ClientSession {
    fn drop(&mut self) {
        let mut counts = self.connections.lock();
        let Some(count) = counts.get_mut(&self.address) else { return };
        count.open -= 1;
        count.unidentified -= usize::from(!self.is_identified);
        if count.open == 0 {
            counts.remove(&self.address);
            counts.release();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> ClientAddress {
        ClientAddress::new(std::net::Ipv4Addr::from_bits(number).into())
    }

    #[test]
    fn an_address_has_so_many_sessions_and_so_many_without_a_user() {
        let connections = Connections::default();
        let mut sessions: Vec<_> = (0..2).map(|_| connections.enter(address(1), 3, 2).unwrap()).collect();
        assert_eq!(connections.enter(address(1), 3, 2).err(), Some(Full::Unidentified));
        sessions[0].identify();
        sessions[0].identify();
        sessions.push(connections.enter(address(1), 3, 2).unwrap());
        assert_eq!(connections.enter(address(1), 3, 2).err(), Some(Full::Connections));
        let other = connections.enter(address(2), 3, 2).unwrap();
        sessions.remove(0);
        assert_eq!(connections.enter(address(1), 3, 2).err(), Some(Full::Unidentified));
        sessions.remove(0);
        assert!(connections.enter(address(1), 3, 2).is_ok());
        drop((sessions, other));
        assert_eq!(connections.len(), 0);
    }

    #[test]
    fn addresses_without_sessions_leave_no_memory() {
        let connections = Connections::default();
        let sessions: Vec<_> = (0..100_000).map(|number| connections.enter(address(number), 1, 1)).collect();
        assert_eq!(connections.len(), 100_000);
        drop(sessions);
        assert_eq!(connections.len(), 0);
        assert!(connections.lock().capacity() < 10_000);
    }
}
