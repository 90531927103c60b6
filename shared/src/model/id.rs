//! Ids: a type prefix and a UUID version 7 (RFC 9562), which sorts by the time it was made.
//!
//! An id can hold nothing but its prefix and 32 hex digits, so that none can smuggle a separator into a key.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

/// A text that is not an id of the wanted type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not an id of that type")]
pub struct NotAnId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $pattern:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, utoipa::ToSchema)]
        #[schema(value_type = String, pattern = $pattern)]
        pub struct $name(uuid::Uuid);

        impl $name {
            /// A new id that sorts after all that this process made before.
            #[expect(clippy::new_without_default, reason = "two calls give two values")]
            pub fn new() -> Self {
                Self(uuid::Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let digits = text.strip_prefix(concat!($prefix, "_")).ok_or(NotAnId)?;
                parse_digits(digits).map(Self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// An API key, whatever its secret is at the time.
    ApiKeyId, "key", "^key_[0-9a-f]{32}$"
);
id!(
    /// A conversation.
    ConversationId, "conv", "^conv_[0-9a-f]{32}$"
);
id!(
    /// A document of a knowledge base. Its prefix is that of OpenAI's files.
    DocumentId, "file", "^file_[0-9a-f]{32}$"
);
id!(
    /// One content that a document has or had.
    DocumentVersionId, "ver", "^ver_[0-9a-f]{32}$"
);
id!(
    /// Files that were put into a knowledge base together. Its prefix is that of OpenAI's batches of files.
    FileBatchId, "vsfb", "^vsfb_[0-9a-f]{32}$"
);
id!(
    /// Another issuer of tokens, as a tenant trusts it.
    IdentityProviderId, "idp", "^idp_[0-9a-f]{32}$"
);
id!(
    /// One index of a knowledge base: another embedding model has another one.
    IndexId, "idx", "^idx_[0-9a-f]{32}$"
);
id!(
    /// An invitation into a tenant.
    InvitationId, "inv", "^inv_[0-9a-f]{32}$"
);
id!(
    /// A job: work that is done after the request that caused it.
    JobId, "job", "^job_[0-9a-f]{32}$"
);
id!(
    /// A knowledge base. Its prefix is that of OpenAI's vector stores.
    KnowledgeBaseId, "vs", "^vs_[0-9a-f]{32}$"
);
id!(
    /// A message of a conversation.
    MessageId, "msg", "^msg_[0-9a-f]{32}$"
);
id!(
    /// A mail that is to be sent.
    OutboxId, "out", "^out_[0-9a-f]{32}$"
);
id!(
    /// One request, in replies and in log lines.
    RequestId, "req", "^req_[0-9a-f]{32}$"
);
id!(
    /// A response of the OpenAI-compatible API: it has the digits of its run.
    ResponseId, "resp", "^resp_[0-9a-f]{32}$"
);
id!(
    /// A run: one question and what becomes of it.
    RunId, "run", "^run_[0-9a-f]{32}$"
);
id!(
    /// The work of one process on a run.
    RunnerId, "rnr", "^rnr_[0-9a-f]{32}$"
);
id!(
    /// A packed part of an index.
    SegmentId, "seg", "^seg_[0-9a-f]{32}$"
);
id!(
    /// One login and the refresh tokens that descend from it.
    SessionId, "ses", "^ses_[0-9a-f]{32}$"
);
id!(
    /// A tenant: who owns data.
    TenantId, "ten", "^ten_[0-9a-f]{32}$"
);
id!(
    /// A person.
    UserId, "usr", "^usr_[0-9a-f]{32}$"
);

impl JobId {
    /// The job that stands for a run in the background: it has the run's digits.
    pub const fn of_run(run: RunId) -> Self {
        Self(run.0)
    }
}

impl MessageId {
    /// The answer that a run makes: it has the run's digits.
    pub const fn of_run(run: RunId) -> Self {
        Self(run.0)
    }
}

impl ResponseId {
    /// The response that a run makes.
    pub const fn of_run(run: RunId) -> Self {
        Self(run.0)
    }

    /// The run that makes it.
    pub const fn run(self) -> RunId {
        RunId(self.0)
    }

    /// Its digits, for the ids of what is in it.
    pub fn digits(self) -> String {
        self.0.simple().to_string()
    }
}

impl RequestId {
    /// Its 128 bits, the last 56 of which are random: a trace that begins with this request has the same.
    pub fn bits(self) -> u128 {
        self.0.as_u128()
    }
}

impl TenantId {
    /// In whose trail stands what happens to nobody's account: 256 ids that no tenant has, so that a flood of
    /// such events does not queue for one chain.
    pub fn nobody(shard: u8) -> Self {
        Self(uuid::Uuid::from_u128(u128::from(shard)))
    }

    /// Whether it is one of those.
    pub fn is_nobody(self) -> bool {
        self.0.as_u128() < 256
    }
}

impl UserId {
    /// The id of a person of another issuer in a tenant: the same for the same person, and another one in every other
    /// tenant, so that nobody follows a person from tenant to tenant.
    ///
    /// It is a UUID of version 8 (RFC 9562, section 5.8) out of 122 bits of a hash; our own ids are of version 7, so
    /// that none is ever the same.
    pub fn of_issuer(tenant: TenantId, issuer: &str, subject: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(tenant.to_string());
        for part in [issuer, subject] {
            // The length keeps what is of one part from looking like the other's.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let digest = hash.finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// Whether it is the id of a person of another issuer, who has no row here.
    pub fn is_of_issuer(self) -> bool {
        self.0.get_version_num() == 8
    }
}

/// Only the one spelling that `Display` writes: `Uuid` itself takes capitals, hyphens and braces too.
fn parse_digits(digits: &str) -> Result<uuid::Uuid, NotAnId> {
    let plain = digits.len() == 32
        && digits
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !plain {
        return Err(NotAnId);
    }
    uuid::Uuid::try_parse(digits).map_err(|_| NotAnId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_it_was_written() {
        let id = ConversationId::new();
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn only_the_exact_spelling_is_an_id() {
        let id = ConversationId::new().to_string();
        for wrong in [
            id.to_uppercase(),
            id.replace("conv_", "msg_"),
            format!("{id}#MSG"),
            format!("{id} "),
            id.replacen("conv_", "conv_{", 1),
            "conv_../../etc/passwd".to_owned(),
            String::new(),
        ] {
            assert_eq!(wrong.parse::<ConversationId>(), Err(NotAnId), "{wrong}");
        }
    }

    #[test]
    fn a_person_of_another_issuer_has_one_id_in_each_tenant_and_none_of_ours() {
        let (tenant, other) = (TenantId::new(), TenantId::new());
        let ada = UserId::of_issuer(tenant, "https://a.example", "ada");
        assert_eq!(ada, UserId::of_issuer(tenant, "https://a.example", "ada"));
        for different in [
            UserId::of_issuer(other, "https://a.example", "ada"),
            UserId::of_issuer(tenant, "https://b.example", "ada"),
            UserId::of_issuer(tenant, "https://a.example", "bob"),
            UserId::of_issuer(tenant, "https://a.examplea", "da"),
            UserId::of_issuer(tenant, "https://a.exampl", "eada"),
        ] {
            assert_ne!(ada, different);
        }
        assert!(ada.is_of_issuer() && !UserId::new().is_of_issuer());
        assert_eq!(ada.to_string().parse(), Ok(ada));
    }

    #[test]
    fn later_ids_sort_later() {
        let ids: Vec<String> = (0..100).map(|_| MessageId::new().to_string()).collect();
        assert!(ids.is_sorted());
    }
}
