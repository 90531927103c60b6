//! The caller: the permit without which no tenant's data can be reached.

use serde::{Deserialize, Serialize};

use crate::auth::access_token;
use crate::auth::api_key::ApiKeyText;
use crate::auth::federation::{self, Claimed, Federation};
use crate::auth::key_source::KeySource;
use crate::auth::policy;
use crate::auth::standing::Standings;
use crate::clock::Clock;
use crate::config::Stage;
use crate::error::{Error, Result};
use crate::model::{
    Actor, ApiKeyId, AuditAction, AuditEvent, AuditOutcome, MembershipRole, Origin, Scopes,
    SessionId, TenantId, TenantStatus, UserId,
};
use crate::store::Claim;

/// How a caller proved to be who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// With an access token of ours, which belongs to a session.
    Session(SessionId),
    /// With an API key.
    ApiKey {
        /// The key.
        id: ApiKeyId,
        /// What it may be used for.
        scopes: Scopes,
    },
    /// With a token of the tenant's own identity provider.
    Federated,
}

/// Who is calling, proved by a token or a key.
///
/// It has no public constructor: only [`Authenticator::caller`] makes one, and only from credentials that
/// hold. `Store::of` asks for it, so that a query without a caller does not compile.
#[derive(Debug, Clone)]
pub struct Caller {
    user: UserId,
    tenant: TenantId,
    role: MembershipRole,
    via: Via,
    /// The claim of the request, if it is to be done once.
    claim: Option<Claim>,
}

impl Caller {
    /// The person, or the person that the key acts for.
    pub const fn user(&self) -> UserId {
        self.user
    }

    /// The tenant whose data the person works on.
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// What the person may do in the tenant.
    pub const fn role(&self) -> MembershipRole {
        self.role
    }

    /// How it was proved.
    pub const fn via(&self) -> Via {
        self.via
    }

    /// The login from which the token comes. A key and a foreign token have none.
    pub const fn session(&self) -> Option<SessionId> {
        match self.via {
            Via::Session(session) => Some(session),
            Via::ApiKey { .. } | Via::Federated => None,
        }
    }

    /// What the caller leaves behind for work that is done later.
    pub const fn mandate(&self) -> Mandate {
        Mandate {
            user: self.user,
            tenant: self.tenant,
            role: self.role,
            via: self.via,
        }
    }

    /// Who asks, for what is counted and remembered of its requests: a key has requests of its own.
    pub(crate) fn principal(&self) -> String {
        match self.via {
            Via::ApiKey { id, .. } => id.to_string(),
            Via::Session(_) | Via::Federated => self.user.to_string(),
        }
    }

    /// The same caller of a request that is to be done once.
    pub(crate) fn claiming(self, claim: Claim) -> Self {
        Self {
            claim: Some(claim),
            ..self
        }
    }

    /// The claim of the request, if it is to be done once.
    pub(crate) const fn claim(&self) -> Option<&Claim> {
        self.claim.as_ref()
    }

    /// Who it is in the audit trail.
    pub const fn actor(&self) -> Actor {
        match self.via {
            Via::ApiKey { id, .. } => Actor::ApiKey(id),
            Via::Session(_) | Via::Federated => Actor::User(self.user),
        }
    }

    /// An event of the caller's in the trail of its tenant, done now.
    pub fn did(
        &self,
        clock: &Clock,
        origin: &Origin,
        action: AuditAction,
        target: Option<String>,
    ) -> AuditEvent {
        AuditEvent {
            tenant: self.tenant,
            actor: self.actor(),
            action,
            target,
            outcome: AuditOutcome::Success,
            at: clock.now(),
            origin: origin.clone(),
        }
    }
}

#[cfg(test)]
impl Caller {
    /// Somebody, to ask what such a one may.
    pub(super) fn somebody(role: MembershipRole, via: Via) -> Self {
        Self {
            user: UserId::new(),
            tenant: TenantId::new(),
            role,
            via,
            claim: None,
        }
    }
}

/// On whose behalf work is done after the request that asked for it. It is stored, and permits nothing by itself:
/// before the work is done it is asked what it is worth then ([`Authenticator::by_mandate`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mandate {
    /// The person, or the person that the key acts for.
    pub user: UserId,
    /// The tenant whose data the person works on.
    pub tenant: TenantId,
    /// What the person might do then. It counts only for people of another issuer, who have no row here.
    role: MembershipRole,
    via: Via,
}

/// Makes access tokens, and finds out who sends a token or a key.
#[derive(Debug, Clone)]
pub struct Authenticator {
    keys: KeySource,
    issuer: String,
    clock: Clock,
    stage: Stage,
    standings: Standings,
    federation: Federation,
}

impl Authenticator {
    /// With those keys, for tokens of that issuer.
    pub const fn new(
        keys: KeySource,
        issuer: String,
        clock: Clock,
        stage: Stage,
        standings: Standings,
        federation: Federation,
    ) -> Self {
        Self {
            keys,
            issuer,
            clock,
            stage,
            standings,
            federation,
        }
    }

    /// Who sends this bearer token, and the status of the tenant. What does not hold is `Unauthenticated`,
    /// whatever the reason.
    pub async fn caller(&self, token: &str) -> Result<(Caller, TenantStatus)> {
        if ApiKeyText::is_meant(token) {
            return self.by_key(token).await;
        }
        // What can't be read as anybody's is left to our own check, which refuses it.
        let claimed = federation::peek(token);
        if let Some(claimed) = claimed.filter(|claimed| claimed.issuer != self.issuer) {
            return self.by_issuer(&claimed).await;
        }
        let now = self.clock.now();
        let claims = access_token::verify(&self.keys, &self.issuer, now, token).await?;
        let standing = self.standings.of(claims.sub, claims.tid, Some(claims.sid));
        let standing = standing.await?.ok_or(Error::Unauthenticated)?;
        let caller = Caller {
            user: claims.sub,
            tenant: claims.tid,
            role: standing.role,
            via: Via::Session(claims.sid),
            claim: None,
        };
        Ok((caller, standing.tenant))
    }

