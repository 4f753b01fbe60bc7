//! Messages with files: of files that were uploaded before, and of one that is in the frame itself.

use bytes::Bytes;

use super::Session;
use crate::chat::{ClaimedFiles, FrameSink, NewFile, SpeechAccess};
use crate::protocol::client::{FileFrame, Text};
use crate::protocol::server::FrameRef;
use crate::protocol::{ErrorCode, Rejection};

impl Session {
    /// Claims the files of a message, then posts it.
    pub(super) async fn post_with_files(&mut self, text: Text, access: Result<SpeechAccess, Rejection>) {
        self.outbox.flush();
        let claimed = match &access {
            Ok(access) => self.claim(access, &text).await,
            Err(rejection) => Err(rejection.clone()),
        };
        match claimed {
            Ok(files) => self.post(text, access, files),
            Err(rejection) => self.post(text, Err(rejection), ClaimedFiles::default()),
        }
    }

    async fn claim(&mut self, access: &SpeechAccess, text: &Text) -> Result<ClaimedFiles, Rejection> {
        let user = &self.identity.author.user_id;
        self.chat.claim_files(user, access, text.nonce.as_deref(), &text.files).await
    }

    /// Stores the file of a binary frame, then posts a message with it.
    pub(super) async fn on_binary(&mut self, frame: Bytes) {
        if !self.params.kind.names_rooms() {
            let sentence = "Frames must be text: one JSON object each";
            return self.reject(&Rejection::new(ErrorCode::BadFrame, sentence), FrameRef::default());
        }
        match FileFrame::parse(&frame) {
            Ok(frame) => self.post_file(frame).await,
            Err(error) => {
                let (nonce, room_id) = (error.nonce.as_deref(), error.room_id.as_deref());
                self.reject(&error.rejection, FrameRef { nonce, room_id });
            }
        }
    }

    async fn post_file(&mut self, frame: FileFrame) {
        let FileFrame { room_id, name, nonce, content, bytes } = frame;
        self.outbox.flush();
        let admitted = self.chat.admit_post(&self.identity, self.client.address()).decided().await;
        let access = admitted.and_then(|()| self.access_to_speak(Some(&room_id)));
        // A file whose message is refused would count against the user's quota.
        let checked = self.chat.check_file_message(&content, nonce.as_deref());
        let access = access.and_then(|access| checked.map(|()| access));
        let (reply_to, mentions) = Default::default();
        let mut text = Text { room_id: Some(room_id), content, nonce, reply_to, mentions, files: Vec::new() };
        let stored = match &access {
            Ok(access) => {
                let file = NewFile { name: &name, bytes: &bytes, nonce: text.nonce.as_deref() };
                self.chat.store_bytes(&self.identity, access, self.client.address(), file).await
            }
            Err(rejection) => Err(rejection.clone()),
        };
        match stored {
            Ok(file) => {
                text.files = vec![file.id];
                self.post_with_files(text, access).await;
            }
            Err(rejection) => self.post(text, Err(rejection), ClaimedFiles::default()),
        }
    }
}
