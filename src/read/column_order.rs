//! The order of columns that a query should have for the format in which its rows are written.
//!
//! A record of Protobuf has its values in the order of their names. Rows that come in this order
//! are written without being brought into it first.

use crate::sockets::environment::ChannelFormat;
use crate::sql::select;
use crate::types::TrinoType;
use crate::types::expected::in_order_of_java;

/// The columns of a table, in the order in which a selection should have them. Without a format
/// (stdout), as they are.
pub(crate) fn columns_in_order(
    format: Option<ChannelFormat>,
    columns: &[(String, TrinoType)],
) -> Vec<(String, TrinoType)> {
    let mut columns = columns.to_vec();
    if has_order(format) {
        columns.sort_by(|(one, _), (other, _)| in_order_of_java(one, other));
    }
    columns
}

/// The same rows as those of a query, with their columns in that order; for queries that are more
/// than a selection from a table. `names` are the names of all its columns.
pub(crate) fn query_in_order<'n>(
    format: Option<ChannelFormat>,
    names: impl IntoIterator<Item = &'n str>,
    sql: String,
) -> String {
    if !has_order(format) {
        return sql;
    }
    let mut sorted: Vec<&str> = names.into_iter().collect();
    if sorted.is_sorted_by(|one, other| in_order_of_java(one, other).is_le()) {
        return sql;
    }
    sorted.sort_by(|one, other| in_order_of_java(one, other));
    select::reordered(&sorted, &sql)
}

/// Whether the values of a record have an order.
fn has_order(format: Option<ChannelFormat>) -> bool {
    format == Some(ChannelFormat::Protobuf)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &str = "SELECT \"b\", \"a\", 1 AS \"_x\" FROM t";

    fn in_order(format: Option<ChannelFormat>, names: [&str; 3]) -> String {
        query_in_order(format, names, QUERY.to_owned())
    }

    #[test]
    fn a_query_has_its_columns_in_the_order_of_protobuf() {
        let ordered = in_order(Some(ChannelFormat::Protobuf), ["b", "a", "_x"]);
        assert_eq!(
            ordered,
            format!("SELECT \"_x\", \"a\", \"b\" FROM ({QUERY})")
        );
    }

    #[test]
    fn a_query_stays_as_it_is_where_its_order_does_not_matter() {
        assert_eq!(
            in_order(Some(ChannelFormat::Protobuf), ["_x", "a", "b"]),
            QUERY
        );
        assert_eq!(
            in_order(Some(ChannelFormat::JsonLines), ["b", "a", "_x"]),
            QUERY
        );
        assert_eq!(in_order(None, ["b", "a", "_x"]), QUERY);
    }

    #[test]
    fn a_selection_has_its_columns_in_the_order_of_protobuf() {
        let columns = ["b", "a"].map(|name| (name.to_owned(), TrinoType::Bigint));
        let names = |format| {
            let ordered = columns_in_order(format, &columns);
            ordered
                .into_iter()
                .map(|(name, _)| name)
                .collect::<Vec<_>>()
        };
        assert_eq!(names(Some(ChannelFormat::Protobuf)), ["a", "b"]);
        assert_eq!(names(Some(ChannelFormat::JsonLines)), ["b", "a"]);
        assert_eq!(names(None), ["b", "a"]);
    }
}
