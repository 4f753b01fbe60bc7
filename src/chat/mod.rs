//! The operations of the program: sign in, join, leave, post, type, read history and members.
//! WebSocket and HTTP are equal clients of [`Chat`], so each rule exists once.

mod access;
mod accounts;
mod cluster;
mod completion;
mod cursors;
mod files;
mod identity;
mod inbox;
mod limits;
mod membership;
mod messages;
mod moderation;
mod notifications;
mod reads;
mod reports;
mod rooms;
mod schedules;
mod search;
mod sharing;
#[cfg(test)]
mod tests;
mod users;

use std::sync::Arc;

use tokio::sync::{Notify, mpsc, watch};
use tracing::debug;

pub use self::access::{Action, Principal, RoomAccess, SpeechAccess};
use self::accounts::AccountState;
pub use self::accounts::{
    ANONYMOUS, CommandError, Credentials, Password, SignedIn, change_role, change_standing, create_account,
    replace_password, untrue_claims,
};
use self::cluster::ProcessState;
pub use self::cluster::{NotReady, SessionGuard, StatsWatch};
pub use self::cursors::JoiningReader;
use self::files::FileService;
pub use self::files::{
    ClaimedFiles, ENVELOPE_BYTES, FileReader, MAX_FILES, NewFile, ReadableFile, UploadRequest, UploadStart,
    Uploading, check_files, is_shown,
};
use self::identity::Identities;
#[cfg(fuzzing)]
pub use self::identity::fuzzing;
pub use self::identity::{Admin, Identity, IssuedToken, RoomScope, Source, check, sign_token};
pub use self::inbox::PREVIEW_CHARS;
use self::inbox::Posted;
use self::limits::Limits;
pub use self::limits::{Admission, ClientSession, Pace, Refusals};
pub use self::membership::{Conversation, MyRoom};
pub use self::messages::{ChangeAction, Deletion, NewChange, NewMessage, Poster, Reaction};
use self::messages::{Posters, typing_rule};
use self::notifications::Notices;
use self::reads::Reads;
pub use self::reports::{Report, Reported};
pub use self::rooms::{FlushSet, FrameSink, JoinPlace, Pushed, Room, RoomSession, RoomsWatch};
use self::rooms::{Hub, RoomList};
pub use self::search::{Found, FoundPlace, Search};
pub use self::users::{Control, Controls, LeaveReason, Listener, Version};
use self::users::{KnownStandings, UserChannels, Users};
pub use crate::backend::{
    AuditPosition, AuditRecord, Excerpt, LastText, LeaveMode, MemberPage, MemberPosition, NodeInfo, Planned,
    ReadSharing, ReportedUser, RoomCount, RoomRecord, Seen, Span, Unread,
};
use crate::backend::{Backend, BackendError, Events, Health};
use crate::config::Config;
use crate::model::{ConnectionId, ControlEvent, Member, NameError, NodeId, RoomName, Username};
use crate::protocol::{ErrorCode, Rejection};
use crate::supervisor::Supervisor;
use crate::telemetry::begin_errors;

impl From<BackendError> for Rejection {
    fn from(error: BackendError) -> Self {
        Self::from(&error)
    }
}

impl From<&BackendError> for Rejection {
    fn from(error: &BackendError) -> Self {
        match error {
            BackendError::NonceReused => {
                let sentence =
                    "This nonce was used for another message; give each message a nonce of its own";
                return Self::new(ErrorCode::NonceReused, sentence);
            }
            BackendError::MessageNotFound => {
                let sentence = "The room has no such message, or it was deleted";
                return Self::new(ErrorCode::MessageNotFound, sentence);
            }
            BackendError::NotAllowed => {
                let sentence = "This message is not yours to change, or too old";
                return Self::new(ErrorCode::Forbidden, sentence);
            }
            BackendError::TooManyReactions => {
                let sentence = "The message has too many reactions; add to one of them";
                return Self::new(ErrorCode::TooManyReactions, sentence);
            }
            BackendError::NoMember => return Self::room_not_found(),
            BackendError::LastAdmin => {
                let sentence = "The last admin must stay one; make another user an admin first";
                return Self::new(ErrorCode::Forbidden, sentence);
            }
            BackendError::TooManyRules => {
                let sentence = "The room has too many mutes; lift some, or lock it";
                return Self::new(ErrorCode::BadRequest, sentence);
            }
            BackendError::Unavailable(_) | BackendError::Misconfigured(_) => {}
        }
        // Every session's frame may fail during an outage; the outage itself is logged once,
        // by the renewal of the lease.
        debug!(error = %error.root_cause(), "rejected: the backend does not answer");
        Self::new(ErrorCode::Unavailable, "The server can't reach its storage right now; try again")
    }
}

