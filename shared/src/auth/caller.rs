//! The caller: the permit without which no tenant's data can be reached.

use crate::auth::access_token;
use crate::auth::key_source::KeySource;
use crate::clock::Clock;
use crate::error::Result;
use crate::model::{Membership, MembershipRole, SessionId, TenantId, UserId};

/// Who is calling, proved by an access token.
///
/// It has no public constructor: only [`Authenticator::caller`] makes one, and only from a token that
/// holds. `Store::of` asks for it, so that a query without a caller does not compile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    user: UserId,
    tenant: TenantId,
    session: SessionId,
    role: MembershipRole,
}

impl Caller {
    /// The person.
    pub const fn user(&self) -> UserId {
        self.user
    }

    /// The tenant whose data the person works on.
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The login from which the token comes.
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// What the person may do in the tenant.
    pub const fn role(&self) -> MembershipRole {
        self.role
    }
}

/// Makes and checks access tokens.
#[derive(Debug, Clone)]
pub struct Authenticator {
    keys: KeySource,
    issuer: String,
    clock: Clock,
}

impl Authenticator {
    /// With those keys, for tokens of that issuer.
    pub const fn new(keys: KeySource, issuer: String, clock: Clock) -> Self {
        Self {
            keys,
            issuer,
            clock,
        }
    }

    /// Who sends this token. Any token that does not hold is `Unauthenticated`.
    pub async fn caller(&self, token: &str) -> Result<Caller> {
        let claims =
            access_token::verify(&self.keys, &self.issuer, self.clock.now(), token).await?;
        Ok(Caller {
            user: claims.sub,
            tenant: claims.tid,
            session: claims.sid,
            role: claims.role,
        })
    }

    /// A new access token for a session.
    pub async fn access_token(
        &self,
        user: UserId,
        session: SessionId,
        membership: &Membership,
    ) -> Result<String> {
        access_token::sign(
            &self.keys,
            &self.issuer,
            self.clock.now(),
            user,
            session,
            membership,
        )
        .await
    }

    /// The keys that it signs with.
    pub const fn keys(&self) -> &KeySource {
        &self.keys
    }
}
