//! Indexes of knowledge bases: what keeps them, and how they are searched.

mod backend;

pub use backend::{Backend, Entry, Gone, IndexPlace, Sought};
