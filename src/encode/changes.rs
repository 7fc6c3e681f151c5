//! What a record says about values that differ from the server's values.

use super::json_text::write_string;

/// How a value differs from the server's. A later variant outranks an earlier one in the same
/// column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Change {
    /// A part of it is missing.
    Truncated,
    /// It, or something inside it, is null instead.
    Nulled,
    /// It is null, because the record was too large.
    LeftOutOfRecord,
    /// It is null, because it is too large by itself.
    TooLarge,
}

impl Change {
    /// Whether the value is null, and not only cut.
    pub(super) fn is_null(self) -> bool {
        self != Self::Truncated
    }

    /// The words of the protocol: what was done, and why.
    fn words(self) -> &'static [u8] {
        match self {
            Self::Truncated => br#","change":"TRUNCATED","reason":"SOURCE_SERIALIZATION_ERROR"}"#,
            Self::Nulled => br#","change":"NULLED","reason":"SOURCE_SERIALIZATION_ERROR"}"#,
            Self::LeftOutOfRecord => {
                br#","change":"NULLED","reason":"SOURCE_RECORD_SIZE_LIMITATION"}"#
            }
            Self::TooLarge => br#","change":"NULLED","reason":"SOURCE_FIELD_SIZE_LIMITATION"}"#,
        }
    }
}

/// The changes of the record that is being written: at most one a column.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// The column whose cell is being written.
    column: usize,
    list: Vec<(usize, Change)>,
}

impl Changes {
    /// Forgets the changes of the record before.
    pub(super) fn start_record(&mut self) {
        self.list.clear();
    }

    /// From here on changes belong to this column of the query.
    pub(super) fn start_column(&mut self, column: usize) {
        self.column = column;
    }

    /// Notes a change in the present column.
    pub(super) fn note(&mut self, change: Change) {
        match self.list.last_mut() {
            Some((column, noted)) if *column == self.column => *noted = change.max(*noted),
            _ => self.list.push((self.column, change)),
        }
    }

    /// Notes a change in any column after all columns of the record were written.
    pub(super) fn note_late(&mut self, column: usize, change: Change) {
        match self.list.binary_search_by_key(&column, |(known, _)| *known) {
            Ok(at) => self.list[at].1 = change.max(self.list[at].1),
            Err(at) => self.list.insert(at, (column, change)),
        }
    }

    /// Whether the record is exactly what the server has.
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The columns with a change, in their order.
    pub(super) fn list(&self) -> &[(usize, Change)] {
        &self.list
    }

    /// Writes the `meta` member with its leading comma, or nothing.
    pub(super) fn write_meta(&self, names: &[String], out: &mut Vec<u8>) {
        for (index, (column, change)) in self.list.iter().enumerate() {
            out.extend_from_slice(if index == 0 {
                br#","meta":{"changes":[{"field":"#
            } else {
                br#",{"field":"#
            });
            write_string(&names[*column], out);
            out.extend_from_slice(change.words());
        }
        if !self.is_empty() {
            out.extend_from_slice(b"]}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_has_one_change_and_null_outranks_truncated() {
        let names = ["a".to_owned(), "b\"".to_owned()];
        let written = |changes: &Changes| {
            let mut out = Vec::new();
            changes.write_meta(&names, &mut out);
            String::from_utf8(out).unwrap()
        };
        let mut changes = Changes::default();
        changes.start_record();
        assert_eq!(written(&changes), "");
        changes.start_column(0);
        changes.note(Change::Nulled);
        changes.note(Change::Truncated);
        changes.start_column(1);
        changes.note(Change::Truncated);
        changes.note(Change::Truncated);
        assert_eq!(
            written(&changes),
            concat!(
                r#","meta":{"changes":[{"field":"a","change":"NULLED","reason":"SOURCE_SERIALIZATION_ERROR"},"#,
                r#"{"field":"b\"","change":"TRUNCATED","reason":"SOURCE_SERIALIZATION_ERROR"}]}"#
            )
        );
        changes.start_record();
        assert_eq!(written(&changes), "");
    }
}
