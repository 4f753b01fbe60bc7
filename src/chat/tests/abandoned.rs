//! Changes whose callers go before the backend has answered, and changes without an answer.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::poll;
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::gate::{Gate, GatedAccounts, GatedRooms, GatedStandings};
use super::{chat, chat_with};
use crate::backend::{AuditAction, AuditRecord, Backend, StandingChange};
use crate::chat::{Chat, Control, Controls, Credentials, Identity, Password};
use crate::model::{Author, Role, UserId, Username};
use crate::protocol::{ClientAddress, ErrorCode, Rejection};

const PASSWORD: &str = "correct horse battery";
const DEADLINE: Duration = Duration::from_secs(20);

fn credentials() -> Credentials {
    let address = ClientAddress::new(Ipv4Addr::LOCALHOST.into());
    Credentials { username: "Rahim".to_owned(), password: Password::new(PASSWORD), address }
}

/// Gives up work that has reached the gate, and lets the answer through.
async fn abandon(gate: &Gate, work: impl Future) {
    tokio::select! {
        _ = work => panic!("it ended although no answer came"),
        () = gate.reached() => {}
    }
    gate.open();
}

/// Waits until a session is told that its user has signed out.
async fn until_signed_out(controls: &mut Controls) {
    let told = async {
        loop {
            if let Control::Standing(standing) = controls.next().await
                && standing.generation > 0
            {
                return;
            }
        }
    };
    timeout(DEADLINE, told).await.expect("the session is told");
}

async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let waiting = async {
        while !is_so().await {
            yield_now().await;
        }
    };
    timeout(DEADLINE, waiting).await.unwrap_or_else(|_| panic!("{what}"));
}

async fn gated_standings(gate: &Arc<Gate>, is_lossy: bool) -> Chat {
    let gate = gate.clone();
    chat_with(|backend| {
        let inner = backend.standings.clone();
        Backend { standings: Arc::new(GatedStandings { inner, gate, is_lossy, frozen: None }), ..backend }
    })
    .await
}

async fn gated_accounts(gate: &Arc<Gate>) -> Chat {
    let gate = gate.clone();
    chat_with(|backend| {
        let inner = backend.accounts.clone();
        Backend { accounts: Arc::new(GatedAccounts { inner, gate }), ..backend }
    })
    .await
}

#[tokio::test]
async fn sessions_are_told_of_a_log_out_whose_client_has_gone() {
    let gate = Arc::<Gate>::default();
    let chat = gated_standings(&gate, false).await;
    let guest = Identity::guest(Username::from_trusted("রহিম"));
    let mut session = chat.register_session(&guest.author.user_id, None);
    abandon(&gate, chat.log_out(&guest)).await;
    until_signed_out(&mut session).await;
}

#[tokio::test]
async fn sessions_are_told_of_a_change_without_an_answer() {
    let chat = gated_standings(&Arc::default(), true).await;
    let user = UserId::guest();
    let mut session = chat.register_session(&user, None);
    let refused = chat.change_standing(&user, StandingChange::NextGeneration).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Unavailable);
    until_signed_out(&mut session).await;
}

#[tokio::test]
async fn a_new_password_ends_sessions_though_its_client_has_gone() {
    let gate = Arc::<Gate>::default();
    let chat = gated_accounts(&gate).await;
    gate.open();
    let signed_in = chat.register(credentials()).await.unwrap();
    gate.reached().await;
    let mut session = chat.register_session(&signed_in.identity.author.user_id, None);
    let (old, new) = (Password::new(PASSWORD), Password::new("আমি বাংলায় গান গাই"));
    let changing = chat.change_password(&signed_in.identity, old, new, credentials().address);
    abandon(&gate, changing).await;
    until_signed_out(&mut session).await;
}

#[tokio::test]
async fn the_name_of_an_account_is_taken_though_its_client_has_gone() {
    let gate = Arc::<Gate>::default();
    let chat = gated_accounts(&gate).await;
    let guest = Identity::guest(Username::from_trusted("Rahim"));
    assert_eq!(chat.check_name(&guest).await, Ok(()));
    abandon(&gate, chat.register(credentials())).await;
    until("the name is taken", async || chat.check_name(&guest).await.is_err()).await;
}

#[tokio::test]
async fn a_room_and_a_conversation_are_made_though_their_client_has_gone() {
    let gate = Arc::<Gate>::default();
    let chat = chat_with(|backend| {
        let (inner, gate) = (backend.rooms.clone(), gate.clone());
        Backend { rooms: Arc::new(GatedRooms { inner, gate }), ..backend }
    })
    .await;
    let by = chat.register(credentials()).await.unwrap().identity;
    let other = Author { user_id: UserId::guest(), username: Username::from_trusted("মিতা") };
    chat.inner.backend.rooms.introduce(&other).await.unwrap();
    let rooms = async || chat.my_rooms(&by).await.unwrap().len();
    abandon(&gate, chat.create_room(&by, "one")).await;
    until("the room is there", async || rooms().await == 1).await;
    abandon(&gate, chat.converse(&by, &other.user_id)).await;
    until("the conversation is there", async || rooms().await == 2).await;
}

#[tokio::test]
async fn a_role_that_an_admin_gives_itself_is_recorded_before_anything_changes() {
    let gate = Arc::<Gate>::default();
    let chat = gated_standings(&gate, false).await;
    let signed_in = chat.register(credentials()).await.unwrap();
    let admin = Identity { role: Role::Admin, ..signed_in.identity };
    let mut giving = Box::pin(chat.give_role(admin.as_admin().unwrap(), &admin.author.user_id, Role::Member));
    tokio::select! {
        _ = &mut giving => panic!("it ended although no answer came"),
        () = gate.reached() => {}
    }
    assert_eq!(chat.inner.backend.moderation.audit(None, 10).await.unwrap().entries.len(), 1);
}

#[tokio::test]
async fn an_act_that_fails_is_recorded_as_failed_though_its_client_has_gone() {
    let (chat, guest) = (chat().await, Identity::guest(Username::from_trusted("রহিম")));
    let (fail, failing) = oneshot::channel::<Rejection>();
    let act = async { Err::<(), _>(failing.await.unwrap()) };
    let record = AuditRecord::of(&guest, AuditAction::Lock);
    let mut acting = Box::pin(chat.recorded(record, act));
    assert!(poll!(&mut acting).is_pending());
    drop(acting);
    fail.send(Rejection::room_not_found()).unwrap();
    let moderation = &chat.inner.backend.moderation;
    until("it is recorded as failed", async || {
        let entries = moderation.audit(None, 10).await.unwrap().entries;
        entries.len() == 2 && entries[0].record.failed
    })
    .await;
}
