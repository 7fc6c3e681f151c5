//! What is known before the first row: the fixed bytes of a record and how each column's cells are
//! written.

use super::json_text::write_string;
use crate::types::{TrinoType, field_names, unique_names};

/// What stands before the values of a record.
const DATA: &[u8] = br#","data":"#;

/// How the records of one query are written. Made once, used for every row.
#[derive(Debug, Clone)]
pub struct RecordPlan {
    /// From the start of the line to the `data` member's value.
    pub(super) head: Fixed,
    /// The value of `data`.
    pub(super) row: RowPlan,
    /// The columns' names in the record, for changes and errors.
    pub(super) names: Vec<String>,
    /// For each column, whether its value must not be left out of a record that is too large.
    pub(super) kept: Vec<bool>,
}

impl RecordPlan {
    /// A plan for records of `stream`, whose query has these columns in this order.
    ///
    /// Column names that repeat are told apart as [`unique_names`] does. Without a `namespace` the
    /// member is left out.
    pub fn new(stream: &str, namespace: Option<&str>, columns: &[(String, TrinoType)]) -> Self {
        let mut head = br#"{"type":"RECORD","record":{"stream":"#.to_vec();
        write_string(stream, &mut head);
        if let Some(namespace) = namespace {
            head.extend_from_slice(br#","namespace":"#);
            write_string(namespace, &mut head);
        }
        head.extend_from_slice(DATA);
        let names = unique_names(columns.iter().map(|(name, _)| Some(name.as_str())));
        let row = RowPlan::new(&names, columns.iter().map(|(_, ty)| ty));
        Self {
            head: Fixed::new(&head),
            row,
            kept: vec![false; names.len()],
            names,
        }
    }

    /// The same plan for records of one partition, which they name. The id has no character that
    /// JSON escapes.
    #[must_use]
    pub fn in_partition(mut self, id: &str) -> Self {
        let mut head = Vec::new();
        self.head.append_to(&mut head);
        head.truncate(head.len() - DATA.len());
        head.extend_from_slice(format!(r#","partition_id":"{id}""#).as_bytes());
        head.extend_from_slice(DATA);
        self.head = Fixed::new(&head);
        self
    }

    /// The same plan, but the values of these columns are not left out of a record that is too
    /// large.
    #[must_use]
    pub fn keeping(mut self, is_kept: impl Fn(&str) -> bool) -> Self {
        self.kept = self.names.iter().map(|name| is_kept(name)).collect();
        self
    }
}

/// How a positional array of values becomes an object.
#[derive(Debug, Clone)]
pub(super) struct RowPlan {
    pub(super) fields: Vec<FieldPlan>,
}

/// One member of the object.
#[derive(Debug, Clone)]
pub(super) struct FieldPlan {
    /// Its place among the fields.
    pub(super) index: usize,
    /// What stands before the value: `{"name":` for the first field, `,"name":` for the others.
    pub(super) key: Fixed,
    pub(super) kind: CellKind,
    /// How its short values are written, if the key is short as well.
    pub(super) short: Short,
}

/// Fixed bytes, escaped beforehand and padded to whole blocks, which are faster to copy.
#[derive(Debug, Clone)]
pub(super) struct Fixed {
    /// What comes before the last block; nothing for most keys.
    whole: Vec<[u8; Self::BLOCK]>,
    last: [u8; Self::BLOCK],
    /// Bytes of the last block without its padding. A `u8`, so that the compiler knows that it is
    /// small.
    last_length: u8,
}

impl Fixed {
    /// Bytes in a block.
    pub(super) const BLOCK: usize = 32;

    pub(super) fn new(bytes: &[u8]) -> Self {
        let (whole, rest) = bytes.as_chunks();
        let mut last = [0; Self::BLOCK];
        last[..rest.len()].copy_from_slice(rest);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a rest is shorter than a block"
        )]
        let last_length = rest.len() as u8;
        Self {
            whole: whole.to_vec(),
            last,
            last_length,
        }
    }

    /// The blocks before the last one.
    pub(super) fn whole_blocks(&self) -> &[[u8; Self::BLOCK]] {
        &self.whole
    }

    /// The last block and how many of its bytes count: fewer than all.
    #[inline]
    pub(super) fn last_block(&self) -> (&[u8; Self::BLOCK], usize) {
        (&self.last, usize::from(self.last_length))
    }

    /// Appends the bytes.
    pub(super) fn append_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.whole.as_flattened());
        out.extend_from_slice(&self.last[..usize::from(self.last_length)]);
    }
}

