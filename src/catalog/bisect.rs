//! Runs one statement about many tables, and finds the tables that make it fail.
//!
//! A statement about a group of tables fails if one of them is broken. So the group is halved until
//! the broken tables stand alone. But a database that refuses connections for a moment gives the
//! same errors as a broken table. So a table counts as broken only after a proof: it fails again,
//! several times, while another table of its schema works. Without this proof the error is returned
//! as it is.

use std::time::Duration;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use tokio::time::sleep;

use super::fault::{self, Fault};
use crate::trino::error::TrinoError;

/// How many groups are asked about at once. The client's slots decide how many of their statements
/// really run; there are never more slots than the largest `concurrency`.
const AT_ONCE: usize = 64;

/// Pause before a statement is run again, if it failed for a reason that may pass.
const PAUSE: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 1000 });

/// How often a table must fail while another one works, and the pauses between these tries.
const ROUNDS: usize = 4;
const ROUND_PAUSE: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 250 });

/// How many of the tables that worked are asked again, of which one must still work.
const CONTROLS: usize = 3;

/// How many suspects are asked about before a table that worked is asked again.
const SUSPECTS_PER_CONTROL: usize = 8;

/// How many tables of a group may fail one after the other, before some of the remaining tables are
/// tried to see whether any works at all. While a database is away, halving everything would take
/// too long.
const FAILED_IN_A_ROW: usize = 4;

/// The results of the statements.
#[derive(Debug)]
pub(crate) struct Sorted<T, R> {
    /// The groups that worked, with their answers.
    pub(crate) answers: Vec<(Vec<T>, R)>,
    /// The items that are broken themselves, with their errors.
    pub(crate) refused: Vec<(T, TrinoError)>,
}

