//! The vectors of what was searched for a moment ago.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use shared::clock::Moment;
use shared::model::TenantId;

use crate::catalogue::EmbeddingModel;

/// How many queries a process remembers, and for how long.
const REMEMBERED: usize = 512;
const REMEMBERED_FOR: Duration = Duration::from_secs(600);

/// Of whom and of what a vector is.
pub(super) type Asked = (TenantId, [u8; 32]);
/// Vectors, and when they were made.
type Made = HashMap<Asked, (Vec<f32>, Moment)>;

/// The vectors of what was searched for last.
#[derive(Debug, Clone, Default)]
pub(crate) struct AskedVectors(Arc<Mutex<Made>>);

impl AskedVectors {
    pub(super) fn get(&self, asked: &Asked, now: Moment) -> Option<Vec<f32>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.get(asked);
        let known = known.filter(|(_, at)| now.since(*at) < REMEMBERED_FOR);
        known.map(|(vector, _)| vector.clone())
    }

    pub(super) fn put(&self, asked: Asked, vector: Vec<f32>, now: Moment) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= REMEMBERED {
            kept.retain(|_, (_, at)| now.since(*at) < REMEMBERED_FOR);
        }
        if kept.len() >= REMEMBERED {
            kept.clear();
        }
        kept.insert(asked, (vector, now));
    }
}

/// What tells a query and a model from others.
pub(super) fn fingerprint(model: &EmbeddingModel, text: &str) -> [u8; 32] {
    let (provider, spec) = (model.provider(), model.spec());
    let dimensions = spec.dimensions.to_string();
    let mut hash = Sha256::new();
    for part in [
        &provider.name,
        &provider.base_url,
        spec.name_at_provider(),
        &dimensions,
        text,
    ] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_is_remembered_for_a_while_and_for_its_tenant() {
        let kept = AskedVectors::default();
        let (tenant, other) = (TenantId::new(), TenantId::new());
        let now = Moment::from_unix_seconds(0);
        kept.put((tenant, [1; 32]), vec![1.0], now);
        assert_eq!(kept.get(&(tenant, [1; 32]), now), Some(vec![1.0]));
        assert_eq!(kept.get(&(other, [1; 32]), now), None);
        assert_eq!(kept.get(&(tenant, [2; 32]), now), None);
        let late = now.plus(REMEMBERED_FOR);
        assert_eq!(kept.get(&(tenant, [1; 32]), late), None);
        for number in 0..2_000_u32 {
            let mut key = [0; 32];
            key[..4].copy_from_slice(&number.to_be_bytes());
            kept.put((tenant, key), vec![], now);
        }
        let size = kept.0.lock().expect("a lock").len();
        assert!(size <= REMEMBERED, "{size}");
    }
}