impl RowPlan {
    fn new<'a>(names: &[String], types: impl Iterator<Item = &'a TrinoType>) -> Self {
        let fields = names
            .iter()
            .zip(types)
            .enumerate()
            .map(|(index, (name, ty))| {
                let mut key = vec![if index == 0 { b'{' } else { b',' }];
                write_string(name, &mut key);
                key.push(b':');
                let kind = CellKind::from_type(ty);
                let key = Fixed::new(&key);
                let is_short = key.whole_blocks().is_empty();
                FieldPlan {
                    index,
                    key,
                    short: if is_short { kind.short() } else { Short::None },
                    kind,
                }
            })
            .collect();
        Self { fields }
    }
}

/// How a cell is written. `null` is `null` for every kind; the module's table has the values.
#[derive(Debug, Clone)]
pub(super) enum CellKind {
    /// `true` or `false`, copied.
    Boolean,
    /// Digits, copied.
    Integer,
    /// A number, copied; NaN and infinities have none.
    Float,
    /// The digits of a string, copied without the quotes.
    Decimal,
    /// A string, copied; of anything else its JSON text as a string.
    Text,
    Date,
    /// With or without a zone.
    Time,
    Timestamp,
    TimestampWithTimeZone,
    /// The JSON in a string, embedded.
    Json,
    /// JSON, embedded.
    Variant,
    Array(Box<CellKind>),
    Map(Box<MapPlan>),
    Row(RowPlan),
}

/// How values of a kind are written that lie within one block of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Short {
    /// Not at all.
    None,
    Boolean,
    Integer,
    Float,
    Decimal,
    Text,
    Date,
    Time,
    Timestamp,
    TimestampWithTimeZone,
}

/// How a map's entries are written.
#[derive(Debug, Clone)]
pub(super) struct MapPlan {
    /// Different keys may have the same text, so that an object may show a key twice.
    pub(super) keys_may_repeat: bool,
    pub(super) value: CellKind,
}

impl CellKind {
    /// How its short values are written.
    #[inline]
    pub(super) fn short(&self) -> Short {
        match self {
            Self::Boolean => Short::Boolean,
            Self::Integer => Short::Integer,
            Self::Float => Short::Float,
            Self::Decimal => Short::Decimal,
            Self::Text => Short::Text,
            Self::Date => Short::Date,
            Self::Time => Short::Time,
            Self::Timestamp => Short::Timestamp,
            Self::TimestampWithTimeZone => Short::TimestampWithTimeZone,
            Self::Json | Self::Variant | Self::Array(_) | Self::Map(_) | Self::Row(_) => {
                Short::None
            }
        }
    }

