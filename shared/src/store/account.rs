//! People and where they belong.
//!
//! - `EMAIL#<address>` / `EMAIL`: guard; two accounts can't have one address.
//! - `USER#<user>` / `PROFILE`: the account. `USER#<user>` / `MEMBER#<tenant>`: where the person belongs.
//! - `USER#<user>` / `PREFERENCES`: what the person's clients keep for themselves.
//!
//! Questions: who has this address? what does this person look like, and where does the person belong?
//! The last two are one Query, because `MEMBER#` and `PROFILE` stand side by side.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::item::{self, IS_NEW, Item, Written, from_item, key, moment, n, s, to_item, written};
use super::member::{MemberItem, membership_keys};
use super::one_time::{Purpose, one_time_key};
use super::tenant::{TenantItem, tenant_key};
use super::{IdentityStore, Store};
use crate::clock::Moment;
use crate::error::{Error, Result};
use crate::model::{AuditEvent, Email, Member, Membership, MembershipRole, Tenant, User, UserId};

/// What registering writes: a person, a tenant of the person's own, and the membership.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// The person.
    pub user: User,
    /// The personal tenant, of which the person is the owner.
    pub tenant: Tenant,
}

/// What a person's clients keep for themselves: names and JSON values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preferences {
    /// The values by name.
    pub values: BTreeMap<String, serde_json::Value>,
    /// Goes up with each change; 0 if nothing was ever kept.
    pub version: u64,
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
    #[serde(default)]
    verified_at: Option<Moment>,
    #[serde(default = "beginning")]
    sessions_from: Moment,
    created_at: Moment,
}

#[derive(Serialize, Deserialize)]
struct PreferencesItem {
    /// JSON, because DynamoDB's own maps do not keep every number as it was.
    json: String,
    version: u64,
}

const fn beginning() -> Moment {
    Moment::from_unix_seconds(0)
}

pub(super) fn email_key(email: &Email) -> Item {
    key(format!("EMAIL#{}", email.as_str()), "EMAIL")
}

pub(super) fn user_pk(user: UserId) -> String {
    format!("USER#{user}")
}

pub(super) fn profile_key(user: UserId) -> Item {
    key(user_pk(user), "PROFILE")
}

fn preferences_key(user: UserId) -> Item {
    key(user_pk(user), "PREFERENCES")
}

impl IdentityStore {
    /// Writes a new account with the token that proves its address, the mail that carries it, and the event in
    /// its tenant's trail. `false`, and nothing written, if the
    /// address has one already.
    pub async fn account_create(
        &self,
        account: &NewAccount,
        (proof, mail): (&super::OneTime, &super::Mail),
        event: &AuditEvent,
    ) -> Result<bool> {
        let NewAccount { user, tenant } = account;
        let member = MemberItem {
            user: user.id,
            tenant: tenant.id,
            role: MembershipRole::Owner,
            created_at: user.created_at,
        };
        let [user_side, tenant_side] = membership_keys(user.id, tenant.id);
        let guard = EmailItem { user: user.id };
        let items = [
            to_item(email_key(&user.email), &guard)?,
            to_item(profile_key(user.id), &UserItem::from(user))?,
            to_item(user_side, &member)?,
            to_item(tenant_key(tenant.id), &TenantItem::from(tenant))?,
            to_item(tenant_side, &member)?,
            super::one_time::verify_item(user.id, proof)?,
        ];
        let parts = items.into_iter().map(|item| self.store.put(item, IS_NEW));
        let mut parts = parts.collect::<Result<Vec<_>>>()?;
        parts.push(self.store.mail_part(mail)?);
        match self.store.transact_audited(parts, event).await? {
            Written::Yes => Ok(true),
            Written::ConditionFailed { place: 0 } => Ok(false),
            Written::ConditionFailed { place } => Err(Error::internal(format!(
                "part {place} of a new account exists already"
            ))),
        }
    }

    /// The guard of an address.
    pub(super) fn email_guard(&self, email: &Email, user: UserId) -> Result<Item> {
        to_item(email_key(email), &EmailItem { user })
    }

    /// The account with that address.
    pub async fn user_find(&self, email: &Email) -> Result<Option<UserId>> {
        let item = self.store.get::<EmailItem>(email_key(email)).await?;
        Ok(item.map(|item| item.user))
    }

    /// A person and the tenants that the person belongs to, oldest first.
    pub async fn user_get(&self, user: UserId) -> Result<Option<(User, Vec<Membership>)>> {
        let request = self.store.db.query().table_name(&*self.store.table);
        let request = request
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND sk BETWEEN :members AND :profile")
            .expression_attribute_values(":pk", s(user_pk(user)))
            .expression_attribute_values(":members", s("MEMBER#"))
            .expression_attribute_values(":profile", s("PROFILE"));
        let mut pages = request.into_paginator().items().send();
        let (mut profile, mut memberships) = (None, Vec::new());
        while let Some(item) = pages.next().await {
            let item = item.map_err(crate::aws::error)?;
            match item.get("sk").and_then(|sk| sk.as_s().ok()) {
                Some(sk) if sk == "PROFILE" => {
                    profile = Some(User::from(item::from_item::<UserItem>(item)?));
                }
                Some(sk) if sk.starts_with("MEMBER#") => {
                    memberships.push(item::from_item::<MemberItem>(item)?);
                }
                _ => {}
            }
        }
        memberships.sort_by_key(|member| member.created_at);
        let memberships = memberships.into_iter().map(Membership::from).collect();
        Ok(profile.map(|user| (user, memberships)))
    }