/// The operations of a node; a cheap handle.
#[derive(Debug, Clone)]
pub struct Chat {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    node: NodeId,
    config: Config,
    backend: Backend,
    hub: Hub,
    identities: Identities,
    accounts: AccountState,
    limits: Arc<Limits>,
    process: ProcessState,
    /// Whether the backend answers this node.
    health: watch::Receiver<Health>,
    reads: Reads,
    posters: Posters,
    users: Users,
    user_channels: UserChannels,
    /// Messages whose users are to be told.
    inbox: mpsc::Sender<Posted>,
    standings: KnownStandings,
    notices: Notices,
    /// A schedule was made.
    next_schedule: Arc<Notify>,
    room_list: RoomList,
    files: FileService,
    supervisor: Supervisor,
}

impl Chat {
    /// Starts the tasks that hand on events and those of the backend. They end with [`Chat::retire`].
    ///
    /// # Errors
    /// One sentence, if the keys of the issuer of `auth.issuer` or the storage of `files.url` can't be used.
    #[allow(clippy::too_many_lines, reason = "one step a concern")]
    pub fn start(
        node: NodeId,
        config: Config,
        backend: Backend,
        events: Events,
        supervisor: Supervisor,
    ) -> Result<Self, String> {
        let identities = Identities::open(&config)?;
        begin_errors(ErrorCode::ALL.map(ErrorCode::as_str));
        let files = FileService::open(&config, node)?;
        let users = Users::default();
        let standings = KnownStandings::new(users.clone());
        let (notices, next_schedule) = (Notices::default(), Arc::<Notify>::default());
        let hub = Hub::new(
            backend.clone(),
            config.history.max_page,
            typing_rule(&config),
            standings.clone(),
            notices.clone(),
            supervisor.clone(),
        );
        let accounts = AccountState::new(&config.passwords);
        let limits = Arc::new(Limits::new(&config));
        let on_control = on_control(accounts.taken_names.clone(), next_schedule.clone(), limits.clone());
        supervisor.run("hub", hub.clone().run(events, on_control));
        supervisor.run("log-comparison", hub.clone().compare_when_resumed());
        let upkeep = hub.clone().keep_up(config.presence.unsubscribe_after, config.history.verify_every);
        supervisor.run("room-upkeep", upkeep);
        let issuers = identities.issuers.clone();
        let reads = Reads::new(config.limits.reads_in_flight, supervisor.clone());
        let health = backend.cluster.health();
        let (inbox, posted) = mpsc::channel(inbox::QUEUE);
        let inner = Inner {
            node,
            config,
            backend,
            hub,
            identities,
            accounts,
            limits,
            process: ProcessState::new(),
            health,
            reads,
            posters: Posters::default(),
            users,
            user_channels: UserChannels::default(),
            inbox,
            standings,
            notices,
            next_schedule,
            room_list: RoomList::default(),
            files,
            supervisor,
        };
        let chat = Self { inner: Arc::new(inner) };
        chat.inner.supervisor.run("standings", chat.clone().give_standings());
        chat.inner.supervisor.run("user-channels", chat.clone().keep_user_channels());
        chat.inner.supervisor.run("inboxes", chat.clone().tell_inboxes(posted));
        chat.inner.supervisor.run("notifications", chat.clone().keep_notifications());
        chat.inner.supervisor.run("schedules", chat.clone().fire_schedules());
        chat.inner.supervisor.run("room-list", chat.clone().tell_rooms());
        chat.inner.supervisor.run("stats", chat.clone().feed_stats());
        chat.inner.backend.cluster.clone().start(Arc::new(chat.clone()), &chat.inner.supervisor);
        chat.inner.supervisor.run("limits", chat.clone().keep_limits());
        chat.inner.supervisor.run("account-names", chat.clone().keep_names());
        chat.inner.supervisor.run("setup-code", chat.clone().tell_setup_code());
        chat.inner.supervisor.run("file-sweep", chat.clone().sweep_files());
        chat.inner.supervisor.run("peer-check", chat.clone().check_peers());
        chat.inner.supervisor.run("issuer-keys", issuers.follow_file(chat.inner.supervisor.clone()));
        Ok(chat)
    }

