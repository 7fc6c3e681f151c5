use std::cell::RefCell;

use super::*;
use crate::catalog::fault::tests::error;

/// Asks a scripted server: `fails` says which error a statement about these items gets, by how
/// many statements there were before it.
async fn sorted(
    items: std::ops::Range<u32>,
    fails: impl Fn(usize, &[u32]) -> Option<(&'static str, &'static str)>,
) -> (Result<(Vec<u32>, Vec<u32>), String>, usize) {
    let count = RefCell::new(0);
    let items: Vec<u32> = items.collect();
    let sorted = ask_in_groups(&items, 100, &[], |group| {
        let number = count.replace_with(|count| *count + 1);
        let answer = fails(number, &group);
        async move { answer.map_or(Ok(()), |(name, kind)| Err(error(name, kind))) }
    })
    .await;
    let sorted = sorted.map(|sorted| {
        let mut good: Vec<u32> = sorted
            .answers
            .into_iter()
            .flat_map(|(group, ())| group)
            .collect();
        let mut refused: Vec<u32> = sorted.refused.into_iter().map(|(item, _)| item).collect();
        good.sort_unstable();
        refused.sort_unstable();
        (good, refused)
    });
    let sorted = sorted.map_err(|error| error.query_error().unwrap().error_name.clone());
    (sorted, count.into_inner())
}

const DENIED: (&str, &str) = ("PERMISSION_DENIED", "USER_ERROR");
const DATABASE: (&str, &str) = ("JDBC_ERROR", "EXTERNAL");

#[tokio::test]
async fn the_items_at_fault_are_found() {
    for fault in [DENIED, DATABASE] {
        let bad = [0, 7, 50, 149];
        let fails = |_, group: &[u32]| group.iter().any(|n| bad.contains(n)).then_some(fault);
        let (found, _) = sorted(0..150, fails).await;
        let (good, refused) = found.unwrap();
        assert_eq!((good.len(), refused.as_slice()), (146, &bad[..]));
    }
}

#[tokio::test]
async fn an_error_that_comes_once_costs_nothing_whenever_it_comes() {
    let bad = |group: &[u32]| group.contains(&3).then_some(DATABASE);
    let (_, statements) = sorted(0..20, |_, group| bad(group)).await;
    for fault in [
        DATABASE,
        ("GENERIC_INTERNAL_ERROR", "INTERNAL_ERROR"),
        DENIED,
    ] {
        for once in 0..statements {
            let fails = |number, group: &[u32]| {
                if number == once {
                    Some(fault)
                } else {
                    bad(group)
                }
            };
            let (found, _) = sorted(0..20, fails).await;
            let (good, refused) = found.unwrap();
            assert_eq!((good.len(), refused), (19, vec![3]), "{once} {}", fault.0);
        }
    }
}

#[tokio::test]
async fn a_server_that_fails_from_some_point_on_ends_it() {
    let bad = |group: &[u32]| group.contains(&3).then_some(DATABASE);
    let (_, statements) = sorted(0..20, |_, group| bad(group)).await;
    for fault in [
        DATABASE,
        ("QUERY_QUEUE_FULL", "INSUFFICIENT_RESOURCES"),
        ("USER_CANCELED", "USER_ERROR"),
    ] {
        for first in 0..statements {
            let fails = |number, group: &[u32]| {
                if number >= first {
                    Some(fault)
                } else {
                    bad(group)
                }
            };
            match sorted(0..20, fails).await.0 {
                Err(name) => assert_eq!(name, fault.0, "{first}"),
                // Everything was known by then, except for the answer to the last statement,
                // which fails anyway.
                Ok((good, refused)) => {
                    assert_eq!((good.len(), refused), (19, vec![3]), "{first}");
                    assert_eq!(first, statements - 1);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_database_that_is_away_costs_few_statements() {
    let (found, statements) = sorted(0..100, |_, _| Some(DATABASE)).await;
    assert_eq!(found, Err(DATABASE.0.to_owned()));
    assert!(statements < 30, "{statements}");
}

#[tokio::test]
async fn broken_tables_in_a_row_do_not_hide_the_good_ones_behind_them() {
    let fails = |_, group: &[u32]| group.iter().any(|n| *n < 20).then_some(DATABASE);
    let (found, _) = sorted(0..40, fails).await;
    assert_eq!(found.unwrap(), ((20..40).collect(), (0..20).collect()));
}

#[tokio::test]
async fn a_table_that_is_listed_and_broken_does_not_speak_for_the_others() {
    let broken = |group: Vec<u32>| async move {
        let fails = group.iter().any(|n| *n < 2);
        if fails {
            Err(error(DATABASE.0, DATABASE.1))
        } else {
            Ok(())
        }
    };
    let sorted = ask_in_groups(&[0], 1, &[1, 2, 3], broken).await.unwrap();
    assert_eq!(sorted.refused.len(), 1);
    assert!(ask_in_groups(&[0], 1, &[1], broken).await.is_err());
}

#[tokio::test]
async fn a_single_table_that_fails_like_a_database_that_is_away_is_not_left_out() {
    let (found, _) = sorted(0..1, |_, _| Some(DATABASE)).await;
    assert!(found.is_err());
    let (found, _) = sorted(0..1, |_, _| Some(DENIED)).await;
    assert_eq!(found.unwrap(), (vec![], vec![0]));
}
