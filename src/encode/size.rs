//! Records that are too large: the largest values become null until the rest fits.
//!
//! The platform and destinations take lines of fewer than 20,000,000 bytes. Only the slow path
//! meets larger ones: the fast path writes into buffers that are smaller.

use std::cmp::Reverse;
use std::ops::Range;

use super::changes::Change;

/// Bytes of the longest line, with its line end.
pub(super) const LONGEST_LINE: usize = 20_000_000 - 1;

/// Bytes of one entry in `meta.changes` besides the name, and of `meta` itself.
const CHANGE: usize = 128;

/// The columns whose values are left out, in the order of the columns, or the column that must be
/// kept and is too large.
///
/// `cells` are the values of a line of `length` bytes. Of values with the same size the one whose
/// column has the first name goes first: the query has its columns in another order for each
/// format, and all formats leave out the same.
pub(super) fn columns_to_leave_out(
    cells: &[Range<usize>],
    kept: &[bool],
    length: usize,
    names: &[String],
) -> Result<Vec<(usize, Change)>, usize> {
    let mut by_size: Vec<usize> = (0..cells.len()).collect();
    by_size.sort_by_key(|column| (Reverse(cells[*column].len()), names.get(*column)));
    // A character is escaped with six bytes at most.
    let name_length = |column: usize| 6 * names.get(column).map_or(0, String::len);
    let may_go = |column: &usize| !kept.get(*column).copied().unwrap_or(false);
    let mut length = length;
    let mut left_out = Vec::new();
    for column in by_size.iter().copied().filter(may_go) {
        if length <= LONGEST_LINE {
            break;
        }
        let size = cells[column].len();
        length = (length + CHANGE + name_length(column) + "null".len()).saturating_sub(size);
        let change = if size > LONGEST_LINE {
            Change::TooLarge
        } else {
            Change::LeftOutOfRecord
        };
        left_out.push((column, change));
    }
    if length > LONGEST_LINE {
        // What is left are the kept ones, the names, and nulls.
        let largest_kept = by_size.iter().find(|column| !may_go(column));
        return Err(*largest_kept.or(by_size.first()).unwrap_or(&0));
    }
    left_out.sort_unstable_by_key(|(column, _)| *column);
    Ok(left_out)
}

/// `line` with null in place of these values, which are in its order.
pub(super) fn with_nulls<'r>(
    line: &[u8],
    values: impl Iterator<Item = &'r Range<usize>>,
) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    for value in values {
        out.extend_from_slice(&line[at..value.start]);
        out.extend_from_slice(b"null");
        at = value.end;
    }
    out.extend_from_slice(&line[at..]);
    out
}

/// Moves the places of the values in a line to where they are after [`with_nulls`] for these
/// columns, which are in order.
pub(super) fn move_to_nulls(cells: &mut [Range<usize>], columns: impl Iterator<Item = usize>) {
    let mut columns = columns.peekable();
    let (mut before, mut after) = (0, 0);
    for (column, cell) in cells.iter_mut().enumerate() {
        let length = match columns.next_if_eq(&column) {
            Some(_) => "null".len(),
            None => cell.len(),
        };
        let start = after + (cell.start - before);
        before = cell.end;
        after = start + length;
        *cell = start..after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: usize = 1_000_000;

    fn left_out(sizes: &[usize], kept: &[usize]) -> Result<Vec<(usize, Change)>, usize> {
        let mut at = 0;
        let cells: Vec<_> = sizes
            .iter()
            .map(|size| {
                at += size;
                at - size..at
            })
            .collect();
        let kept: Vec<_> = (0..sizes.len())
            .map(|column| kept.contains(&column))
            .collect();
        let names: Vec<String> = (0..sizes.len())
            .map(|column| format!("{column:02}"))
            .collect();
        columns_to_leave_out(&cells, &kept, at, &names)
    }

    #[test]
    fn the_largest_values_go_until_the_rest_fits() {
        use Change::{LeftOutOfRecord, TooLarge};
        assert_eq!(left_out(&[5, 19 * MB], &[]), Ok(vec![]));
        assert_eq!(left_out(&[5, 21 * MB], &[]), Ok(vec![(1, TooLarge)]));
        assert_eq!(
            left_out(&[12 * MB, 9 * MB], &[]),
            Ok(vec![(0, LeftOutOfRecord)])
        );
        assert_eq!(
            left_out(&[12 * MB, 9 * MB], &[0]),
            Ok(vec![(1, LeftOutOfRecord)])
        );
        let many = vec![MB; 25];
        assert_eq!(left_out(&many, &[]).unwrap().len(), 6);
    }

    #[test]
    fn of_values_with_one_size_those_of_the_first_names_go_in_any_order_of_columns() {
        let cells: Vec<_> = (0..5).map(|at| at * 5 * MB..(at + 1) * 5 * MB).collect();
        for names in [["a", "b", "c", "d", "e"], ["e", "c", "a", "d", "b"]] {
            let names = names.map(str::to_owned);
            let left_out = columns_to_leave_out(&cells, &[], 25 * MB, &names).unwrap();
            let mut left_out: Vec<&str> = left_out
                .iter()
                .map(|(column, _)| names[*column].as_str())
                .collect();
            left_out.sort_unstable();
            assert_eq!(left_out, ["a", "b"]);
        }
    }

    #[test]
    fn a_kept_value_that_is_too_large_is_named() {
        assert_eq!(left_out(&[5, 21 * MB, 22 * MB], &[1]), Err(1));
        assert_eq!(left_out(&[11 * MB, 12 * MB], &[0, 1]), Err(1));
    }

    #[test]
    fn values_become_null_in_their_place() {
        let line = br#"{"a":"xx","b":12,"c":true"#;
        let out = with_nulls(line, [5..9, 21..25].iter());
        assert_eq!(out, br#"{"a":null,"b":12,"c":null"#);
        let mut cells = [5..9, 14..16, 21..25];
        move_to_nulls(&mut cells, [0, 2].into_iter());
        let texts = cells.map(|cell| &out[cell]);
        assert_eq!(texts, [&b"null"[..], b"12", b"null"]);
    }
}