    /// This node.
    pub fn node(&self) -> NodeId {
        self.inner.node
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    // --- names and users ---

    /// Checks a room's name.
    ///
    /// # Errors
    /// `bad_room_name`; `room_not_found` for one that begins as those of private rooms, and that the server could not have made.
    pub fn room_name(&self, raw: &str) -> Result<RoomName, Rejection> {
        if RoomName::looks_private(raw) {
            return RoomName::parse_private(raw).ok_or_else(Rejection::room_not_found);
        }
        RoomName::parse(raw, self.inner.config.limits.room_name_chars)
            .map_err(|error| rejected_name(ErrorCode::BadRoomName, "A room's name", error))
    }

    /// Checks a username.
    pub fn username(&self, raw: &str) -> Result<Username, Rejection> {
        Username::parse(raw, self.inner.config.limits.username_chars)
            .map_err(|error| rejected_name(ErrorCode::BadUsername, "A username", error))
    }

    // --- rooms ---

    /// Takes a session out of a room: it is given nothing more from now on, and no answer about
    /// the room includes it once this returns. A backend that can't be reached now is made to
    /// agree later.
    pub async fn leave(&self, room: &Room, member: &Member, mode: LeaveMode) {
        let leaving = self.inner.backend.presence.leave(&room.name, member, mode);
        if !room.remove_member(member.id) {
            return;
        }
        if let Err(error) = leaving.await {
            // Many at once in an outage, which is told once; the backend comes back to them.
            debug!(error = %error.root_cause(), room = %room.name, "could not remove a session from its room");
        }
    }

    /// Takes a session out of a room that can't wait for the backend, which is made to agree later.
    pub fn abandon(&self, room: &Room, id: ConnectionId) {
        if room.abandon_member(id) {
            self.inner.backend.presence.resync_soon(&room.name);
        }
    }

    /// A node that was cut off may find the backend without its own sessions, until it has put
    /// them back; until then it has no answer about who is where. Nor has one whose lease can't be
    /// renewed because the backend takes nothing in: what that shows grows old.
    fn ensure_backend(&self) -> Result<(), Rejection> {
        if *self.inner.health.borrow() == Health::Ready {
            return Ok(());
        }
        Err(Rejection::new(ErrorCode::Unavailable, "The server can't reach its storage right now; try again"))
    }
}

/// Hands on the events for all nodes.
fn on_control(
    names: Arc<accounts::TakenNames>,
    next_schedule: Arc<Notify>,
    limits: Arc<Limits>,
) -> impl Fn(ControlEvent) {
    move |event| match event {
        ControlEvent::AccountCreated(author) => names.add(author),
        ControlEvent::SchedulesChanged => next_schedule.notify_one(),
        ControlEvent::Claimed(claimant) => limits.on_claim(&claimant),
        _ => {}
    }
}

fn rejected_name(code: ErrorCode, what: &str, error: NameError) -> Rejection {
    Rejection::new(code, format!("{what} {error}"))
}
