//! Accounts. All their keys share one slot, so a script creates an account in one step: names of any two accounts are
//! compared, and the first admin is made once.

use async_trait::async_trait;

use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::script::{Memory, Script, TYPES};
use crate::backend::redis::client::server::{parsed, parsed_if_ours};
use crate::backend::redis::keys::Keys;
use crate::backend::redis::topology::pooled::PooledCalls;
use crate::backend::{Account, Accounts, Condition, Creation, PasswordHash, Result};
use crate::model::{Role, Skeleton, Timestamp, UserId, Username};
use crate::telemetry::{Unreadable, count_unreadable};

static CREATE: Script = Script::new(Memory::Grows, &[TYPES, include_str!("create.lua")]);

static PASSWORD: Script = Script::new(Memory::Grows, &[include_str!("password.lua")]);

static SETUP: Script = Script::new(Memory::Spares, &[TYPES, include_str!("setup.lua")]);

/// The scripts of this folder.
pub(super) const SCRIPTS: &[&Script] = &[&CREATE, &PASSWORD, &SETUP];

/// The accounts in Redis.
#[derive(Debug)]
pub struct RedisAccounts {
    pub keys: Keys,
    pub calls: PooledCalls,
}

impl RedisAccounts {
    async fn read(&self, user: UserId) -> Result<Option<Account>> {
        let call = Call::plain("HMGET", self.keys.account(&user));
        let call = FIELDS.iter().fold(call, |call, field| call.arg(field));
        let fields: Vec<Option<Vec<u8>>> = parsed_if_ours(self.calls.call(call).await)?;
        let is_there = fields.iter().any(Option::is_some);
        let account = account(user, fields);
        if is_there && account.is_none() {
            count_unreadable(Unreadable::Account, 1);
        }
        Ok(account)
    }
}

#[async_trait]
impl Accounts for RedisAccounts {
    async fn create(&self, account: &Account, condition: Condition) -> Result<Creation> {
        let Account { user_id, username, password, role, created_at } = account;
        let keys = [self.keys.names(), self.keys.account(user_id), self.keys.setup()];
        let call = username
            .skeletons()
            .iter()
            .fold(Call::new(&CREATE, keys).arg(user_id), |call, skeleton| call.arg(skeleton))
            .arg(u8::from(condition == Condition::IfNoAdmin))
            .arg(u8::from(*role == Role::Admin));
        let values = [username.as_str(), &password.0, role.as_str(), &created_at.unix_millis().to_string()];
        let fields = FIELDS.into_iter().zip(values);
        let call = fields.fold(call, |call, (field, value)| call.arg(field).arg(value));
        match parsed::<String>(self.calls.call(call).await?)?.as_str() {
            "created" => Ok(Creation::Created),
            "admin_exists" => Ok(Creation::AdminExists),
            _ => Ok(Creation::NameTaken),
        }
    }

    async fn by_name(&self, skeleton: &Skeleton) -> Result<Option<Account>> {
        let call = Call::plain("HGET", self.keys.names()).arg(skeleton);
        let owner: Option<Vec<u8>> = parsed_if_ours(self.calls.call(call).await)?;
        match owner.and_then(|owner| user(&owner)) {
            Some(owner) => self.read(owner).await,
            // The time of a refused log-in must not tell whether there is an account.
            None => self.read(UserId::system()).await,
        }
    }

    async fn by_id(&self, user: &UserId) -> Result<Option<Account>> {
        self.read(user.clone()).await
    }

    async fn replace_password(&self, user: &UserId, from: &PasswordHash, to: &PasswordHash) -> Result<bool> {
        let call = Call::new(&PASSWORD, [self.keys.account(user)]).arg(&from.0).arg(&to.0);
        parsed(self.calls.call(call).await?)
    }

    async fn owners(&self, skeletons: &[Skeleton]) -> Result<Vec<Option<UserId>>> {
        if skeletons.is_empty() {
            return Ok(Vec::new());
        }
        let call = Call::plain("HMGET", self.keys.names());
        let call = skeletons.iter().fold(call, |call, skeleton| call.arg(skeleton));
        let mut owners: Vec<Option<Vec<u8>>> = parsed_if_ours(self.calls.call(call).await)?;
        // The names of a foreign type are none.
        owners.resize(skeletons.len(), None);
        Ok(owners.into_iter().map(|owner| user(&owner?)).collect())
    }

    async fn are_any(&self) -> Result<bool> {
        let count: u64 = parsed_if_ours(self.calls.call(Call::plain("HLEN", self.keys.names())).await)?;
        Ok(count > 0)
    }

    async fn record_admin(&self, user: &UserId) -> Result<()> {
        let call = Call::plain("HSETNX", self.keys.setup()).arg("admin").arg(user);
        self.calls.call(call).await.map(drop)
    }

    async fn setup_code(&self, own: &str) -> Result<Option<String>> {
        let call = Call::new(&SETUP, [self.keys.setup()]).arg(own);
        parsed(self.calls.call(call).await?)
    }
}

fn user(stored: &[u8]) -> Option<UserId> {
    UserId::parse(std::str::from_utf8(stored).ok()?)
}

/// The fields of an account.
const FIELDS: [&str; 4] = ["username", "password", "role", "created"];

/// `None` if a field is missing or not of this version.
fn account(user_id: UserId, fields: Vec<Option<Vec<u8>>>) -> Option<Account> {
    let fields: Vec<String> =
        fields.into_iter().map(|field| String::from_utf8(field?).ok()).collect::<Option<_>>()?;
    let [username, password, role, created]: [String; 4] = fields.try_into().ok()?;
    Some(Account {
        user_id,
        username: Username::from_trusted(&username),
        password: PasswordHash(password),
        role: Role::parse(&role)?,
        created_at: Timestamp::from_unix_millis(created.parse().ok()?)?,
    })
}
