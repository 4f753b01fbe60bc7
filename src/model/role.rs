//! Roles of users: what somebody may do beyond what everybody may.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A user's role. A greater one may do all that a lesser one may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A user without an account or an issuer.
    Guest,
    /// A user with an account, here or at the token's issuer.
    Member,
    /// May remove users from any room, mute them, lock rooms and delete messages.
    Moderator,
    /// May also ban users and give roles.
    Admin,
}

impl Role {
    /// Reads a role as tokens and requests spell it.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Guest, Self::Member, Self::Moderator, Self::Admin]
            .into_iter()
            .find(|role| role.as_str() == text)
    }

    /// The role as tokens and answers spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Member => "member",
            Self::Moderator => "moderator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_spelt_the_same_everywhere_and_a_greater_one_comes_later() {
        let roles = [Role::Guest, Role::Member, Role::Moderator, Role::Admin];
        assert!(roles.is_sorted());
        for role in roles {
            assert_eq!(Role::parse(role.as_str()), Some(role));
            assert_eq!(serde_json::to_string(&role).unwrap(), format!("\"{role}\""));
        }
        assert_eq!(Role::parse("Admin"), None);
    }
}
