//! Knowledge bases: documents of a team that are searched, who may see them, and where their index is.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::conversation::line;
use super::{IndexId, KnowledgeBaseId, MembershipRole, SegmentId, UserId};
use crate::clock::Moment;
use crate::error::{Error, Result};

/// How many people a list of readers may name.
pub const MAX_READERS: usize = 100;

/// What a knowledge base is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnowledgeBaseName(String);

impl KnowledgeBaseName {
    /// The longest, in characters.
    pub const MAX_CHARACTERS: usize = 200;

    /// Between 1 and 200 characters on one line, trimmed.
    pub fn parse(field: &str, text: &str) -> Result<Self> {
        line(field, text, Self::MAX_CHARACTERS).map(Self)
    }

    /// The name.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Who may search a knowledge base and read its documents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Whoever created it, and its readers.
    #[default]
    Private,
    /// Everybody in the tenant.
    Tenant,
}

/// What keeps an index.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum IndexBackend {
    /// Packed segments in the deployment's own bucket, which are searched exactly.
    #[default]
    BuiltIn,
    /// Amazon S3 Vectors. It knows vectors and no words.
    S3Vectors,
    /// A Qdrant server.
    Qdrant,
}

/// How documents are cut into chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Chunking {
    /// How many tokens a chunk may have, as we count them: 64 to 2048, and no more than the embedding model takes.
    #[schema(minimum = 64, maximum = 2048)]
    pub max_tokens: u32,
    /// How many of them it may repeat of the chunk before: less than half.
    #[schema(minimum = 0)]
    pub overlap_tokens: u32,
}

/// How an index is made: what would need another one, if it changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexSettings {
    /// The embedding model.
    pub embedding_model: String,
    /// How many numbers a vector has.
    pub dimensions: u32,
    /// How documents are cut.
    pub chunking: Chunking,
}

/// A collection of documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnowledgeBase {
    /// Its id.
    pub id: KnowledgeBaseId,
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What programs keep with it: OpenAI's metadata.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// Who created it.
    pub created_by: UserId,
    /// Who may read it.
    pub visibility: Visibility,
    /// Who may read it although it is private.
    pub readers: BTreeSet<UserId>,
    /// What keeps its index. It stays as it was created.
    pub backend: IndexBackend,
    /// Goes up with each change.
    pub version: u64,
    /// When it was created.
    pub created_at: Moment,
    /// When it was changed last.
    pub updated_at: Moment,
}

impl KnowledgeBase {
    /// Whether somebody with that role may search it, and read those of its documents that are for everybody in it.
    pub fn may_read(&self, user: UserId) -> bool {
        self.visibility == Visibility::Tenant
            || self.created_by == user
            || self.readers.contains(&user)
    }

    /// Whether somebody with that role may change it and its documents, and see all of them: who created it, and
    /// administrators of the tenant who may read it.
    pub fn may_write(&self, user: UserId, role: MembershipRole) -> bool {
        self.created_by == user || (role >= MembershipRole::Admin && self.may_read(user))
    }
}

/// A list of readers that keeps its bound.
pub fn checked_readers(field: &str, readers: BTreeSet<UserId>) -> Result<BTreeSet<UserId>> {
    if readers.len() > MAX_READERS {
        let detail = format!("must name at most {MAX_READERS} people");
        return Err(Error::invalid(field, detail));
    }
    Ok(readers)
}

/// What programs keep with a knowledge base, if it keeps OpenAI's bounds: 16 texts of 512 characters, by names of 64.
pub fn checked_metadata(
    field: &str,
    given: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>> {
    let is_name = |name: &str| (1..=64).contains(&name.chars().count());
    let keeps = |(name, text): (&String, &String)| is_name(name) && text.chars().count() <= 512;
    if given.len() <= 16 && given.iter().all(keeps) {
        return Ok(given);
    }
    let detail =
        "must have at most 16 texts of up to 512 characters, by names of 1 to 64 characters";
    Err(Error::invalid(field, detail))
}

/// A packed part of an index. It is never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentRef {
    /// Its id, and its name in the bucket.
    pub id: SegmentId,
    /// Its length in bytes.
    pub bytes: u64,
    /// How many chunks are in it.
    pub chunks: u64,
}

/// What an index consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Which index.
    pub id: IndexId,
    /// How it is made.
    #[serde(flatten)]
    pub settings: IndexSettings,
    /// Its segments. Empty where another backend keeps it.
    pub segments: Vec<SegmentRef>,
}

impl Manifest {
    /// A new one without documents.
    pub fn new(settings: IndexSettings) -> Self {
        Self {
            id: IndexId::new(),
            settings,
            segments: Vec::new(),
        }
    }
}

/// An index that no longer counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetiredIndex {
    /// Which.
    pub id: IndexId,
    /// How many numbers its vectors have.
    pub dimensions: u32,
}

/// The indexes of a knowledge base, and what of them is dead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnowledgeIndex {
    /// The one that is searched.
    pub active: Manifest,
    /// The one that is made to take its place.
    pub building: Option<Manifest>,
    /// Those that no longer count and are still to be deleted.
    #[serde(default)]
    pub retired: Vec<RetiredIndex>,
    /// The versions of documents that are in indexes and no longer count, as `<document>/<version>`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub dead: BTreeSet<String>,
    /// Goes up whenever a document becomes ready or goes, and whenever segments change.
    pub revision: u64,
    /// Goes up whenever it changes who may see which document.
    pub access_revision: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(visibility: Visibility, created_by: UserId, readers: &[UserId]) -> KnowledgeBase {
        let now = Moment::from_unix_seconds(0);
        KnowledgeBase {
            id: KnowledgeBaseId::new(),
            name: "Handbook".to_owned(),
            description: None,
            metadata: BTreeMap::new(),
            created_by,
            visibility,
            readers: readers.iter().copied().collect(),
            backend: IndexBackend::BuiltIn,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    #[test]
    fn a_private_base_is_for_its_maker_and_its_readers() {
        let [maker, reader, other] = [UserId::new(), UserId::new(), UserId::new()];
        let base = base(Visibility::Private, maker, &[reader]);
        assert!(base.may_read(maker) && base.may_read(reader) && !base.may_read(other));
        assert!(base.may_write(maker, MembershipRole::Member));
        assert!(!base.may_write(reader, MembershipRole::Member));
        // An administrator is nobody special where nothing may be read.
        assert!(!base.may_write(other, MembershipRole::Owner));
        assert!(base.may_write(reader, MembershipRole::Admin));
    }

    #[test]
    fn a_base_of_the_tenant_is_for_all_and_changed_by_administrators() {
        let [maker, other] = [UserId::new(), UserId::new()];
        let base = base(Visibility::Tenant, maker, &[]);
        assert!(base.may_read(other));
        assert!(!base.may_write(other, MembershipRole::Member));
        assert!(base.may_write(other, MembershipRole::Admin));
    }
}