    /// Whose access token this is. It permits nothing: whether the session lives is not asked.
    pub async fn subject(&self, token: &str) -> Result<UserId> {
        let now = self.clock.now();
        let claims = access_token::verify(&self.keys, &self.issuer, now, token);
        Ok(claims.await?.sub)
    }

    async fn by_key(&self, text: &str) -> Result<(Caller, TenantStatus)> {
        let text = ApiKeyText::parse(text, self.stage).ok_or(Error::Unauthenticated)?;
        let grant = self.standings.grant(&text.hash()).await?;
        let grant = grant.ok_or(Error::Unauthenticated)?;
        let standing = self.standings.of(grant.key_owner, grant.tenant, None);
        let (standing, ()) = tokio::join!(standing, self.standings.note_use(&grant));
        let standing = standing?.ok_or(Error::Unauthenticated)?;
        // A key dies with the membership that it was made in, also for whoever joins again.
        if standing.member_since != grant.member_since {
            return Err(Error::Unauthenticated);
        }
        let caller = Caller {
            user: grant.key_owner,
            tenant: grant.tenant,
            role: standing.role,
            via: Via::ApiKey {
                id: grant.id,
                scopes: grant.scopes,
            },
            claim: None,
        };
        Ok((caller, standing.tenant))
    }

    /// Who left that mandate behind, as far as it is still good, and the status of the tenant. Work outlives the login
    /// that asked for it, but not the membership, and not the key.
    pub async fn by_mandate(&self, mandate: &Mandate) -> Result<(Caller, TenantStatus)> {
        let Mandate {
            user,
            tenant,
            role,
            via,
        } = *mandate;
        if via == Via::Federated {
            let status = self.standings.tenant(tenant).await?;
            let caller = Caller {
                user,
                tenant,
                role,
                via,
                claim: None,
            };
            return Ok((caller, status.ok_or(Error::Unauthenticated)?));
        }
        let standing = self.standings.of(user, tenant, None).await?;
        let standing = standing.ok_or(Error::Unauthenticated)?;
        let via = match via {
            Via::ApiKey { id, .. } => {
                let key = self.standings.key(tenant, id).await?;
                let key = key.filter(|key| key.member_since == standing.member_since);
                let scopes = key.ok_or(Error::Unauthenticated)?.scopes;
                Via::ApiKey { id, scopes }
            }
            Via::Session(_) | Via::Federated => via,
        };
        let caller = Caller {
            user,
            tenant,
            role: standing.role,
            via,
            claim: None,
        };
        Ok((caller, standing.tenant))
    }

    /// Who left that mandate behind, if they may still send a POST to that route.
    ///
    /// # Errors
    /// `Unauthenticated` or a refusal of the route's rule.
    pub async fn still_may(&self, mandate: &Mandate, path: &str) -> Result<Caller> {
        let rule = policy::find("POST", path);
        let rule = rule.ok_or_else(|| Error::internal(format!("no rule for {path}")))?;
        let (caller, tenant) = self.by_mandate(mandate).await?;
        policy::decide(rule, &caller, tenant)?;
        Ok(caller)
    }

    /// By a token of an issuer that a tenant trusts. Nobody of such an issuer has a row here.
    async fn by_issuer(&self, claimed: &Claimed<'_>) -> Result<(Caller, TenantStatus)> {
        let (provider, claims) = self.federation.verify(claimed).await?;
        let tenant = self.standings.tenant(provider.tenant).await?;
        let caller = Caller {
            user: UserId::of_issuer(provider.tenant, &provider.issuer, &claims.subject),
            tenant: provider.tenant,
            role: claims.role,
            via: Via::Federated,
            claim: None,
        };
        Ok((caller, tenant.ok_or(Error::Unauthenticated)?))
    }

    /// A new access token for a session.
    pub async fn access_token(
        &self,
        user: UserId,
        session: SessionId,
        tenant: TenantId,
        role: MembershipRole,
    ) -> Result<String> {
        let membership = crate::model::Membership { tenant, role };
        access_token::sign(
            &self.keys,
            &self.issuer,
            self.clock.now(),
            user,
            session,
            &membership,
        )
        .await
    }

    /// The keys that it signs with.
    pub const fn keys(&self) -> &KeySource {
        &self.keys
    }

    /// What it knows of other issuers.
    pub const fn federation(&self) -> &Federation {
        &self.federation
    }

    /// What it remembers of people and keys.
    pub const fn standings(&self) -> &Standings {
        &self.standings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Scope;

    #[test]
    fn a_key_has_a_name_of_its_own_and_acts_for_its_maker() {
        let (id, scopes) = (ApiKeyId::new(), Scopes::from(vec![Scope::Chat]));
        let key = Caller::somebody(MembershipRole::Member, Via::ApiKey { id, scopes });
        assert_eq!(key.principal(), id.to_string());
        assert_eq!(key.actor(), Actor::ApiKey(id));
        assert_eq!(key.session(), None);
        let session = SessionId::new();
        for (via, session) in [
            (Via::Session(session), Some(session)),
            (Via::Federated, None),
        ] {
            let person = Caller::somebody(MembershipRole::Member, via);
            assert_eq!(person.principal(), person.user().to_string());
            assert_eq!(person.actor(), Actor::User(person.user()));
            assert_eq!(person.session(), session);
        }
    }
}
