//! The uploads that a node has under way at once, in all and by caller.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::chat::limits::Shares;
use crate::chat::{Identity, Source};
use crate::model::UserId;
use crate::protocol::{ClientAddress, ErrorCode, Rejection};
use crate::telemetry::{Refusal, count_refused_upload};

/// The part of the slots that one user may hold.
const USER_SHARE: usize = 4;

/// The part of the slots that the guests of one address may hold together.
const GUESTS_SHARE: usize = 2;

/// The slots of a node. Nobody holds all of them: an upload may take long.
#[derive(Debug)]
pub(super) struct UploadSlots {
    most: usize,
    all: Arc<Semaphore>,
    users: Shares<UserId>,
    guests: Shares<ClientAddress>,
}

/// The slot of an upload under way.
#[derive(Debug)]
pub(super) struct UploadSlot {
    _permits: Vec<OwnedSemaphorePermit>,
}

impl UploadSlots {
    pub(super) fn new(most: usize) -> Self {
        let all = Arc::new(Semaphore::new(most));
        Self { most, all, users: Shares::default(), guests: Shares::default() }
    }

    /// A slot, if one is free that the caller may have.
    ///
    /// # Errors
    /// `unavailable`
    pub(super) fn take(&self, by: &Identity, address: ClientAddress) -> Result<UploadSlot, Rejection> {
        let share = |part: usize| (self.most / part).max(1);
        let mut wanted = vec![(self.users.of(by.author.user_id.clone(), share(USER_SHARE)), OWN)];
        if by.source == Source::Guest {
            wanted.push((self.guests.of(address, share(GUESTS_SHARE)), OF_GUESTS));
        }
        wanted.push((self.all.clone(), OF_NODE));
        let mut permits = Vec::with_capacity(wanted.len());
        for (slots, sentence) in wanted {
            permits.push(slots.try_acquire_owned().map_err(|_| {
                count_refused_upload(Refusal::Busy);
                Rejection::new(ErrorCode::Unavailable, sentence)
            })?);
        }
        Ok(UploadSlot { _permits: permits })
    }
}

const OWN: &str = "You are uploading as many files as you may at once; try again in a moment";

const OF_GUESTS: &str =
    "Guests of your network are uploading as many files as they may at once; try again in a moment";

const OF_NODE: &str = "The server takes as many files as it can; try again in a moment";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Username;

    fn guest() -> Identity {
        Identity::guest(Username::from_trusted("x"))
    }

    /// Slots that a caller gets, until one is refused.
    fn takes(slots: &UploadSlots, by: &Identity, address: &str) -> Vec<UploadSlot> {
        let address = ClientAddress::new(address.parse().unwrap());
        std::iter::from_fn(|| slots.take(by, address).ok()).collect()
    }

    #[test]
    fn nobody_holds_all_slots() {
        let slots = UploadSlots::new(16);
        let (one, two, three) = (guest(), guest(), guest());
        let of_one = takes(&slots, &one, "192.0.2.1");
        let of_two = takes(&slots, &two, "192.0.2.1");
        assert_eq!((of_one.len(), of_two.len()), (4, 4));
        assert!(takes(&slots, &three, "192.0.2.1").is_empty(), "guests of an address share half of them");
        let of_three = takes(&slots, &three, "192.0.2.2");
        let account = Identity { source: Source::Account, ..guest() };
        let of_account = takes(&slots, &account, "192.0.2.1");
        assert_eq!((of_three.len(), of_account.len()), (4, 4));
        assert!(takes(&slots, &guest(), "192.0.2.3").is_empty(), "the node has no more");
        drop(of_one);
        assert_eq!(takes(&slots, &one, "192.0.2.1").len(), 4);
    }

    #[test]
    fn a_node_with_one_slot_gives_it_to_anybody() {
        let slots = UploadSlots::new(1);
        let held = takes(&slots, &guest(), "192.0.2.1");
        assert_eq!(held.len(), 1);
        assert!(takes(&slots, &guest(), "192.0.2.2").is_empty());
    }
}
