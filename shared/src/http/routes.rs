//! The routes of a function, and what the OpenAPI document says of them. That is made only where somebody asks for it: it is
//! most of the work of building a router, and no start needs it.

use std::fmt;

use axum::Router;
use axum::routing::MethodRouter;
use utoipa::openapi::OpenApi;
pub use utoipa_axum;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

/// Makes the document's part of some routes.
type Document<S> = Box<dyn FnOnce(OpenApiRouter<S>) -> OpenApiRouter<S> + Send + Sync>;

/// The operations of one path, as [`routes!`](crate::routes) makes them.
pub struct Operations<S> {
    /// As the document has it.
    pub path: String,
    /// The handlers by their methods.
    pub handlers: MethodRouter<S>,
    /// The same with what the document says of them.
    pub documented: fn() -> UtoipaMethodRouter<S>,
}

/// Several paths.
pub struct Routes<S> {
    router: Router<S>,
    documents: Vec<Document<S>>,
}

impl<S> fmt::Debug for Routes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes")
            .field("router", &self.router)
            .finish_non_exhaustive()
    }
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// None yet.
    pub fn new() -> Self {
        Self {
            router: Router::new(),
            documents: Vec::new(),
        }
    }

    /// And the operations of that path.
    #[must_use]
    pub fn routes(mut self, operations: Operations<S>) -> Self {
        let Operations {
            path,
            handlers,
            documented,
        } = operations;
        self.router = self.router.route(&path, handlers);
        self.documents
            .push(Box::new(move |all| all.routes(documented())));
        self
    }

    /// And those.
    #[must_use]
    pub fn merge(mut self, others: Self) -> Self {
        self.router = self.router.merge(others.router);
        self.documents.extend(others.documents);
        self
    }

    /// With what wraps the handlers, and what the document says because of it.
    pub(crate) fn wrapped(
        self,
        wrap: impl FnOnce(Router<S>) -> Router<S>,
        say: impl FnOnce(&mut OpenApi) + Send + Sync + 'static,
    ) -> Self {
        let documents = self.documents;
        let document: Document<S> = Box::new(move |all| {
            let mut own = documented(documents);
            say(own.get_openapi_mut());
            all.merge(own)
        });
        Self {
            router: wrap(self.router),
            documents: vec![document],
        }
    }

    /// What serves them.
    pub fn into_router(self) -> Router<S> {
        self.router
    }

    /// What serves them, with what their handlers can reach.
    pub fn with_state(self, state: S) -> Router {
        self.router.with_state(state)
    }

    /// Their part of the document.
    pub fn into_openapi(self) -> OpenApi {
        documented(self.documents).into_openapi()
    }
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self::new()
    }
}

fn documented<S>(documents: Vec<Document<S>>) -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    let none = OpenApiRouter::new();
    documents
        .into_iter()
        .fold(none, |all, document| document(all))
}

/// The operations of one path: handlers with `#[utoipa::path]`, all of the same path.
#[macro_export]
macro_rules! routes {
    ($first:path $(, $more:path)* $(,)?) => {
        $crate::http::routes::Operations {
            path: $crate::routes!(@of path $first),
            handlers: {
                let handlers = $crate::routes!(@on ::axum::routing::MethodRouter::new(), $first);
                $(let handlers = $crate::routes!(@on handlers, $more);)*
                handlers
            },
            documented: || $crate::http::routes::utoipa_axum::routes!($first $(, $more)*),
        }
    };
    (@on $handlers:expr, $handler:path) => {{
        use $crate::http::routes::utoipa_axum::PathItemExt as _;
        let methods = $crate::routes!(@of methods $handler);
        methods.iter().fold($handlers, |handlers, method| {
            handlers.on(method.to_method_filter(), $handler)
        })
    }};
    (@of $what:ident $handler:path) => {
        $crate::http::routes::utoipa_axum::paste! {
            $crate::http::routes::utoipa_axum::routes!(@path [$what()] of $handler)
        }
    };
}
