//! The columns of versions of an Iceberg table, in terms of those that it has now.
//!
//! Records have the columns of now. An earlier version has them under the names that they had, in
//! the types that they had, or not at all; then they are null.

use super::Changes;
use crate::read::columns;
use crate::read::version::Version;
use crate::sql::field_ids::{Change, Column};
use crate::sql::ident::Ident;
use crate::trino::error::TrinoError;
use crate::types::TrinoType;

/// The selected columns over those of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mapped {
    /// One expression for each, in their order; `None` for one that cannot be had of that version.
    expressions: Vec<Option<String>>,
    /// Whether a name was another column's then.
    pub(super) change: Change,
}

impl Mapped {
    /// The expressions, if all columns can be had of that version.
    pub(super) fn all(&self) -> Option<Vec<String>> {
        self.expressions.iter().cloned().collect()
    }

    /// The expressions to compare with: what cannot be had is null, so that all rows that may have
    /// changed come again. `None` if it is of the key.
    pub(super) fn to_compare(
        &self,
        columns: &[(String, TrinoType)],
        key: &[String],
    ) -> Option<Vec<String>> {
        let expressions = self.expressions.iter().zip(columns);
        expressions
            .map(|(expression, (name, ty))| match expression {
                None if key.contains(name) => None,
                None => Some(format!("CAST(NULL AS {ty})")),
                Some(expression) => Some(expression.clone()),
            })
            .collect()
    }

    /// All columns under their own names.
    pub(super) fn by_name(names: &[String]) -> Self {
        Self {
            expressions: names.iter().cloned().map(Some).collect(),
            change: Change::None,
        }
    }
}

impl Changes<'_> {
    /// The selected columns as the table has them now; `None` where the server does not show which
    /// they are.
    pub(super) async fn present_columns(&self) -> Result<Option<Vec<Column>>, TrinoError> {
        columns::with_field_ids(self.context, self.table, None, &self.plan.columns).await
    }

    /// The selected columns under their own names.
    pub(super) fn by_name(&self) -> Vec<String> {
        let names = self.plan.columns.iter();
        names.map(|(name, _)| Ident(name).to_string()).collect()
    }

    /// The selected columns over those of a version.
    pub(super) async fn columns_at(
        &self,
        version: Version,
        present: &[Column],
    ) -> Result<Mapped, TrinoError> {
        let columns = match self.named_at(version).await? {
            Some(named) => self.with_ids(version, &named).await?,
            None => Some(Vec::new()),
        };
        let columns = match columns {
            Some(columns) if !has_all(&columns, present) => {
                // It may have had another name.
                let all = columns::names(self.context, self.table, Some(version)).await?;
                self.with_ids(version, &all).await?
            }
            columns => columns,
        };
        let Some(columns) = columns else {
            return Ok(Mapped {
                expressions: vec![None; present.len()],
                change: Change::Identity,
            });
        };
        let expressions: Vec<Option<String>> =
            present.iter().map(|column| column.over(&columns)).collect();
        let changes = present
            .iter()
            .zip(&expressions)
            .map(|(column, expression)| {
                // What cannot be had may have become anything.
                match expression {
                    None => Change::Identity,
                    Some(_) => column.change_since(&columns),
                }
            });
        Ok(Mapped {
            change: changes.max().unwrap_or(Change::None),
            expressions,
        })
    }
}

impl Changes<'_> {
    /// The selected columns with the types that they have in a version; `None` if one is not in it.
    /// The user may not be allowed to see all columns.
    async fn named_at(&self, version: Version) -> Result<Option<columns::Named>, TrinoError> {
        let wanted = &self.plan.columns;
        match columns::types_at(self.context, self.table, version, wanted).await {
            Ok(named) => Ok(Some(named)),
            Err(error) if error.is_named(&["COLUMN_NOT_FOUND"]) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn with_ids(
        &self,
        version: Version,
        named: &columns::Named,
    ) -> Result<Option<Vec<Column>>, TrinoError> {
        columns::with_field_ids(self.context, self.table, Some(version), named).await
    }
}

fn has_all(columns: &[Column], wanted: &[Column]) -> bool {
    wanted
        .iter()
        .all(|wanted| columns.iter().any(|column| column.id == wanted.id))
}
