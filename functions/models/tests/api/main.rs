//! The API of `chat` as a client sees it.
