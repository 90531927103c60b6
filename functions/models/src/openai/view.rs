//! Models as OpenAI's clients see them.

use engine::{Catalogue, Choice, Special, SpecialModel};
use serde::Serialize;
use shared::model::{EmbeddingSpec, ModerationSpec};

/// All models.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiModels)]
pub(crate) struct OpenAiModels {
    /// Always `list`.
    #[schema(value_type = String, example = "list")]
    object: &'static str,
    /// The models.
    data: Vec<OpenAiModelView>,
}

/// A model, or a route that is chosen like one.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiModel)]
pub(crate) struct OpenAiModelView {
    /// What `model` takes.
    #[schema(example = "gpt-4.1-mini")]
    id: String,
    /// Always `model`.
    #[schema(value_type = String, example = "model")]
    object: &'static str,
    /// Always 0: nobody keeps when a model was made.
    created: i64,
    /// The provider that has it; of a route, the first target's.
    #[schema(example = "openai")]
    owned_by: String,
}

impl OpenAiModels {
    /// All of a catalogue under all their names, each once.
    pub(crate) fn all(catalogue: &Catalogue) -> Self {
        let vectors = catalogue.special::<EmbeddingSpec>();
        let verdicts = catalogue.special::<ModerationSpec>();
        let plain = catalogue.choices().iter().map(OpenAiModelView::chat);
        let plain = plain
            .chain(vectors.iter().map(OpenAiModelView::plain))
            .chain(verdicts.iter().map(OpenAiModelView::plain));
        let whole = catalogue.qualified().iter().map(OpenAiModelView::chat);
        let whole = whole
            .chain(vectors.iter().map(OpenAiModelView::qualified))
            .chain(verdicts.iter().map(OpenAiModelView::qualified));
        let mut data: Vec<OpenAiModelView> = Vec::new();
        for view in plain.chain(whole) {
            if data.iter().all(|known| known.id != view.id) {
                data.push(view);
            }
        }
        Self {
            object: "list",
            data,
        }
    }
}

impl OpenAiModelView {
    /// What has that name.
    pub(crate) fn find(catalogue: &Catalogue, name: &str) -> Option<Self> {
        if let Some(choice) = catalogue.find(name) {
            return Some(Self::chat(choice));
        }
        let vectors = catalogue.find_special::<EmbeddingSpec>(name);
        let vectors = vectors.map(|model| Self::special(name.to_owned(), &model));
        vectors.or_else(|| {
            let model = catalogue.find_special::<ModerationSpec>(name)?;
            Some(Self::special(name.to_owned(), &model))
        })
    }

    fn chat(choice: &Choice) -> Self {
        let first = choice.targets.first();
        let owner = first.map(|(_, model)| model.provider().name.clone());
        Self::new(choice.name.clone(), owner.unwrap_or_default())
    }

    fn plain<S: Special>(model: &SpecialModel<S>) -> Self {
        Self::special(model.spec().id().to_owned(), model)
    }

    fn qualified<S: Special>(model: &SpecialModel<S>) -> Self {
        Self::special(model.qualified_name(), model)
    }

    fn special<S: Special>(name: String, model: &SpecialModel<S>) -> Self {
        Self::new(name, model.provider().name.clone())
    }

    fn new(id: String, owned_by: String) -> Self {
        Self {
            id,
            object: "model",
            created: 0,
            owned_by,
        }
    }
}
