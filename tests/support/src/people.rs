//! People with their tenants, sessions and keys, as their rows in the table say.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shared::App;
use shared::auth::{ApiKeyText, Caller, OneTimeSecret, RefreshSecret};
use shared::clock::Moment;
use shared::mail::Letter;
use shared::model::{
    Actor, ApiKey, ApiKeyId, AuditAction, AuditEvent, AuditOutcome, Email, Invitation,
    InvitationId, KeySecret, MembershipRole, Origin, RequestId, Scope, Session, SessionId, Tenant,
    TenantId, TenantStatus, User, UserId,
};
use shared::store::{Authority, IdentityStore, MemberChanged, NewAccount, OneTime, Store};

/// The password of everybody here.
pub const PASSWORD: &str = "a password that is long enough";

/// Its hash, which costs next to nothing.
const PASSWORD_HASH: &str =
    "$argon2id$v=19$m=8,t=1,p=1$c2FsdG9mdGhldGVzdHMxNg$zk62EJ6zbRCztd9+kXXcmx9oyvgqxkdli8be8RlekUY";

/// A person in a tenant, with a session there.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    /// The person.
    pub user: UserId,
    /// The tenant.
    pub tenant: TenantId,
    /// The session.
    pub session: SessionId,
}

/// Everybody whom a test has named.
#[derive(Debug, Clone)]
pub struct People {
    app: App,
    /// The table without the meter: what is done to set up counts nowhere.
    direct: Store,
    known: Arc<Mutex<HashMap<String, Person>>>,
}

