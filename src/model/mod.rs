//! The values of the program: ids, names, messages, notices and positions in a room's log.
//! No I/O, and no wire format of WebSocket or HTTP.

pub mod characters;
pub mod event;
pub mod hex;
pub mod ids;
pub mod member;
pub mod message;
pub mod names;
pub mod notification;
pub mod position;
pub mod role;
pub mod schedule;
pub mod timestamp;

pub use event::{Claimant, ControlEvent, Event, InboxEntry, Notice, NoticeKind, ReadBy, UserEvent};
pub use hex::hex;
pub use ids::{ConnectionId, FileId, MessageId, NodeId, UserId};
pub use member::{Author, Member};
pub use message::change::{Change, ChangeDraft, ChangeReceipt, DeleteRights, Emoji};
pub use message::file::FileInfo;
pub use message::{Draft, EntryKind, LoggedMessage, Nonce, Receipt};
pub use names::{NameError, RoomName, Skeleton, Username};
pub use notification::{Audience, NewNotification, Notification, NotificationId, Words};
pub use position::{Epoch, Position};
pub use role::Role;
pub use schedule::{Firing, Schedule, ScheduleId, Target, Timing};
pub use timestamp::Timestamp;