    /// Stores a hash of the same password with today's parameters, if the password has not changed.
    pub async fn user_rehash(&self, user: UserId, from: &str, to: &str) -> Result<()> {
        let request = self.store.db.update_item().table_name(&*self.store.table);
        let request = request
            .set_key(Some(profile_key(user)))
            .update_expression("SET password_hash = :to")
            .condition_expression("password_hash = :from")
            .expression_attribute_values(":from", s(from))
            .expression_attribute_values(":to", s(to));
        written(request.send().await).map(|_| ())
    }

    /// Changes the password, if it still has the hash `from`, and ends all sessions from before `now`.
    pub async fn password_change(
        &self,
        user: UserId,
        from: &str,
        to: &str,
        now: Moment,
        mail: &super::Mail,
        event: &AuditEvent,
    ) -> Result<bool> {
        let part = self.store.update(
            profile_key(user),
            "SET password_hash = :to, sessions_from = :now",
            "password_hash = :from",
            [(":from", s(from)), (":to", s(to)), (":now", moment(now)?)],
        )?;
        let parts = vec![part, self.store.mail_part(mail)?];
        let written = self.store.transact_audited(parts, event).await?;
        Ok(written.made())
    }

    /// Ends all sessions from before `now`.
    pub async fn sessions_end(
        &self,
        user: UserId,
        now: Moment,
        event: &AuditEvent,
    ) -> Result<bool> {
        let part = self.store.update(
            profile_key(user),
            "SET sessions_from = :now",
            "attribute_exists(pk)",
            [(":now", moment(now)?)],
        )?;
        let written = self.store.transact_audited(vec![part], event).await?;
        Ok(written.made())
    }

    /// Changes the name. `None` takes it away.
    pub async fn user_rename(&self, user: UserId, name: Option<&str>) -> Result<bool> {
        let part = self.store.update_named(
            profile_key(user),
            ("SET #name = :name", "attribute_exists(pk)"),
            ["name"],
            [(":name", item::value(name)?)],
        )?;
        Ok(self.store.write(part).await?.made())
    }

    /// Deletes the account with its address, its tokens and its personal tenant. The person must have left all
    /// other tenants. `false`, and nothing written, if the account is gone already or has another address.
    pub async fn account_delete(
        &self,
        user: &User,
        personal: Option<crate::model::TenantId>,
        event: &AuditEvent,
    ) -> Result<bool> {
        let store = &self.store;
        let mut parts = vec![
            store.delete(
                profile_key(user.id),
                "email = :email",
                [(":email", s(user.email.as_str()))],
            )?,
            store.delete_any(email_key(&user.email))?,
            store.delete_any(one_time_key(user.id, Purpose::Reset))?,
            store.delete_any(one_time_key(user.id, Purpose::Verify))?,
            store.delete_any(preferences_key(user.id))?,
        ];
        if let Some(tenant) = personal {
            parts.push(store.update(
                tenant_key(tenant),
                "SET tenant_status = :deleted, version = version + :one",
                "attribute_exists(pk)",
                [(":deleted", s("deleted")), (":one", n(1))],
            )?);
            for side in membership_keys(user.id, tenant) {
                parts.push(store.delete_any(side)?);
            }
        }
        Ok(store.transact_audited(parts, event).await?.made())
    }

    /// What the person's clients keep.
    pub async fn preferences_get(&self, user: UserId) -> Result<Preferences> {
        let item = self.store.get::<PreferencesItem>(preferences_key(user));
        let Some(item) = item.await? else {
            return Ok(Preferences::default());
        };
        Ok(Preferences {
            values: serde_json::from_str(&item.json).map_err(Error::internal)?,
            version: item.version,
        })
    }

    /// Replaces what the person's clients keep, if it still has the version before that of `preferences`.
    pub async fn preferences_put(&self, user: UserId, preferences: &Preferences) -> Result<bool> {
        let row = PreferencesItem {
            json: serde_json::to_string(&preferences.values).map_err(Error::internal)?,
            version: preferences.version,
        };
        let request = self.store.db.put_item().table_name(&*self.store.table);
        let request = request
            .set_item(Some(to_item(preferences_key(user), &row)?))
            .condition_expression(
                "attribute_not_exists(pk) AND :before = :none OR version = :before",
            )
            .expression_attribute_values(":none", n(0))
            .expression_attribute_values(":before", n(preferences.version.saturating_sub(1)));
        Ok(written(request.send().await)?.made())
    }
}

impl Store {
    /// The accounts of members, in their order; one that is gone is `None`.
    pub(super) async fn profiles(&self, members: &[Member]) -> Result<Vec<Option<User>>> {
        let keys = members.iter().map(|member| profile_key(member.user));
        let items = self.get_many(keys.collect(), true).await?;
        let mut users = BTreeMap::new();
        for item in items {
            let user = User::from(from_item::<UserItem>(item)?);
            users.insert(user.id, user);
        }
        Ok(members
            .iter()
            .map(|member| users.remove(&member.user))
            .collect())
    }
}

impl From<&User> for UserItem {
    fn from(user: &User) -> Self {
        let User {
            id,
            email,
            name,
            password_hash,
            verified_at,
            sessions_from,
            created_at,
        } = user.clone();
        Self {
            id,
            email: email.as_str().to_owned(),
            name,
            password_hash,
            verified_at,
            sessions_from,
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
            verified_at,
            sessions_from,
            created_at,
        } = item;
        Self {
            id,
            email: Email::from_stored(email),
            name,
            password_hash,
            verified_at,
            sessions_from,
            created_at,
        }
    }
}