    fn from_type(ty: &TrinoType) -> Self {
        match ty {
            TrinoType::Boolean => Self::Boolean,
            TrinoType::Tinyint | TrinoType::Smallint | TrinoType::Integer | TrinoType::Bigint => Self::Integer,
            TrinoType::Real | TrinoType::Double => Self::Float,
            TrinoType::Decimal { .. } | TrinoType::Number => Self::Decimal,
            TrinoType::Varchar(_)
            | TrinoType::Char(_)
            | TrinoType::Varbinary // base64 already
            | TrinoType::Unknown
            | TrinoType::Other(_) => Self::Text,
            TrinoType::Date => Self::Date,
            TrinoType::Time { .. } | TrinoType::TimeWithTimeZone { .. } => Self::Time,
            TrinoType::Timestamp { .. } => Self::Timestamp,
            TrinoType::TimestampWithTimeZone { .. } => Self::TimestampWithTimeZone,
            TrinoType::Json => Self::Json,
            TrinoType::Variant => Self::Variant,
            TrinoType::Array(element) => Self::Array(Box::new(Self::from_type(element))),
            TrinoType::Map(key, value) => Self::Map(Box::new(MapPlan {
                keys_may_repeat: text_is_ambiguous(key),
                value: Self::from_type(value),
            })),
            TrinoType::Row(fields) => {
                Self::Row(RowPlan::new(&field_names(fields), fields.iter().map(|field| &field.ty)))
            }
        }
    }
}

/// Whether two values of a type can have the same text as map keys.
fn text_is_ambiguous(key: &TrinoType) -> bool {
    matches!(
        key,
        // Both hours of a clock set back have one text.
        TrinoType::TimestampWithTimeZone { .. }
            // The server writes a key with Java's `toString`. `[1, 2]` may be two integers, or one
            // text with a comma, so two keys of these types may share one text.
            | TrinoType::Row(_)
            | TrinoType::Array(_)
            | TrinoType::Map(..)
            | TrinoType::Json
            | TrinoType::Variant
            | TrinoType::Other(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(fixed: &Fixed) -> String {
        let mut bytes = Vec::new();
        fixed.append_to(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    fn keys(plan: &RowPlan) -> Vec<String> {
        plan.fields.iter().map(|field| text(&field.key)).collect()
    }

    #[test]
    fn the_head_names_stream_and_namespace() {
        let head = |namespace| text(&RecordPlan::new("a\"b", namespace, &[]).head);
        assert_eq!(
            head(None),
            r#"{"type":"RECORD","record":{"stream":"a\"b","data":"#
        );
        assert_eq!(
            head(Some("n\ns")),
            r#"{"type":"RECORD","record":{"stream":"a\"b","namespace":"n\ns","data":"#
        );
        assert_eq!(
            text(&RecordPlan::new("s", None, &[]).in_partition("p7").head),
            r#"{"type":"RECORD","record":{"stream":"s","partition_id":"p7","data":"#
        );
    }

    #[test]
    fn keys_are_escaped_and_different() {
        let columns: Vec<_> = ["a", "a", "é\"\u{1}", ""]
            .map(|name| (name.to_owned(), TrinoType::Bigint))
            .into();
        let plan = RecordPlan::new("s", None, &columns);
        assert_eq!(
            keys(&plan.row),
            ["{\"a\":", ",\"a_2\":", ",\"é\\\"\\u0001\":", ",\"\":"]
        );
        assert_eq!(plan.names, ["a", "a_2", "é\"\u{1}", ""]);
        let CellKind::Row(row) =
            CellKind::from_type(&TrinoType::parse("row(bigint, x bigint, bigint)"))
        else {
            panic!("not a row");
        };
        assert_eq!(keys(&row), ["{\"field0\":", ",\"x\":", ",\"field2\":"]);
    }

    #[test]
    fn only_keys_whose_text_is_not_one_to_one_may_repeat() {
        for (key, expected) in [
            ("varchar", false),
            ("double", false),
            ("timestamp(6)", false),
            ("time(3) with time zone", false),
            ("timestamp(6) with time zone", true),
            ("row(a bigint)", true),
            ("array(varchar)", true),
            ("map(varchar, varchar)", true),
            ("json", true),
            ("uuid", true),
        ] {
            let CellKind::Map(map) =
                CellKind::from_type(&TrinoType::parse(&format!("map({key}, bigint)")))
            else {
                panic!("not a map");
            };
            assert_eq!(map.keys_may_repeat, expected, "{key}");
        }
    }
}
