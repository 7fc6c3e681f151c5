//! A checksum of rows that does not depend on their order, computed by Trino.

use super::ident::Ident;
use crate::types::TrinoType;

/// How many fields one row expression has. Servers refuse calls with more than 254 arguments.
const MOST_FIELDS: usize = 200;

/// A checksum of the values that a stream selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowChecksum {
    /// An aggregate of type varbinary.
    pub(crate) aggregate: String,
    /// Whether it covers every column. Trino cannot hash values of some types.
    pub(crate) is_complete: bool,
}

impl RowChecksum {
    /// The checksum of `columns`; `None` if no column can be hashed.
    pub(crate) fn new(columns: &[(String, TrinoType)]) -> Option<Self> {
        let hashed: Vec<String> = columns
            .iter()
            .filter_map(|(name, ty)| hashable(&Ident(name).to_string(), ty))
            .collect();
        let rows: Vec<String> = hashed
            .chunks(MOST_FIELDS)
            .map(|fields| format!("ROW({})", fields.join(", ")))
            .collect();
        let row = match rows.as_slice() {
            [] => return None,
            [row] => row.clone(),
            rows => format!("ROW({})", rows.join(", ")),
        };
        Some(Self {
            aggregate: format!("checksum({row})"),
            is_complete: hashed.len() == columns.len(),
        })
    }
}

/// An expression for `column` that Trino can hash. Values that cannot be compared for equality
/// cannot be hashed (seen on 476).
fn hashable(column: &str, ty: &TrinoType) -> Option<String> {
    let TrinoType::Other(text) = ty else {
        return (!ty.any(&|ty| !has_equality(ty))).then(|| column.to_owned());
    };
    let text = text.to_ascii_lowercase();
    let name = text.split('(').next().unwrap_or(&text);
    match name {
        "hyperloglog" | "p4hyperloglog" | "setdigest" | "tdigest" | "qdigest" => {
            Some(format!("CAST({column} AS varbinary)"))
        }
        "sphericalgeography" => Some(format!("to_geometry({column})")),
        _ => has_equality(ty).then(|| column.to_owned()),
    }
}

fn has_equality(ty: &TrinoType) -> bool {
    match ty {
        TrinoType::Number | TrinoType::Variant => false,
        TrinoType::Other(text) => [
            "uuid",
            "ipaddress",
            "objectid",
            "interval day to second",
            "interval year to month",
            "geometry",
            "bingtile",
            "color",
        ]
        .iter()
        .any(|name| text.eq_ignore_ascii_case(name)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checksum(types: &[&str]) -> Option<RowChecksum> {
        let columns: Vec<_> = (0..)
            .zip(types)
            .map(|(number, ty)| (format!("c{number}"), TrinoType::parse(ty)))
            .collect();
        RowChecksum::new(&columns)
    }

    #[test]
    fn values_without_equality_are_hashed_by_another_form_or_left_out() {
        for (types, aggregate, is_complete) in [
            (
                &["bigint", "uuid"][..],
                "checksum(ROW(\"c0\", \"c1\"))",
                true,
            ),
            (
                &["HyperLogLog"],
                "checksum(ROW(CAST(\"c0\" AS varbinary)))",
                true,
            ),
            (
                &["qdigest(bigint)"],
                "checksum(ROW(CAST(\"c0\" AS varbinary)))",
                true,
            ),
            (
                &["SphericalGeography"],
                "checksum(ROW(to_geometry(\"c0\")))",
                true,
            ),
            (&["bigint", "some_plugin"], "checksum(ROW(\"c0\"))", false),
            (
                &["array(HyperLogLog)", "json"],
                "checksum(ROW(\"c1\"))",
                false,
            ),
        ] {
            let expected = RowChecksum {
                aggregate: aggregate.to_owned(),
                is_complete,
            };
            assert_eq!(checksum(types), Some(expected), "{types:?}");
        }
        assert_eq!(checksum(&["some_plugin"]), None);
    }

    #[test]
    fn many_columns_are_rows_of_rows() {
        let aggregate = checksum(&["bigint"; 201]).unwrap().aggregate;
        assert!(
            aggregate.starts_with("checksum(ROW(ROW(\"c0\", "),
            "{aggregate}"
        );
        assert!(
            aggregate.ends_with("\"c199\"), ROW(\"c200\")))"),
            "{aggregate}"
        );
    }
}
