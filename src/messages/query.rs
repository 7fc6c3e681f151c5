//! An error of a query: Trino's own words, and what a person can do.

use crate::trino::error::{Denied, QueryError, QueryFailure, TimeLimit};

/// Characters of Trino's text that are shown.
const SHOWN: usize = 2_000;

/// Trino's words and error name, and what to do about it.
pub(super) fn message(error: &QueryError) -> String {
    let text = error.message.trim_end_matches('.');
    let text = match text.char_indices().nth(SHOWN) {
        Some((end, _)) => &format!("{}…", &text[..end]),
        None => text,
    };
    let place = error.error_location.map_or_else(String::new, |place| {
        format!(
            " at line {}, column {}",
            place.line_number, place.column_number
        )
    });
    let advice = advice(&error.failure()).map_or_else(String::new, |advice| format!(" {advice}"));
    format!("Trino: {text} ({}{place}).{advice}", error.error_name)
}

/// What a person can do, for the failures where that is known.
fn advice(failure: &QueryFailure) -> Option<String> {
    let text = match failure {
        QueryFailure::Denied(denied) => return Some(denied_advice(denied)),
        QueryFailure::TimeLimit(limit) => time_limit_advice(*limit),
        QueryFailure::SessionProperty => "Correct or remove it in ‹session_properties›.",
        QueryFailure::UnknownCatalog => {
            "Check ‹catalog›, or the catalog that the stream's namespace or its entry of ‹queries› \
             names."
        }
        QueryFailure::UnknownCatalogOfSession => {
            "Check the catalogs that ‹session_properties› and ‹roles› name."
        }
        QueryFailure::UnknownSchema => "Check ‹schema› and ‹schemas›.",
        QueryFailure::QueueFull => {
            "The cluster's resource group accepts no more queries now. Try later, lower \
             ‹concurrency›, or ask for a resource group with ‹client_tags› or ‹source›."
        }
        QueryFailure::CostLimit => {
            "The cluster's administrator has set this limit; read fewer columns or ask for a \
             higher one."
        }
        QueryFailure::Memory => "Lower ‹concurrency› or run the sync at a quieter time.",
        QueryFailure::NoWorkers => {
            "The cluster has too few workers at the moment. Where it is scaled by its load, raise \
             required_workers_max_wait_time in ‹session_properties› to the time that a worker \
             takes to start, or start the workers before the sync."
        }
        QueryFailure::Abandoned => {
            "Trino gave the query up because nobody asked for its rows for too long: the \
             destination was too slow."
        }
        QueryFailure::Killed => "An administrator of Trino ended the query.",
        QueryFailure::Serialization => "If it was spooled, set ‹fetch_protocol› to \"direct\".",
        QueryFailure::TextTooLong => {
            "If the stream's cursor is a long text, choose another cursor; otherwise select fewer \
             columns, or shorten the SQL in ‹queries›."
        }
        QueryFailure::TooComplex => {
            "Select fewer columns, or read the tables behind it by a simpler entry in ‹queries›."
        }
        QueryFailure::FilterRequired => {
            "The catalog wants a condition on a partition column in every query: choose that \
             column as the cursor, give the condition in an entry of ‹queries›, or add \
             <catalog>.query_partition_filter_required=false to ‹session_properties›."
        }
        QueryFailure::PartitionLimit => {
            "Choose a partition column as the cursor, or give a condition on one in an entry of \
             ‹queries›; or have hive.max-partitions-per-scan raised in Trino's catalog file."
        }
        QueryFailure::UndeclaredArray => {
            "The field holds several values, and Trino takes it for one. Have it declared as an \
             array under _meta.trino in the index's mapping, or deselect the column."
        }
        QueryFailure::SourceDenied => {
            "The database or storage behind the catalog refused it to the user that Trino has \
             there. Grant that user SELECT on the table, deselect the stream, or read the columns \
             that it may read by an entry in ‹queries›."
        }
        QueryFailure::SourceLogin => {
            "The database behind the catalog did not accept the login. Check \
             ‹extra_credentials›, or have the catalog's own user and password corrected."
        }
        QueryFailure::Value => {
            "A value of the table cannot be passed on by Trino, so every run would end here. \
             Deselect its column, or leave it out or cast it to varchar in an entry of ‹queries› \
             (NULLIF takes a single value out)."
        }
        QueryFailure::SourceRefused => {
            "The database behind the catalog cannot do what Trino asks of it. Choose another \
             column as the cursor, or cast the column in an entry of ‹queries›."
        }
        QueryFailure::BrokenTable => {
            "The table's data or metadata are damaged, so every run would end here. Have the table \
             repaired, deselect the stream or the column, or leave out or cast the column in an \
             entry of ‹queries›."
        }
        QueryFailure::MissingFiles => {
            "Files of the table are not where its metadata say. Have the table repaired, or \
             deselect the stream; if the table was being rewritten, run the sync again."
        }
        QueryFailure::Source => {
            "What is behind the catalog failed, and the sync may go well later. If it fails every \
             time: a column can be deselected, or left out or cast in an entry of ‹queries›."
        }
        QueryFailure::Other => return None,
    };
    Some(text.to_owned())
}

/// What to grant, by what was refused.
fn denied_advice(denied: &Denied) -> String {
    let text = match denied {
        Denied::Impersonation => {
            "The first is whom ‹authentication› proves, the second is ‹session_user› or else \
             ‹username›: correct that, or have Trino allow the impersonation."
        }
        Denied::Function(name) => {
            return format!("Grant the user of ‹username› EXECUTE on the function {name}.");
        }
        Denied::SessionProperty => {
            "Remove it from ‹session_properties›, or have Trino allow the user of ‹username› \
             to set it."
        }
        Denied::Catalog => {
            "Check ‹catalog›, or have Trino allow the user of ‹username› this catalog."
        }
        Denied::Columns => {
            "Grant the user of ‹username› SELECT on these columns, or deselect them."
        }
        Denied::Queries => "Have Trino allow the user of ‹username› to run queries.",
        Denied::Table => "Grant the user of ‹username› SELECT on it, or deselect the stream.",
    };
    text.to_owned()
}

/// What to raise, by which limit was reached.
fn time_limit_advice(limit: TimeLimit) -> &'static str {
    match limit {
        TimeLimit::Queued => {
            "It waited in the queue of the cluster's resource group all that time. Lower \
             ‹concurrency›, ask for another resource group with ‹client_tags› or ‹source›, or \
             run the sync at a quieter time."
        }
        TimeLimit::Planning => {
            "Raise query_max_planning_time in ‹session_properties›, or ask the administrator to. \
             Fewer columns are planned faster."
        }
        TimeLimit::Execution => {
            "Raise query_max_execution_time in ‹session_properties›, or ask the administrator \
             to. Where the stream is read in slices, smaller ones take less time: lower \
             ‹checkpoint_target_interval_seconds›."
        }
        TimeLimit::Run => {
            "Raise query_max_run_time in ‹session_properties›, or ask the administrator to. \
             Where the stream is read in slices, smaller ones take less time: lower \
             ‹checkpoint_target_interval_seconds›."
        }
    }
}
