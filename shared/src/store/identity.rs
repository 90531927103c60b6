//! People, tenants and who belongs where.
//!
//! - `EMAIL#<address>` / `EMAIL`: guard; two accounts can't have one address.
//! - `USER#<user>` / `PROFILE`: the account. `USER#<user>` / `MEMBER#<tenant>`: where the person belongs.
//! - `TENANT#<tenant>` / `TENANT`: the tenant. `TENANT#<tenant>` / `MEMBER#<user>`: who belongs there.
//!
//! Questions: who has this address? what does this person look like, and where does the person belong?
//! The last two are one Query, because `MEMBER#` and `PROFILE` stand side by side.

use serde::{Deserialize, Serialize};

use super::Store;
use super::item::{self, IS_NEW, Written, from_item, key, s, to_item};
use crate::clock::Moment;
use crate::error::{Error, Result};
use crate::model::{Email, Membership, MembershipRole, TenantId, User, UserId};

/// The rows of people and sessions. Only the function `auth` opens it.
#[derive(Debug, Clone)]
pub struct IdentityStore {
    pub(super) store: Store,
}

/// What registering writes: a person, a tenant of the person's own, and the membership.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// The person.
    pub user: User,
    /// The personal tenant, of which the person is the owner.
    pub tenant: TenantId,
}

#[derive(Serialize, Deserialize)]
struct EmailItem {
    user: UserId,
}

#[derive(Serialize, Deserialize)]
struct UserItem {
    id: UserId,
    email: String,
    name: Option<String>,
    password_hash: String,
    created_at: Moment,
}

#[derive(Serialize, Deserialize)]
struct TenantItem {
    id: TenantId,
    personal: bool,
    created_at: Moment,
}

#[derive(Serialize, Deserialize)]
struct MemberItem {
    user: UserId,
    tenant: TenantId,
    role: MembershipRole,
    created_at: Moment,
}

fn email_pk(email: &Email) -> String {
    format!("EMAIL#{}", email.as_str())
}

pub(super) fn user_pk(user: UserId) -> String {
    format!("USER#{user}")
}

impl IdentityStore {
    pub(super) const fn new(store: Store) -> Self {
        Self { store }
    }

    /// Writes a new account. `false`, and nothing written, if the address has one already.
    pub async fn account_create(&self, account: &NewAccount) -> Result<bool> {
        let NewAccount { user, tenant } = account;
        let (user_pk, tenant_pk) = (user_pk(user.id), format!("TENANT#{tenant}"));
        let tenant_item = TenantItem {
            id: *tenant,
            personal: true,
            created_at: user.created_at,
        };
        let member = MemberItem {
            user: user.id,
            tenant: *tenant,
            role: MembershipRole::Owner,
            created_at: user.created_at,
        };
        let user_member = key(user_pk.as_str(), format!("MEMBER#{tenant}"));
        let tenant_member = key(tenant_pk.as_str(), format!("MEMBER#{}", user.id));
        let items = [
            to_item(
                key(email_pk(&user.email), "EMAIL"),
                &EmailItem { user: user.id },
            )?,
            to_item(key(user_pk, "PROFILE"), &UserItem::from(user))?,
            to_item(user_member, &member)?,
            to_item(key(tenant_pk, "TENANT"), &tenant_item)?,
            to_item(tenant_member, &member)?,
        ];
        let parts = items.into_iter().map(|item| self.store.put(item, IS_NEW));
        match self.store.transact(parts.collect::<Result<_>>()?).await? {
            Written::Yes => Ok(true),
            Written::ConditionFailed { place: 0 } => Ok(false),
            Written::ConditionFailed { place } => Err(Error::internal(format!(
                "part {place} of a new account exists already"
            ))),
        }
    }

    /// The account with that address.
    pub async fn user_find(&self, email: &Email) -> Result<Option<UserId>> {
        let request = self.store.db.get_item().table_name(&*self.store.table);
        let request = request
            .set_key(Some(key(email_pk(email), "EMAIL")))
            .consistent_read(true);
        let output = request.send().await.map_err(crate::aws::error)?;
        let item = output.item.map(from_item::<EmailItem>).transpose()?;
        Ok(item.map(|item| item.user))
    }

    /// A person and the tenants that the person belongs to, oldest first.
    pub async fn user_get(&self, user: UserId) -> Result<Option<(User, Vec<Membership>)>> {
        let request = self
            .store
            .db
            .query()
            .table_name(&*self.store.table)
            .consistent_read(true);
        let request = request
            .key_condition_expression("pk = :pk AND sk BETWEEN :members AND :profile")
            .expression_attribute_values(":pk", s(user_pk(user)))
            .expression_attribute_values(":members", s("MEMBER#"))
            .expression_attribute_values(":profile", s("PROFILE"));
        let mut pages = request.into_paginator().items().send();
        let (mut profile, mut memberships) = (None, Vec::new());
        while let Some(item) = pages.next().await {
            let item = item.map_err(crate::aws::error)?;
            if item.get("sk") == Some(&s("PROFILE")) {
                profile = Some(User::from(item::from_item::<UserItem>(item)?));
            } else {
                memberships.push(Membership::from(item::from_item::<MemberItem>(item)?));
            }
        }
        Ok(profile.map(|user| (user, memberships)))
    }
}

impl From<&User> for UserItem {
    fn from(user: &User) -> Self {
        let User {
            id,
            email,
            name,
            password_hash,
            created_at,
        } = user.clone();
        Self {
            id,
            email: email.as_str().to_owned(),
            name,
            password_hash,
            created_at,
        }
    }
}

impl From<UserItem> for User {
    fn from(item: UserItem) -> Self {
        let UserItem {
            id,
            email,
            name,
            password_hash,
            created_at,
        } = item;
        Self {
            id,
            email: Email::from_stored(email),
            name,
            password_hash,
            created_at,
        }
    }
}

impl From<MemberItem> for Membership {
    fn from(item: MemberItem) -> Self {
        let MemberItem { tenant, role, .. } = item;
        Self { tenant, role }
    }
}
