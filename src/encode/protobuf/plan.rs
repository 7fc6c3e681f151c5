//! What is known before the first row: the constant start of a record, in which form each column's
//! values are sent, and in which order.

use super::super::RecordPlan;
use super::super::plan::CellKind;
use super::wire::{push_bytes, tag};
use crate::types::expected::{ExpectedType, Property};
use crate::types::{TrinoType, unique_names};

/// A column whose values have no form that the destination takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the column \"{column}\" is of type {found} now, which is not what its schema in the configured \
     catalog says ({expected}). Refresh the source's schema"
)]
pub struct Unfit {
    column: String,
    found: String,
    expected: String,
}

/// How the records of one query are written as Protobuf.
#[derive(Debug)]
pub struct ProtobufPlan {
    /// The same records as JSON, for what only the slow path can do.
    pub(super) json: RecordPlan,
    /// Stream and namespace.
    pub(super) names: Vec<u8>,
    /// The partition.
    pub(super) partition: Vec<u8>,
    /// How the value of each column of the query is sent.
    pub(super) forms: Vec<Form>,
    /// For each property of the schema the column with its value.
    pub(super) slots: Vec<Option<usize>>,
    /// Properties without a column.
    pub(super) missing: usize,
    /// Whether the columns of the query are the properties, in their order.
    pub(super) is_in_order: bool,
}

impl ProtobufPlan {
    /// A plan for the records of one partition. `json` is the plan for the same columns;
    /// `properties` is what the destination expects, in its order.
    ///
    /// # Errors
    ///
    /// When a column has become another type than the destination expects.
    pub fn new(
        json: RecordPlan,
        stream: &str,
        namespace: Option<&str>,
        partition: &str,
        columns: &[(String, TrinoType)],
        properties: &[Property],
    ) -> Result<Self, Unfit> {
        let mut names = Vec::new();
        if let Some(namespace) = namespace {
            push_bytes(&mut names, tag::NAMESPACE, namespace.as_bytes());
        }
        push_bytes(&mut names, tag::NAME, stream.as_bytes());
        let mut partition_field = Vec::new();
        push_bytes(&mut partition_field, tag::PARTITION, partition.as_bytes());

        let column_names = unique_names(columns.iter().map(|(name, _)| Some(name.as_str())));
        let slots: Vec<Option<usize>> = properties
            .iter()
            .map(|(property, _)| column_names.iter().position(|name| name == property))
            .collect();
        let mut forms = vec![Form::LeftOut; columns.len()];
        for ((_, expected), slot) in properties.iter().zip(&slots) {
            let Some(column) = *slot else { continue };
            let (name, ty) = &columns[column];
            forms[column] = Form::new(ty, *expected).ok_or_else(|| Unfit {
                column: name.clone(),
                found: ty.to_string(),
                expected: format!("{expected:?}"),
            })?;
        }
        let in_order = (0..columns.len()).map(Some);
        Ok(Self {
            json,
            names,
            partition: partition_field,
            missing: slots.iter().filter(|slot| slot.is_none()).count(),
            is_in_order: slots.iter().copied().eq(in_order),
            forms,
            slots,
        })
    }

    /// How the cells of a column are written as JSON.
    pub(super) fn json_kind(&self, column: usize) -> Option<&CellKind> {
        self.json.row.fields.get(column).map(|field| &field.kind)
    }
}

/// In which of the cases of `AirbyteValueProtobuf` a column's values are sent. SQL `NULL` is an
/// empty value in all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The column is not in the schema, so its values are not sent.
    LeftOut,
    Boolean,
    /// `integer`, or `big_integer` beyond 64 bits.
    Integer,
    /// `number`.
    Double,
    /// `big_decimal`, with all digits.
    Decimal,
    Text,
    /// The JSON text of the value, as a string.
    TextOfJson,
    Date,
    Time,
    TimeWithTimeZone,
    Timestamp,
    TimestampWithTimeZone,
    /// The JSON text of the value.
    Json,
}

