//! What a person sees of cases and of their runs.

pub mod list;
pub mod outcome;
mod sides;
