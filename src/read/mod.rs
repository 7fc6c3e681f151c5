//! Reading the streams of a configured catalog.
//!
//! `plan` decides what is read, `runner` reads several streams at once, `full_refresh` one of them,
//! `slices` cuts big tables, `slice` reads one query;
//! `status` and `checkpoint` make the messages around the records, `estimate` guesses sizes.

mod checkpoint;
mod estimate;
mod full_refresh;
pub mod plan;
pub mod runner;
mod slice;
mod slices;
mod status;
