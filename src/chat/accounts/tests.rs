//! Log-ins that a new password comes in between.

use super::*;
use crate::chat::tests::chat;

fn hash(number: u8) -> PasswordHash {
    PasswordHash(format!("hash {number}"))
}

async fn account(chat: &Chat, role: Role) -> Account {
    let account = new_account(Username::from_trusted("রহিম"), hash(1), role);
    let creation = chat.inner.backend.accounts.create(&account, Condition::Always).await.unwrap();
    assert_eq!(creation, Creation::Created);
    account
}

#[tokio::test]
async fn a_password_that_was_replaced_after_it_was_checked_gives_no_token() {
    let chat = chat().await;
    let checked = account(&chat, Role::Member).await;
    let accounts = &chat.inner.backend.accounts;
    assert!(accounts.replace_password(&checked.user_id, &hash(1), &hash(2)).await.unwrap());
    assert!(chat.sign_in(checked.clone()).await.unwrap().is_none(), "before the generation is raised");
    chat.next_generation(&checked.user_id).await.unwrap();
    assert!(chat.sign_in(checked.clone()).await.unwrap().is_none());
    let signed_in = chat.sign_in(Account { password: hash(2), ..checked }).await.unwrap();
    assert!(signed_in.is_some_and(|signed_in| signed_in.identity.generation > 0));
}

#[tokio::test]
async fn a_role_that_a_crash_has_kept_back_is_given_at_the_next_log_in() {
    let chat = chat().await;
    let admin = account(&chat, Role::Admin).await;
    let signed_in = chat.sign_in(admin.clone()).await.unwrap().unwrap();
    assert_eq!(signed_in.identity.role, Role::Admin);
    let standing = chat.inner.backend.standings.standing(&admin.user_id).await.unwrap();
    assert_eq!(standing.role, Some(Role::Admin));
}

#[tokio::test]
async fn a_banned_user_gets_no_token_and_only_the_right_hash_tells_of_the_ban() {
    let chat = chat().await;
    let account = account(&chat, Role::Member).await;
    let user = &account.user_id;
    let ban = StandingChange::Ban { lasts: None, reason: Some("spam".to_owned()) };
    chat.change_standing(user, ban).await.unwrap();
    let refused = chat.sign_in(account.clone()).await.unwrap_err();
    assert_eq!((refused.code, refused.message.as_str()), (ErrorCode::Banned, "You are banned: spam"));
    let other = Account { password: hash(2), ..account.clone() };
    assert!(chat.sign_in(other).await.unwrap().is_none());
    chat.change_standing(user, StandingChange::Unban).await.unwrap();
    assert!(chat.sign_in(account).await.unwrap().is_some());
}
