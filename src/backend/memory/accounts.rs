//! Accounts: names, hashes of passwords, and the first admin.

use std::collections::HashMap;

use async_trait::async_trait;

use super::MemoryNode;
use crate::backend::{Account, Accounts, Condition, Creation, PasswordHash, Result};
use crate::model::{Role, Skeleton, UserId};

/// All accounts.
#[derive(Default)]
pub(super) struct AccountTable {
    names: HashMap<Skeleton, UserId>,
    accounts: HashMap<UserId, Account>,
    setup_code: Option<String>,
    has_admin: bool,
}

#[async_trait]
impl Accounts for MemoryNode {
    async fn create(&self, account: &Account, condition: Condition) -> Result<Creation> {
        Ok(self.cluster.lock().accounts.create(account, condition))
    }

    async fn by_name(&self, skeleton: &Skeleton) -> Result<Option<Account>> {
        let shared = self.cluster.lock();
        let table = &shared.accounts;
        Ok(table.names.get(skeleton).and_then(|user| table.accounts.get(user)).cloned())
    }

    async fn by_id(&self, user: &UserId) -> Result<Option<Account>> {
        Ok(self.cluster.lock().accounts.accounts.get(user).cloned())
    }

    async fn replace_password(&self, user: &UserId, from: &PasswordHash, to: &PasswordHash) -> Result<bool> {
        let mut shared = self.cluster.lock();
        let account = shared.accounts.accounts.get_mut(user).filter(|account| account.password == *from);
        Ok(account.map(|account| account.password = to.clone()).is_some())
    }

    async fn owners(&self, skeletons: &[Skeleton]) -> Result<Vec<Option<UserId>>> {
        let shared = self.cluster.lock();
        Ok(skeletons.iter().map(|skeleton| shared.accounts.names.get(skeleton).cloned()).collect())
    }

    async fn are_any(&self) -> Result<bool> {
        Ok(!self.cluster.lock().accounts.names.is_empty())
    }

    async fn record_admin(&self, _user: &UserId) -> Result<()> {
        self.cluster.lock().accounts.has_admin = true;
        Ok(())
    }

    async fn setup_code(&self, own: &str) -> Result<Option<String>> {
        let mut shared = self.cluster.lock();
        let table = &mut shared.accounts;
        let code = table.setup_code.get_or_insert_with(|| own.to_owned()).clone();
        Ok((!table.has_admin).then_some(code))
    }
}

impl AccountTable {
    fn create(&mut self, account: &Account, condition: Condition) -> Creation {
        if condition == Condition::IfNoAdmin && self.has_admin {
            return Creation::AdminExists;
        }
        let skeletons = account.username.skeletons();
        let is_other = |owner: &UserId| *owner != account.user_id;
        if skeletons.iter().any(|skeleton| self.names.get(skeleton).is_some_and(is_other)) {
            return Creation::NameTaken;
        }
        let names = skeletons.into_iter().map(|skeleton| (skeleton, account.user_id.clone()));
        self.names.extend(names);
        self.has_admin |= account.role == Role::Admin;
        self.accounts.insert(account.user_id.clone(), account.clone());
        Creation::Created
    }
}