impl People {
    pub(crate) fn new(app: App, direct: Store) -> Self {
        Self {
            app,
            direct,
            known: Arc::default(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Person>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[expect(clippy::disallowed_methods, reason = "people are made here for tests")]
    fn identity(&self) -> IdentityStore {
        self.direct.identity()
    }

    /// A person by name. A new one gets an account and a tenant of its own, whose owner it is.
    pub async fn get(&self, name: &str) -> Person {
        if let Some(person) = self.lock().get(name) {
            return *person;
        }
        let user = self.account(name).await;
        let person = self.log_in(user.0, user.1).await;
        // Another task may have been faster: then that one counts.
        *self.lock().entry(name.to_owned()).or_insert(person)
    }

    /// Makes a new person who is a member of the tenant of another, and is logged in there.
    pub async fn join(&self, name: &str, host: &str, role: MembershipRole) -> Person {
        let (user, _) = self.account(name).await;
        let tenant = self.admit(user, host, role).await;
        let person = self.log_in(user, tenant).await;
        self.lock().insert(name.to_owned(), person);
        person
    }

    /// Makes a person who has left a member again, and logs it in there.
    pub async fn rejoin(&self, name: &str, host: &str, role: MembershipRole) -> Person {
        let Person { user, .. } = self.get(name).await;
        let tenant = self.admit(user, host, role).await;
        self.enter(name, tenant).await
    }

    /// Makes a person a member of the tenant of another, too.
    pub async fn admit(&self, user: UserId, host: &str, role: MembershipRole) -> TenantId {
        let host = self.get(host).await;
        let store = self.direct.of(&self.caller_of(host).await);
        let now = self.app.clock.now();
        let invitation = Invitation {
            id: InvitationId::new(),
            email: address("somebody"),
            role,
            invited_by: host.user,
            token_hash: OneTimeSecret::random().expect("random").hash(),
            created_at: now,
            expires_at: now.plus(Duration::from_secs(3600)),
        };
        let event = self.event(host.tenant, user);
        let mail = self.app.post.seal(&Letter::blank()).await.expect("a mail");
        let authority = Authority {
            role: MembershipRole::Owner,
            member: Some(host.user),
        };
        let created = store.invitation_create(&invitation, None, &authority, &mail, &event);
        assert!(created.await.expect("an invitation"), "{user} is invited");
        let accepted = self
            .identity()
            .invitation_accept(host.tenant, &invitation, user, now, &event)
            .await;
        accepted.expect("a member");
        host.tenant
    }

    /// Logs a person in to a tenant that it belongs to. The name means the person there from now on.
    pub async fn enter(&self, name: &str, tenant: TenantId) -> Person {
        let Person { user, .. } = self.get(name).await;
        let person = self.log_in(user, tenant).await;
        self.lock().insert(name.to_owned(), person);
        person
    }

    /// Opens one more session of a person, which stands in its tenant's trail.
    pub async fn log_in_again(&self, name: &str) {
        let Person { user, tenant, .. } = self.get(name).await;
        self.log_in(user, tenant).await;
    }

    /// Takes a person out of the tenant that it was logged in to last.
    pub async fn leave(&self, name: &str) {
        let Person { user, tenant, .. } = self.get(name).await;
        let found = self.identity().user_get(user).await.expect("a read");
        let (_, memberships) = found.expect("an account");
        let membership = memberships
            .iter()
            .find(|membership| membership.tenant == tenant);
        let event = self.event(tenant, user);
        let left = self
            .identity()
            .membership_end(user, membership.expect("a member"), &event)
            .await;
        assert_eq!(left.expect("a write"), MemberChanged::Yes);
    }

    /// Gives a member another role, past the function that would ask who may.
    pub async fn change_role(
        &self,
        host: &str,
        user: UserId,
        (from, to): (MembershipRole, MembershipRole),
    ) {
        let caller = self.caller(host).await;
        let event = self.event(caller.tenant(), user);
        let store = self.direct.of(&caller);
        let member = store.member_get(user).await.expect("a read");
        let member = member.expect("a member");
        assert_eq!(member.role, from);
        let authority = Authority {
            role: MembershipRole::Owner,
            member: Some(caller.user()),
        };
        let changed = store.member_change(&member, to, &authority, &event).await;
        assert_eq!(changed.expect("a write"), MemberChanged::Yes);
    }

    /// The access token of a person.
    pub async fn token(&self, name: &str) -> String {
        let person = self.get(name).await;
        self.token_of(person).await
    }

    async fn token_of(&self, person: Person) -> String {
        // The role in the token tells other services something; here the row counts.
        let role = MembershipRole::Viewer;
        let Person {
            user,
            tenant,
            session,
        } = person;
        let token = self
            .app
            .authenticator
            .access_token(user, session, tenant, role);
        token.await.expect("a token")
    }

    /// A person as a caller.
    pub async fn caller(&self, name: &str) -> Caller {
        let person = self.get(name).await;
        self.caller_of(person).await
    }

    async fn caller_of(&self, person: Person) -> Caller {
        let token = self.token_of(person).await;
        let caller = self.app.authenticator.caller(&token).await;
        caller.expect("a caller").0
    }

    /// A new API key of a person, as it is sent.
    pub async fn api_key(&self, name: &str, scopes: &[Scope]) -> String {
        let caller = self.caller(name).await;
        let text = ApiKeyText::random(self.app.config.stage).expect("a key");
        let store = self.direct.of(&caller);
        let member = store.member_get(caller.user()).await.expect("a read");
        let key = ApiKey {
            id: ApiKeyId::new(),
            name: "a key".to_owned(),
            owner: caller.user(),
            member_since: member.expect("a member").created_at,
            scopes: scopes.to_vec().into(),
            current: KeySecret {
                hash: text.hash(),
                last4: text.last4().to_owned(),
                expires_at: None,
            },
            previous: Vec::new(),
            last_used_at: None,
            expires_at: None,
            version: 1,
            created_at: self.app.clock.now(),
        };
        let event = self.event(caller.tenant(), caller.user());
        let created = store.api_key_create(&key, &event).await;
        assert!(created.expect("a key"), "the tenant has too many keys");
        text.expose().to_owned()
    }

    /// The letters in the outbox that go somewhere, oldest first.
    pub(crate) async fn letters(&self) -> Vec<(String, String, String)> {
        #[expect(clippy::disallowed_methods, reason = "letters are read here for tests")]
        let outbox = self.direct.outbox();
        let now = self.app.clock.now();
        let later = now.plus(Duration::from_secs(1));
        let mut letters = Vec::new();
        let mut due = outbox.mails_due(later, 1000).await.expect("mails");
        due.sort();
        for id in due {
            // Taken until now, which is not taken at all.
            let mail = outbox.mail_take(id, now, now).await.expect("a mail");
            let letter = self.app.post.open(&mail.expect("it waits")).await;
            let letter = letter.expect("a letter");
            if let Some(to) = letter.to {
                letters.push((to, letter.subject, letter.text));
            }
        }
        letters
    }

    async fn account(&self, name: &str) -> (UserId, TenantId) {
        let now = self.app.clock.now();
        let (user, tenant) = (UserId::new(), TenantId::new());
        let account = NewAccount {
            user: User {
                id: user,
                email: address(name),
                name: Some(name.to_owned()),
                password_hash: PASSWORD_HASH.to_owned(),
                verified_at: Some(now),
                sessions_from: Moment::from_unix_seconds(0),
                created_at: now,
            },
            tenant: Tenant {
                id: tenant,
                name: "Personal".to_owned(),
                personal: true,
                status: TenantStatus::Active,
                version: 1,
                created_at: now,
            },
        };
        let proof = OneTime {
            token_hash: String::new(),
            email: String::new(),
            expires_at: 0,
        };
        let mail = self.app.post.seal(&Letter::blank()).await.expect("a mail");
        let event = self.event(tenant, user);
        let created = self
            .identity()
            .account_create(&account, (&proof, &mail), &event)
            .await;
        assert!(created.expect("an account"), "{name} has an account");
        (user, tenant)
    }

    async fn log_in(&self, user: UserId, tenant: TenantId) -> Person {
        let now = self.app.clock.now();
        let session = Session {
            id: SessionId::new(),
            user,
            tenant,
            user_agent: None,
            current_hash: RefreshSecret::random().expect("random").hash(),
            previous_hash: None,
            derived_with: None,
            rotated_at: now,
            created_at: now,
            expires_at: now.plus(Duration::from_secs(90 * 24 * 3600)),
        };
        let event = self.event(tenant, user);
        let created = self.identity().session_create(&session, &event).await;
        created.expect("a session");
        Person {
            user,
            tenant,
            session: session.id,
        }
    }

    fn event(&self, tenant: TenantId, user: UserId) -> AuditEvent {
        AuditEvent {
            tenant,
            actor: Actor::User(user),
            action: AuditAction::LoginSucceeded,
            target: None,
            outcome: AuditOutcome::Success,
            at: self.app.clock.now(),
            origin: Origin {
                request_id: RequestId::new(),
                source_ip: None,
                user_agent: None,
            },
        }
    }
}

fn address(name: &str) -> Email {
    let text = format!("{}@people.test", name.replace(' ', "."));
    Email::parse("/email", &text).expect("an address")
}
