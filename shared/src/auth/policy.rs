//! Who may do what: one table of operations, one function that decides.
//!
//! An operation that does not stand here is refused to everybody, so that a new route has to be thought about.
//! A test compares the table with the OpenAPI document and plays every role against every operation.

use crate::auth::caller::{Caller, Via};
use crate::error::{Error, Result};
use crate::limits::Class;
use crate::model::{MembershipRole, Scope, TenantStatus};

/// Whether an API key may be used for an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyAccess {
    /// No: keys stand for programs and not for people.
    No,
    /// Any key may.
    Any,
    /// A key with this scope.
    With(Scope),
}

/// What an operation asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its HTTP method.
    pub method: &'static str,
    /// Its path, as the OpenAPI document has it.
    pub path: &'static str,
    /// The least role that may.
    pub role: MembershipRole,
    /// Whether keys may.
    pub keys: KeyAccess,
    /// Whether it is for people with an account here and a session, and not for those of another issuer.
    pub session_only: bool,
    /// Whether it is done in a suspended tenant too.
    pub while_suspended: bool,
    /// Whether what it does depends on the session of the token.
    pub on_session: bool,
    /// Against which limits it counts.
    pub class: Class,
}

impl Rule {
    /// Whether the same request with the same `Idempotency-Key` is done once, by `http/once.rs`. PUT and DELETE are
    /// the same twice as once by themselves, and so is a POST that only reads. A turn is begun once by its run, so that who
    /// asks again reads along.
    pub fn is_done_once(&self) -> bool {
        ["POST", "PATCH"].contains(&self.method)
            && ![Class::Turn, Class::Read].contains(&self.class)
    }
}

const fn rule(
    method: &'static str,
    path: &'static str,
    role: MembershipRole,
    keys: KeyAccess,
    class: Class,
) -> Rule {
    Rule {
        method,
        path,
        role,
        keys,
        session_only: false,
        while_suspended: false,
        on_session: false,
        class,
    }
}

/// An operation on the person's own account, whatever the tenant.
const fn own(method: &'static str, path: &'static str, class: Class) -> Rule {
    Rule {
        session_only: true,
        while_suspended: true,
        ..rule(method, path, MembershipRole::Viewer, KeyAccess::No, class)
    }
}

/// The same rule, only for people with an account and a session here.
const fn in_session(rule: Rule) -> Rule {
    Rule {
        session_only: true,
        ..rule
    }
}

/// The same rule for what is done to the session of the token.
const fn on_session(rule: Rule) -> Rule {
    Rule {
        on_session: true,
        ..rule
    }
}

/// The same rule, in a suspended tenant too.
const fn always(rule: Rule) -> Rule {
    Rule {
        while_suspended: true,
        ..rule
    }
}

use Class::{Read, Sensitive, Turn, Write};
use KeyAccess::{Any, No, With};
use MembershipRole::{Admin, Member, Owner, Viewer};

