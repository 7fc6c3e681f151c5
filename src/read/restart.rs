//! Whether a stream may begin anew when the version of its table that was being read is lost.
//!
//! Within a run it may, as long as no record has left. In a later run, finished slices of the lost
//! version are already in the destination: together with the rows of another version they would be
//! a table that never existed.

use super::plan::{Mode, StreamPlan};
use super::progress::Progress;
use crate::trino::error::TrinoError;

/// Warns that a stream begins anew, or returns the error that it must not.
///
/// # Errors
///
/// When the destination would keep rows of two versions.
pub(crate) fn begin_anew(
    plan: &StreamPlan,
    progress: &Progress,
    reason: &str,
) -> Result<(), TrinoError> {
    let stream = &plan.descriptor;
    if leaves_rows_of_two_versions(plan, progress) {
        return Err(TrinoError::Settings(format!(
            "{reason}. {} of its slices are in the destination already, so the rest would be of \
             another version. {}",
            progress.done.len(),
            advice(&plan.mode)
        )));
    }
    tracing::warn!("stream \"{stream}\" starts anew: {reason}");
    Ok(())
}

/// Whether rows of the lost version would stay in the destination beside the rows of another
/// version. Without a generation this is not known, and only a WARN is possible.
fn leaves_rows_of_two_versions(plan: &StreamPlan, progress: &Progress) -> bool {
    // A full refresh would leave rows in the destination that do not exist any more, even if there
    // is a key.
    let is_overwritten = plan.keeps_one_row_of_a_key && plan.mode != Mode::FullRefresh;
    !progress.done.is_empty()
        && !is_overwritten
        && progress.generation.is_some()
        && progress.generation == plan.attempt.generation
}

fn advice(mode: &Mode) -> &'static str {
    match mode {
        Mode::FullRefresh => "Start the sync again: the next job begins a new generation.",
        Mode::Cursor(_) | Mode::Changes(..) => {
            "Refresh the stream, which begins a new generation, or set a primary key and let the \
             destination deduplicate by it."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::message::StreamDescriptor;
    use crate::read::slices::Slices;
    use crate::read::state::Attempt;
    use crate::sql::cursor::Cursor;
    use crate::sql::ident::Relation;
    use crate::types::TrinoType;

    #[test]
    fn only_what_stays_beside_other_rows_keeps_a_stream_from_beginning_anew() {
        let cursor = || {
            Mode::Cursor(Cursor {
                column: "c".into(),
                ty: TrinoType::Bigint,
                finds_nulls_in_trino: false,
            })
        };
        for (mode, by_key, before, now, finished, allowed) in [
            (Mode::FullRefresh, false, Some(7), Some(7), 1, false),
            (Mode::FullRefresh, true, Some(7), Some(7), 1, false),
            (Mode::FullRefresh, false, Some(7), Some(7), 0, true),
            (Mode::FullRefresh, false, Some(7), Some(8), 1, true),
            (Mode::FullRefresh, false, None, None, 1, true),
            (cursor(), false, Some(7), Some(7), 1, false),
            (cursor(), true, Some(7), Some(7), 1, true),
        ] {
            let plan = StreamPlan {
                descriptor: StreamDescriptor {
                    name: "t".into(),
                    namespace: None,
                },
                relation: Relation::Query(String::new()),
                connector: None,
                columns: Vec::new(),
                properties: [].into(),
                primary_key: Vec::new(),
                mode,
                is_incremental: true,
                attempt: Attempt {
                    job: None,
                    generation: now,
                },
                keeps_one_row_of_a_key: by_key,
                state: None,
            };
            let mut progress = Progress::new(Slices::whole(None), before);
            (0..finished).for_each(|slice| progress.finish(slice));
            let result = begin_anew(&plan, &progress, "it is gone");
            assert_eq!(result.is_ok(), allowed, "{plan:?} {before:?}");
        }
    }
}