impl Form {
    /// The form for values of a type; `None` if the destination would refuse it.
    fn new(ty: &TrinoType, expected: ExpectedType) -> Option<Self> {
        let natural = match ty {
            TrinoType::Boolean => Self::Boolean,
            TrinoType::Tinyint
            | TrinoType::Smallint
            | TrinoType::Integer
            | TrinoType::Bigint
            | TrinoType::Decimal { scale: 0, .. } => Self::Integer,
            TrinoType::Real | TrinoType::Double => Self::Double,
            TrinoType::Decimal { .. } | TrinoType::Number => Self::Decimal,
            TrinoType::Varchar(_)
            | TrinoType::Char(_)
            | TrinoType::Varbinary
            | TrinoType::Unknown
            | TrinoType::Other(_) => Self::Text,
            TrinoType::Date => Self::Date,
            TrinoType::Time { .. } => Self::Time,
            TrinoType::TimeWithTimeZone { .. } => Self::TimeWithTimeZone,
            TrinoType::Timestamp { .. } => Self::Timestamp,
            TrinoType::TimestampWithTimeZone { .. } => Self::TimestampWithTimeZone,
            TrinoType::Json
            | TrinoType::Variant
            | TrinoType::Array(_)
            | TrinoType::Map(..)
            | TrinoType::Row(_) => Self::Json,
        };
        let exact = match expected {
            ExpectedType::Any => return Some(natural),
            ExpectedType::Json => return Some(Self::Json),
            ExpectedType::String if natural == Self::Text => return Some(Self::Text),
            ExpectedType::String => return Some(Self::TextOfJson),
            // Whole numbers are numbers, too.
            ExpectedType::Number if natural == Self::Integer => return Some(Self::Decimal),
            ExpectedType::Number if natural == Self::Double => return Some(Self::Double),
            ExpectedType::Number => Self::Decimal,
            ExpectedType::Integer => Self::Integer,
            ExpectedType::Boolean => Self::Boolean,
            ExpectedType::Date => Self::Date,
            ExpectedType::Time => Self::Time,
            ExpectedType::TimeWithTimeZone => Self::TimeWithTimeZone,
            ExpectedType::Timestamp => Self::Timestamp,
            ExpectedType::TimestampWithTimeZone => Self::TimestampWithTimeZone,
        };
        // A column of type unknown has no values but NULL, which is in every type.
        (natural == exact || *ty == TrinoType::Unknown).then_some(exact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_sent_in_the_case_that_the_destination_expects_or_not_at_all() {
        use ExpectedType as Expected;
        for (ty, expected, form) in [
            ("bigint", Expected::Integer, Some(Form::Integer)),
            ("bigint", Expected::Number, Some(Form::Decimal)),
            ("bigint", Expected::String, Some(Form::TextOfJson)),
            ("bigint", Expected::Json, Some(Form::Json)),
            ("bigint", Expected::Boolean, None),
            ("decimal(5, 0)", Expected::Integer, Some(Form::Integer)),
            ("decimal(5, 2)", Expected::Integer, None),
            ("decimal(5, 2)", Expected::Number, Some(Form::Decimal)),
            ("double", Expected::Number, Some(Form::Double)),
            ("double", Expected::Integer, None),
            ("varchar", Expected::Number, None),
            ("varchar", Expected::Any, Some(Form::Text)),
            ("timestamp(3)", Expected::Timestamp, Some(Form::Timestamp)),
            ("timestamp(3)", Expected::TimestampWithTimeZone, None),
            ("date", Expected::String, Some(Form::TextOfJson)),
            ("array(date)", Expected::Any, Some(Form::Json)),
            ("unknown", Expected::Date, Some(Form::Date)),
        ] {
            assert_eq!(
                Form::new(&TrinoType::parse(ty), expected),
                form,
                "{ty} {expected:?}"
            );
        }
    }

    #[test]
    fn every_property_has_a_slot_and_a_misfit_is_named() {
        let columns = [
            ("b".to_owned(), TrinoType::Bigint),
            ("extra".to_owned(), TrinoType::Bigint),
            ("a".to_owned(), TrinoType::Boolean),
        ];
        let plan = |properties: &[Property]| {
            let json = RecordPlan::new("s", None, &columns);
            ProtobufPlan::new(json, "s", None, "p1", &columns, properties)
        };
        let property = |name: &str, expected| (name.to_owned(), expected);
        let made = plan(&[
            property("a", ExpectedType::Boolean),
            property("b", ExpectedType::Integer),
            property("gone", ExpectedType::Date),
        ]);
        let made = made.unwrap();
        assert_eq!(made.slots, [Some(2), Some(0), None]);
        assert_eq!(made.forms, [Form::Integer, Form::LeftOut, Form::Boolean]);
        let error = plan(&[property("b", ExpectedType::Date)]).unwrap_err();
        assert!(
            error.to_string().contains("\"b\" is of type bigint"),
            "{error}"
        );
    }
}