/// Every operation that asks who calls. The ones for everybody have no caller and do not stand here.
#[rustfmt::skip]
pub const RULES: &[Rule] = &[
    on_session(own("POST", "/api/v1/auth/logout", Write)),
    own("POST", "/api/v1/auth/logout-all", Sensitive),
    own("POST", "/api/v1/auth/switch-tenant", Write),
    own("GET", "/api/v1/auth/sessions", Read),
    own("DELETE", "/api/v1/auth/sessions/{session_id}", Write),
    always(rule("GET", "/api/v1/auth/me", Viewer, Any, Read)),
    own("PATCH", "/api/v1/auth/me", Write),
    own("DELETE", "/api/v1/auth/me", Sensitive),
    own("PUT", "/api/v1/auth/me/password", Sensitive),
    own("PUT", "/api/v1/auth/me/email", Sensitive),
    own("GET", "/api/v1/auth/me/preferences", Read),
    own("PUT", "/api/v1/auth/me/preferences", Write),

    own("GET", "/api/v1/tenants", Read),
    own("POST", "/api/v1/tenants", Sensitive),
    own("POST", "/api/v1/invitations/accept", Sensitive),
    always(rule("GET", "/api/v1/tenants/{tenant_id}", Viewer, With(Scope::TenantRead), Read)),
    rule("PATCH", "/api/v1/tenants/{tenant_id}", Admin, No, Write),
    always(rule("DELETE", "/api/v1/tenants/{tenant_id}", Owner, No, Sensitive)),
    always(rule("POST", "/api/v1/tenants/{tenant_id}/suspend", Owner, No, Sensitive)),
    always(rule("POST", "/api/v1/tenants/{tenant_id}/resume", Owner, No, Sensitive)),
    rule("GET", "/api/v1/tenants/{tenant_id}/members", Viewer, With(Scope::TenantRead), Read),
    rule("PATCH", "/api/v1/tenants/{tenant_id}/members/{user_id}", Admin, No, Sensitive),
    rule("DELETE", "/api/v1/tenants/{tenant_id}/members/{user_id}", Viewer, No, Sensitive),
    rule("GET", "/api/v1/tenants/{tenant_id}/invitations", Admin, With(Scope::TenantRead), Read),
    rule("POST", "/api/v1/tenants/{tenant_id}/invitations", Admin, No, Sensitive),
    rule("DELETE", "/api/v1/tenants/{tenant_id}/invitations/{invitation_id}", Admin, No, Write),
    rule("GET", "/api/v1/tenants/{tenant_id}/budgets", Viewer, With(Scope::TenantRead), Read),
    rule("GET", "/api/v1/tenants/{tenant_id}/budgets/{scope}", Viewer, With(Scope::TenantRead), Read),
    rule("PUT", "/api/v1/tenants/{tenant_id}/budgets/{scope}", Admin, No, Sensitive),
    rule("DELETE", "/api/v1/tenants/{tenant_id}/budgets/{scope}", Admin, No, Sensitive),
    rule("GET", "/api/v1/tenants/{tenant_id}/identity-providers", Admin, No, Read),
    rule("POST", "/api/v1/tenants/{tenant_id}/identity-providers", Owner, No, Sensitive),
    rule("GET", "/api/v1/tenants/{tenant_id}/identity-providers/{identity_provider_id}", Admin, No, Read),
    rule("DELETE", "/api/v1/tenants/{tenant_id}/identity-providers/{identity_provider_id}", Owner, No, Sensitive),

    rule("GET", "/api/v1/api-keys", Member, No, Read),
    in_session(rule("POST", "/api/v1/api-keys", Member, No, Sensitive)),
    rule("GET", "/api/v1/api-keys/{api_key_id}", Member, No, Read),
    rule("PATCH", "/api/v1/api-keys/{api_key_id}", Member, No, Sensitive),
    rule("DELETE", "/api/v1/api-keys/{api_key_id}", Member, No, Sensitive),
    in_session(rule("POST", "/api/v1/api-keys/{api_key_id}/rotate", Member, No, Sensitive)),

    rule("GET", "/api/v1/audit", Admin, With(Scope::AuditRead), Read),
    rule("GET", "/api/v1/audit/verify", Admin, With(Scope::AuditRead), Read),

    rule("GET", "/api/v1/provider-credentials", Admin, No, Read),
    rule("PUT", "/api/v1/provider-credentials/{provider}", Admin, No, Sensitive),
    rule("DELETE", "/api/v1/provider-credentials/{provider}", Admin, No, Sensitive),
    rule("POST", "/api/v1/provider-credentials/{provider}/rotate", Admin, No, Sensitive),

    rule("GET", "/api/v1/conversations", Viewer, With(Scope::ConversationsRead), Read),
    rule("POST", "/api/v1/conversations", Member, With(Scope::ConversationsWrite), Write),
    rule("GET", "/api/v1/conversations/{conversation_id}", Viewer, With(Scope::ConversationsRead), Read),
    rule("PATCH", "/api/v1/conversations/{conversation_id}", Member, With(Scope::ConversationsWrite), Write),
    rule("DELETE", "/api/v1/conversations/{conversation_id}", Member, With(Scope::ConversationsWrite), Write),
    rule("GET", "/api/v1/conversations/{conversation_id}/messages", Viewer, With(Scope::ConversationsRead), Read),
    rule("POST", "/api/v1/conversations/{conversation_id}/messages", Member, With(Scope::Chat), Turn),

    rule("GET", "/api/v1/runs", Viewer, With(Scope::ConversationsRead), Read),
    rule("GET", "/api/v1/runs/{run_id}", Viewer, With(Scope::ConversationsRead), Read),
    rule("GET", "/api/v1/runs/{run_id}/events", Viewer, With(Scope::ConversationsRead), Read),
    rule("POST", "/api/v1/runs/{run_id}/cancel", Member, With(Scope::Chat), Write),

    rule("GET", "/v1/conversations", Viewer, With(Scope::ConversationsRead), Read),
    rule("POST", "/v1/conversations", Member, With(Scope::ConversationsWrite), Write),
    rule("GET", "/v1/conversations/{conversation_id}", Viewer, With(Scope::ConversationsRead), Read),
    rule("POST", "/v1/conversations/{conversation_id}", Member, With(Scope::ConversationsWrite), Write),
    rule("DELETE", "/v1/conversations/{conversation_id}", Member, With(Scope::ConversationsWrite), Write),
    rule("GET", "/v1/conversations/{conversation_id}/items", Viewer, With(Scope::ConversationsRead), Read),
    rule("POST", "/v1/conversations/{conversation_id}/items", Member, With(Scope::ConversationsWrite), Write),
    rule("GET", "/v1/conversations/{conversation_id}/items/{item_id}", Viewer, With(Scope::ConversationsRead), Read),
    rule("DELETE", "/v1/conversations/{conversation_id}/items/{item_id}", Member, With(Scope::ConversationsWrite), Write),

    rule("POST", "/v1/chat/completions", Member, With(Scope::Chat), Turn),
    rule("POST", "/v1/responses", Member, With(Scope::Chat), Turn),
    rule("GET", "/v1/responses/{response_id}", Viewer, With(Scope::ConversationsRead), Read),
    rule("DELETE", "/v1/responses/{response_id}", Member, With(Scope::ConversationsWrite), Write),
    rule("POST", "/v1/responses/{response_id}/cancel", Member, With(Scope::Chat), Write),
    rule("GET", "/v1/responses/{response_id}/input_items", Viewer, With(Scope::ConversationsRead), Read),

    rule("GET", "/api/v1/jobs", Viewer, With(Scope::ConversationsRead), Read),
    rule("POST", "/api/v1/jobs", Member, With(Scope::Chat), Write),
    rule("GET", "/api/v1/jobs/statistics", Viewer, With(Scope::ConversationsRead), Read),
    rule("POST", "/api/v1/jobs/redrive", Admin, No, Sensitive),
    rule("GET", "/api/v1/jobs/{job_id}", Viewer, With(Scope::ConversationsRead), Read),
    rule("POST", "/api/v1/jobs/{job_id}/cancel", Member, With(Scope::Chat), Write),
    rule("POST", "/api/v1/jobs/{job_id}/retry", Member, With(Scope::Chat), Write),

    rule("GET", "/api/v1/knowledge-bases", Viewer, With(Scope::KnowledgeRead), Read),
    rule("POST", "/api/v1/knowledge-bases", Member, With(Scope::KnowledgeWrite), Write),
    rule("GET", "/api/v1/knowledge-bases/{knowledge_base_id}", Viewer, With(Scope::KnowledgeRead), Read),
    rule("PATCH", "/api/v1/knowledge-bases/{knowledge_base_id}", Member, With(Scope::KnowledgeWrite), Write),
    rule("DELETE", "/api/v1/knowledge-bases/{knowledge_base_id}", Member, With(Scope::KnowledgeWrite), Write),
    rule("POST", "/api/v1/knowledge-bases/{knowledge_base_id}/search", Viewer, With(Scope::KnowledgeRead), Read),
    rule("GET", "/api/v1/knowledge-bases/{knowledge_base_id}/documents", Viewer, With(Scope::KnowledgeRead), Read),
    rule("POST", "/api/v1/knowledge-bases/{knowledge_base_id}/documents", Member, With(Scope::KnowledgeWrite), Write),
    rule("GET", "/api/v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}", Viewer, With(Scope::KnowledgeRead), Read),
    rule("PATCH", "/api/v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}", Member, With(Scope::KnowledgeWrite), Write),
    rule("DELETE", "/api/v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}", Member, With(Scope::KnowledgeWrite), Write),
    rule("GET", "/api/v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}/text", Viewer, With(Scope::KnowledgeRead), Read),
    rule("POST", "/api/v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}/complete", Member, With(Scope::KnowledgeWrite), Write),
    rule("POST", "/api/v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}/replace", Member, With(Scope::KnowledgeWrite), Write),
    rule("POST", "/api/v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}/reprocess", Member, With(Scope::KnowledgeWrite), Write),

    rule("GET", "/v1/files", Viewer, With(Scope::KnowledgeRead), Read),
    rule("POST", "/v1/files", Member, With(Scope::KnowledgeWrite), Write),
    rule("GET", "/v1/files/{file_id}", Viewer, With(Scope::KnowledgeRead), Read),
    rule("DELETE", "/v1/files/{file_id}", Member, With(Scope::KnowledgeWrite), Write),
    rule("GET", "/v1/files/{file_id}/content", Viewer, With(Scope::KnowledgeRead), Read),
    rule("GET", "/v1/vector_stores", Viewer, With(Scope::KnowledgeRead), Read),
    rule("POST", "/v1/vector_stores", Member, With(Scope::KnowledgeWrite), Write),
    rule("GET", "/v1/vector_stores/{vector_store_id}", Viewer, With(Scope::KnowledgeRead), Read),
    rule("POST", "/v1/vector_stores/{vector_store_id}", Member, With(Scope::KnowledgeWrite), Write),
    rule("DELETE", "/v1/vector_stores/{vector_store_id}", Member, With(Scope::KnowledgeWrite), Write),
    rule("POST", "/v1/vector_stores/{vector_store_id}/search", Viewer, With(Scope::KnowledgeRead), Read),
    rule("GET", "/v1/vector_stores/{vector_store_id}/files", Viewer, With(Scope::KnowledgeRead), Read),
    rule("POST", "/v1/vector_stores/{vector_store_id}/files", Member, With(Scope::KnowledgeWrite), Write),
    rule("GET", "/v1/vector_stores/{vector_store_id}/files/{file_id}", Viewer, With(Scope::KnowledgeRead), Read),
    rule("POST", "/v1/vector_stores/{vector_store_id}/files/{file_id}", Member, With(Scope::KnowledgeWrite), Write),
    rule("DELETE", "/v1/vector_stores/{vector_store_id}/files/{file_id}", Member, With(Scope::KnowledgeWrite), Write),
    rule("GET", "/v1/vector_stores/{vector_store_id}/files/{file_id}/content", Viewer, With(Scope::KnowledgeRead), Read),
    rule("POST", "/v1/vector_stores/{vector_store_id}/file_batches", Member, With(Scope::KnowledgeWrite), Write),
    rule("GET", "/v1/vector_stores/{vector_store_id}/file_batches/{batch_id}", Viewer, With(Scope::KnowledgeRead), Read),
    rule("POST", "/v1/vector_stores/{vector_store_id}/file_batches/{batch_id}/cancel", Member, With(Scope::KnowledgeWrite), Write),
    rule("GET", "/v1/vector_stores/{vector_store_id}/file_batches/{batch_id}/files", Viewer, With(Scope::KnowledgeRead), Read),

    rule("GET", "/api/v1/models", Viewer, With(Scope::ModelsRead), Read),
    rule("GET", "/api/v1/models/{model_id}", Viewer, With(Scope::ModelsRead), Read),
    rule("GET", "/v1/models", Viewer, With(Scope::ModelsRead), Read),
    rule("GET", "/v1/models/{model}", Viewer, With(Scope::ModelsRead), Read),
    rule("POST", "/v1/embeddings", Member, With(Scope::Chat), Turn),
    rule("POST", "/v1/moderations", Member, With(Scope::Chat), Turn),
    rule("GET", "/api/v1/registry", Admin, No, Read),
    rule("PUT", "/api/v1/registry", Admin, No, Sensitive),
];

