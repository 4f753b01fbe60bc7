//! The replies of the scripts that give an entry its number.

use redis::Value;
use serde::Deserialize;

use super::malformed;
use crate::backend::redis::client::server::parsed;
use crate::backend::{BackendError, Result};
use crate::model::{ChangeReceipt, Epoch, FileInfo, MessageId, Receipt};

/// The other fields that the JSON of a deleted message had.
#[derive(Deserialize)]
struct Rest {
    #[serde(default)]
    files: Vec<FileInfo>,
}

/// The reply of `append.lua`.
pub(super) fn receipt(id: MessageId, value: Value) -> Result<Receipt> {
    match change_receipt(id, value)? {
        ChangeReceipt::Logged { receipt, .. } => Ok(receipt),
        ChangeReceipt::Unchanged { .. } => Err(malformed("a receipt")),
    }
}

/// The reply of `edit.lua`, `delete.lua` or `react.lua`.
pub(super) fn change_receipt(id: MessageId, value: Value) -> Result<ChangeReceipt> {
    let fields: Vec<String> = parsed(value)?;
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    let id = id.to_string();
    match fields.as_slice() {
        ["0", epoch, seq, timestamp, rest @ ..] => {
            logged(&[epoch, seq, &id, timestamp], false).map(|receipt| with_files(receipt, rest))
        }
        ["1", first] => logged(&first.split(' ').collect::<Vec<_>>(), true),
        ["2"] => return Err(BackendError::NonceReused),
        ["3"] => return Err(BackendError::MessageNotFound),
        ["4"] => return Err(BackendError::NotAllowed),
        ["5"] => return Err(BackendError::TooManyReactions),
        ["7"] => return Err(BackendError::NoMember),
        ["6", epoch, timestamp] => logged(&[epoch, "-", &id, timestamp], false),
        _ => None,
    }
    .ok_or_else(|| malformed("a receipt"))
}

/// The receipt of an entry: epoch, seq (`-`: nothing was changed), id and timestamp.
fn logged(words: &[&str], is_duplicate: bool) -> Option<ChangeReceipt> {
    let [epoch, seq, id, timestamp, ..] = words else { return None };
    let (id, epoch, timestamp) = ((*id).to_owned(), Epoch::new(epoch), (*timestamp).to_owned());
    if *seq == "-" {
        return Some(ChangeReceipt::Unchanged { id, epoch, timestamp, is_duplicate });
    }
    let receipt = Receipt { id, epoch, seq: seq.parse().ok()?, timestamp, is_duplicate };
    Some(ChangeReceipt::Logged { receipt, files: Vec::new() })
}

fn with_files(receipt: ChangeReceipt, rest: &[&str]) -> ChangeReceipt {
    let rest = rest.first().and_then(|rest| rest.strip_prefix(','));
    let rest = rest.and_then(|rest| serde_json::from_str::<Rest>(&format!("{{{rest}}}")).ok());
    let files = rest.map_or_else(Vec::new, |rest| rest.files.into_iter().map(|file| file.id).collect());
    match receipt {
        ChangeReceipt::Logged { receipt, .. } => ChangeReceipt::Logged { receipt, files },
        unchanged @ ChangeReceipt::Unchanged { .. } => unchanged,
    }
}
