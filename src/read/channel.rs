//! The sockets of the speed mode, as the read uses them.

use serde::Serialize;

use crate::encode::protobuf::protocol_message;
use crate::output;
use crate::sockets::Sockets;
use crate::sockets::environment::Format;
use crate::sql::select;
use crate::types::TrinoType;
use crate::types::expected::in_order_of_java;

/// The sockets of the speed mode, and how messages are written to them.
#[derive(Debug, Clone)]
pub(crate) struct Channel {
    pub(crate) sockets: Sockets,
    pub(crate) format: Format,
}

impl Channel {
    /// The columns in the order in which a query should have them: Protobuf has the values in the order
    /// of their names, and need not be brought into it.
    pub(crate) fn in_order(
        channel: Option<&Self>,
        columns: &[(String, TrinoType)],
    ) -> Vec<(String, TrinoType)> {
        let mut columns = columns.to_vec();
        if has_order(channel.map(|channel| channel.format)) {
            columns.sort_by(|(one, _), (other, _)| in_order_of_java(one, other));
        }
        columns
    }

    /// A query of the same rows with its columns in that order, for queries that are more than a selection
    /// from a table. `names` are the names of all its columns.
    pub(crate) fn query_in_order<'n>(
        channel: Option<&Self>,
        names: impl IntoIterator<Item = &'n str>,
        sql: String,
    ) -> String {
        query_in_order(channel.map(|channel| channel.format), names, sql)
    }

    /// A message as it is written to a socket.
    pub(crate) fn framed(&self, message: &impl Serialize) -> Vec<u8> {
        let line = output::line(message);
        match self.format {
            Format::JsonLines => line,
            Format::Protobuf => protocol_message(&line),
        }
    }
}

fn query_in_order<'n>(
    format: Option<Format>,
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
fn has_order(format: Option<Format>) -> bool {
    format == Some(Format::Protobuf)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &str = "SELECT \"b\", \"a\", 1 AS \"_x\" FROM t";

    fn in_order(format: Option<Format>, names: [&str; 3]) -> String {
        query_in_order(format, names, QUERY.to_owned())
    }

    #[test]
    fn a_query_has_its_columns_in_the_order_of_protobuf() {
        let ordered = in_order(Some(Format::Protobuf), ["b", "a", "_x"]);
        assert_eq!(
            ordered,
            format!("SELECT \"_x\", \"a\", \"b\" FROM ({QUERY})")
        );
    }

    #[test]
    fn a_query_stays_as_it_is_where_its_order_does_not_matter() {
        assert_eq!(in_order(Some(Format::Protobuf), ["_x", "a", "b"]), QUERY);
        assert_eq!(in_order(Some(Format::JsonLines), ["b", "a", "_x"]), QUERY);
        assert_eq!(in_order(None, ["b", "a", "_x"]), QUERY);
    }
}