/// Where messages are sent, so turns are begun: what is done for a turn asks for the same.
pub const MESSAGES: &str = "/api/v1/conversations/{conversation_id}/messages";

/// The rule of an operation.
pub fn find(method: &str, path: &str) -> Option<&'static Rule> {
    // A HEAD is served by the handler of GET.
    let method = if method == "HEAD" { "GET" } else { method };
    RULES
        .iter()
        .find(|rule| rule.method == method && rule.path == path)
}

/// Whether a key of a member with that role could use the scope for anything.
pub fn may_hold(role: MembershipRole, scope: Scope) -> bool {
    RULES
        .iter()
        .any(|rule| rule.keys == With(scope) && role >= rule.role)
}

/// Whether the caller may. The one place that decides.
pub fn decide(rule: &Rule, caller: &Caller, tenant: TenantStatus) -> Result<()> {
    if tenant != TenantStatus::Active && !rule.while_suspended {
        return Err(Error::TenantSuspended);
    }
    if caller.role() < rule.role {
        return Err(Error::Forbidden(
            "your role in this tenant does not allow it; ask an administrator",
        ));
    }
    match caller.via() {
        Via::Session(_) => Ok(()),
        Via::Federated if rule.session_only => Err(Error::Forbidden(
            "this is for accounts with a session here; your account is managed by your identity provider",
        )),
        Via::Federated => Ok(()),
        Via::ApiKey { scopes, .. } => match rule.keys {
            No => Err(Error::Forbidden(
                "API keys can't be used for this; log in and use an access token",
            )),
            Any => Ok(()),
            With(scope) if scopes.has(scope) => Ok(()),
            With(_) => Err(Error::Forbidden(
                "the API key lacks the scope for this; make one that has it",
            )),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ApiKeyId, Scopes, SessionId};

    /// What is decided for somebody with that role: `false` with a 403.
    fn may(rule: &Rule, role: MembershipRole, via: Via, tenant: TenantStatus) -> bool {
        match decide(rule, &Caller::somebody(role, via), tenant) {
            Ok(()) => true,
            Err(Error::Forbidden(_)) => false,
            Err(other) => panic!("{other:?}"),
        }
    }

    fn key(scope: Scope) -> Via {
        Via::ApiKey {
            id: ApiKeyId::new(),
            scopes: Scopes::from(vec![scope]),
        }
    }

    #[test]
    fn the_least_role_may_and_those_above_it() {
        let rule = rule("POST", "/x", Member, No, Write);
        let session = Via::Session(SessionId::new());
        let all = [Viewer, Member, Admin, Owner];
        let may = all.map(|role| may(&rule, role, session, TenantStatus::Active));
        assert_eq!(may, [false, true, true, true]);
    }

    #[test]
    fn how_it_was_proved_counts_as_the_rule_says() {
        let with = |keys| rule("POST", "/x", Member, keys, Write);
        let (session, key) = (Via::Session(SessionId::new()), key(Scope::Chat));
        for (rule, expected) in [
            (with(No), [true, true, false]),
            (with(Any), [true, true, true]),
            (with(With(Scope::Chat)), [true, true, true]),
            (with(With(Scope::AuditRead)), [true, true, false]),
            (in_session(with(No)), [true, false, false]),
            (own("POST", "/x", Write), [true, false, false]),
        ] {
            let all = [session, Via::Federated, key];
            let may = all.map(|via| may(&rule, Owner, via, TenantStatus::Active));
            assert_eq!(may, expected, "{rule:?}");
        }
    }

    #[test]
    fn in_a_suspended_tenant_only_what_is_meant_for_it_is_done() {
        let rule = rule("POST", "/x", Member, No, Write);
        let caller = Caller::somebody(Owner, Via::Session(SessionId::new()));
        let refused = decide(&rule, &caller, TenantStatus::Suspended);
        assert!(matches!(refused, Err(Error::TenantSuspended)));
        for rule in [always(rule), own("POST", "/x", Write)] {
            assert!(decide(&rule, &caller, TenantStatus::Suspended).is_ok());
        }
    }

    #[test]
    fn what_changes_something_and_is_no_turn_is_done_once() {
        let done_once = |method, class| rule(method, "/x", Member, No, class).is_done_once();
        assert!(done_once("POST", Write) && done_once("PATCH", Sensitive));
        assert!(!done_once("POST", Turn) && !done_once("POST", Read));
        assert!(!done_once("PUT", Write) && !done_once("DELETE", Write));
        assert!(on_session(rule("POST", "/x", Member, No, Write)).on_session);
    }

    #[test]
    fn no_operation_stands_twice() {
        for (index, rule) in RULES.iter().enumerate() {
            let same = |other: &Rule| (other.method, other.path) == (rule.method, rule.path);
            assert!(
                !RULES[index + 1..].iter().any(same),
                "{} {}",
                rule.method,
                rule.path
            );
        }
    }

    #[test]
    fn what_does_not_stand_there_has_no_rule() {
        assert!(find("GET", "/api/v1/nothing").is_none());
        assert!(find("PUT", "/api/v1/conversations").is_none());
        assert_eq!(
            find("HEAD", "/api/v1/models"),
            find("GET", "/api/v1/models")
        );
    }

    #[test]
    fn a_scope_is_for_the_roles_that_could_use_it() {
        let roles = |scope| {
            let all = [Viewer, Member, Admin, Owner];
            all.map(|role| may_hold(role, scope))
        };
        assert_eq!(roles(Scope::ConversationsRead), [true, true, true, true]);
        assert_eq!(roles(Scope::ConversationsWrite), [false, true, true, true]);
        assert_eq!(roles(Scope::Chat), [false, true, true, true]);
        assert_eq!(roles(Scope::AuditRead), [false, false, true, true]);
        for scope in Scope::ALL {
            assert!(may_hold(Owner, scope), "{scope:?} is for nothing");
        }
    }
}
