//! The extensions in which handlers name their role and their errors.

use serde_json::{Map, Value};

use crate::protocol::ErrorCode;

/// The extensions of an operation's annotation.
pub(super) struct Extensions {
    /// `x-role`: the least role, or `anyone` if a request needs no token where guests may take part. Absent where no
    /// token is looked at.
    pub role: Option<String>,
    /// `x-errors`: the codes that this operation alone may give, one word each.
    pub errors: Vec<ErrorCode>,
    /// `x-body`: `optional` if the body may be left out.
    pub is_body_optional: bool,
}

impl Extensions {
    pub(super) fn take(operation: &mut Map<String, Value>) -> Self {
        let mut text = |name| operation.remove(name).and_then(|value| value.as_str().map(str::to_owned));
        let role = text("x-role");
        let errors = text("x-errors").unwrap_or_default();
        let is_body_optional = text("x-body").is_some_and(|body| body == "optional");
        Self { role, errors: errors.split_whitespace().map(code).collect(), is_body_optional }
    }
}

fn code(word: &str) -> ErrorCode {
    let code = ErrorCode::ALL.into_iter().find(|code| code.as_str() == word);
    code.unwrap_or_else(|| panic!("annotations name codes that exist, not {word}"))
}
