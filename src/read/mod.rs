//! Reading the streams of a configured catalog.
//!
//! `plan` decides what is read, `runner` reads several streams at once, `full_refresh` reads one,
//! `status` and `checkpoint` make the messages around the records, `estimate` guesses sizes.

mod checkpoint;
mod estimate;
mod full_refresh;
pub mod plan;
pub mod runner;
mod status;