/// Runs a future for each item side by side, and gives their results in the order in which they
/// come.
///
/// # Errors
///
/// The first error. The futures that still run are dropped.
pub(crate) async fn side_by_side<T, R, E, F>(
    items: impl IntoIterator<Item = T>,
    run: impl Fn(T) -> F,
) -> Result<Vec<R>, E>
where
    F: Future<Output = Result<R, E>>,
{
    stream::iter(items)
        .map(run)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

/// Asks about all items in groups of `size`, and finds those for which the statement fails.
///
/// `controls` are items that are known to work before anything is asked.
///
/// # Errors
///
/// When an error is not proven to be about a single item.
pub(crate) async fn ask_in_groups<T, R, F>(
    items: &[T],
    size: usize,
    controls: &[T],
    ask: impl Fn(Vec<T>) -> F,
) -> Result<Sorted<T, R>, TrinoError>
where
    T: Clone,
    F: Future<Output = Result<R, TrinoError>>,
{
    let groups = items.chunks(size).map(<[T]>::to_vec);
    let sorted = side_by_side(groups, |group| halve(group, &ask)).await?;
    let mut all = Sorted {
        answers: Vec::new(),
        refused: Vec::new(),
    };
    let mut suspects = Vec::new();
    for part in sorted {
        all.answers.extend(part.answers);
        for (item, error) in part.refused {
            match fault::whose_fault(&error) {
                Fault::Table => all.refused.push((item, error)),
                Fault::Server | Fault::Unclear => suspects.push((item, error)),
            }
        }
    }
    prove(suspects, controls, &mut all, &ask).await?;
    Ok(all)
}

/// Asks about a group, and about its halves as long as it fails. The items that fail alone are
/// `refused`; nothing is proven about them yet.
async fn halve<T, R, F>(
    group: Vec<T>,
    ask: &impl Fn(Vec<T>) -> F,
) -> Result<Sorted<T, R>, TrinoError>
where
    T: Clone,
    F: Future<Output = Result<R, TrinoError>>,
{
    let mut sorted = Sorted {
        answers: Vec::new(),
        refused: Vec::new(),
    };
    let mut answer = ask_twice(&group, true, ask).await;
    let mut group = group;
    let mut rest: Vec<Vec<T>> = Vec::new();
    loop {
        match answer {
            Ok(answer) => sorted.answers.push((group, answer)),
            Err(error) if fault::whose_fault(&error) == Fault::Server => return Err(error),
            Err(error) => match <[T; 1]>::try_from(group) {
                Ok([only]) => {
                    let is_unclear = fault::whose_fault(&error) == Fault::Unclear;
                    sorted.refused.push((only, error));
                    if is_unclear
                        && sorted.answers.is_empty()
                        && sorted.refused.len() == FAILED_IN_A_ROW
                    {
                        one_works(&rest.concat(), ask).await?;
                    }
                }
                Err(mut many) => {
                    rest.push(many.split_off(many.len() / 2));
                    rest.push(many);
                }
            },
        }
        match rest.pop() {
            Some(next) => group = next,
            None => return Ok(sorted),
        }
        answer = ask_twice(&group, false, ask).await;
    }
}

/// Asks about a group. Asks a second time in two cases: if the group is a single item and was
/// refused, because it must fail again alone; and, where we are `patient`, if it failed for a
/// reason that may pass.
async fn ask_twice<T, R, F>(
    group: &[T],
    patient: bool,
    ask: &impl Fn(Vec<T>) -> F,
) -> Result<R, TrinoError>
where
    T: Clone,
    F: Future<Output = Result<R, TrinoError>>,
{
    let error = match ask(group.to_vec()).await {
        Ok(answer) => return Ok(answer),
        Err(error) => error,
    };
    match fault::whose_fault(&error) {
        Fault::Table if group.len() == 1 => {}
        Fault::Unclear if patient => {
            tracing::debug!(%error, "asking again");
            sleep(PAUSE).await;
        }
        _ => return Err(error),
    }
    ask(group.to_vec()).await
}

/// Makes sure that one of the items works, by trying some of them.
///
/// # Errors
///
/// The error of the last one tried, if none works.
pub(crate) async fn one_works<T, R, F>(
    items: &[T],
    ask: &impl Fn(Vec<T>) -> F,
) -> Result<(), TrinoError>
where
    T: Clone,
    F: Future<Output = Result<R, TrinoError>>,
{
    let step = (items.len() / FAILED_IN_A_ROW).max(1);
    let mut last = None;
    for item in items.iter().step_by(step) {
        match ask(vec![item.clone()]).await {
            Ok(_) => return Ok(()),
            // This is the table's own fault, so the database itself works.
            Err(error) if fault::whose_fault(&error) == Fault::Table => return Ok(()),
            Err(error) => last = Some(error),
        }
    }
    last.map_or(Ok(()), Err)
}

/// Makes sure that one of the items that worked before still works. A listed table may be broken,
/// so a single one that fails proves nothing.
///
/// # Errors
///
/// The last error, if none works.
async fn still_works<T, R, F>(items: &[T], ask: &impl Fn(Vec<T>) -> F) -> Result<(), TrinoError>
where
    T: Clone,
    F: Future<Output = Result<R, TrinoError>>,
{
    let mut last = None;
    for item in items {
        match ask_twice(std::slice::from_ref(item), true, ask).await {
            Ok(_) => return Ok(()),
            Err(error) if fault::whose_fault(&error) == Fault::Server => return Err(error),
            Err(error) => last = Some(error),
        }
    }
    last.map_or(Ok(()), Err)
}

/// Finds out whether the suspects are broken, one after the other. Asked side by side, they might
/// disturb each other.
async fn prove<T, R, F>(
    mut suspects: Vec<(T, TrinoError)>,
    controls: &[T],
    sorted: &mut Sorted<T, R>,
    ask: &impl Fn(Vec<T>) -> F,
) -> Result<(), TrinoError>
where
    T: Clone,
    F: Future<Output = Result<R, TrinoError>>,
{
    for round in 0..ROUNDS {
        let mut left = Vec::new();
        for (number, (item, error)) in suspects.into_iter().enumerate() {
            if number % SUSPECTS_PER_CONTROL == 0 {
                let answered = sorted.answers.iter().flat_map(|(group, _)| group);
                let works: Vec<&T> = answered.chain(controls).collect();
                let works = works
                    .iter()
                    .cycle()
                    .skip(round)
                    .take(CONTROLS.min(works.len()));
                let works: Vec<T> = works.map(|item| (*item).clone()).collect();
                if works.is_empty() {
                    // Nothing works any more, so this item is not to blame.
                    return Err(error);
                }
                sleep(ROUND_PAUSE).await;
                still_works(&works, ask).await?;
            }
            match ask(vec![item.clone()]).await {
                Ok(answer) => sorted.answers.push((vec![item], answer)),
                Err(error) => match fault::whose_fault(&error) {
                    Fault::Server => return Err(error),
                    Fault::Table => sorted.refused.push((item, error)),
                    Fault::Unclear => left.push((item, error)),
                },
            }
        }
        suspects = left;
    }
    sorted.refused.extend(suspects);
    Ok(())
}

#[cfg(test)]
mod tests;
