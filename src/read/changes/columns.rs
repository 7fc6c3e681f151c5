//! Expresses the present columns of an Iceberg table by the columns of one of its earlier versions.
//!
//! Records have the present columns. In an earlier version a column may have another name or type,
//! or it may be missing; then its value is null.

use super::Changes;
use crate::read::version::Version;
use crate::read::{columns, listing};
use crate::sql::field_ids::{self, Change, Column};
use crate::sql::ident::Ident;
use crate::sql::versions;
use crate::trino::error::TrinoError;
use crate::types::TrinoType;

/// The selected columns, as expressions over the columns of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mapped {
    /// One expression for each column, in their order. `None` for a column that this version does
    /// not tell.
    expressions: Vec<Option<String>>,
    /// How much the columns have changed since that version.
    pub(super) change: Change,
}

impl Mapped {
    /// The expressions, if the version tells all columns.
    pub(super) fn all(&self) -> Option<Vec<String>> {
        self.expressions.iter().cloned().collect()
    }

    /// The expressions for comparing rows. A column that the version does not tell is null, so that
    /// all rows that may have changed come again. `None` if such a column is part of the key, or if
    /// there is no key, so that whole rows are told apart.
    pub(super) fn to_compare(
        &self,
        columns: &[(String, TrinoType)],
        key: &[String],
    ) -> Option<Vec<String>> {
        let expressions = self.expressions.iter().zip(columns);
        expressions
            .map(|(expression, (name, ty))| match expression {
                None if key.is_empty() || key.contains(name) => None,
                None => Some(field_ids::null(ty)),
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
    /// The selected columns as the table has them now. `None` if the server does not show their
    /// ids.
    pub(super) async fn present_columns(&self) -> Result<Option<Vec<Column>>, TrinoError> {
        columns::with_field_ids(self.context, self.table, None, &self.plan.columns).await
    }

    /// The selected columns under their own names.
    pub(super) fn by_name(&self) -> Vec<String> {
        let names = self.plan.columns.iter();
        names.map(|(name, _)| Ident(name).to_string()).collect()
    }

    /// The selected columns, as expressions over the columns of a version.
    pub(super) async fn columns_at(
        &self,
        version: Version,
        present: &[Column],
    ) -> Result<Mapped, TrinoError> {
        let ids: Vec<i64> = present.iter().map(|column| column.id).collect();
        let Some(columns) = self.identified(version, &ids).await? else {
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
                // A column that the version does not tell may have had any value.
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
    /// The selected columns as expressions over the columns of the same names in a version, for
    /// tables whose columns have no ids: null for those that were not there.
    pub(super) async fn by_name_at(&self, version: Version) -> Result<Mapped, TrinoError> {
        let there = self.there(version).await?;
        let key = self.plan.readable_key();
        let expressions = self.plan.columns.iter().map(|(name, ty)| {
            match there.iter().find(|(column, _)| column == name) {
                Some((_, found)) => field_ids::cast(&Ident(name).to_string(), found, ty),
                // Nothing can be found by a key that was not there.
                None if key.contains(name) => None,
                None => Some(field_ids::null(ty)),
            }
        });
        Ok(Mapped {
            expressions: expressions.collect(),
            change: Change::None,
        })
    }

    /// The selected columns of a version with the key as its rows were told: from the columns with
    /// these `ids` or, if they are not known, those that have the key's names there. The other
    /// columns stay as they are `mapped`. `None` if the key had another type then, so that it
    /// cannot be compared.
    pub(super) async fn with_key_as_told(
        &self,
        version: Version,
        ids: &[i64],
        mapped: &[String],
    ) -> Result<Option<Vec<String>>, TrinoError> {
        let key = self.plan.readable_key();
        let there = if ids.len() == key.len() {
            self.identified(version, ids).await?
        } else {
            None
        };
        let named = match &there {
            Some(_) => Vec::new(),
            None => self.there(version).await?,
        };
        let told = |at: usize| {
            if let Some(there) = &there {
                let column = there.iter().find(|column| column.id == ids[at]);
                column.map(|column| (&column.name, &column.ty))
            } else {
                let column = named.iter().find(|(column, _)| *column == key[at]);
                column.map(|(name, ty)| (name, ty))
            }
        };
        let columns = self.plan.columns.iter().zip(mapped);
        let expressions = columns.map(|((name, ty), mapped)| {
            let Some(at) = key.iter().position(|column| column == name) else {
                return Some(mapped.clone());
            };
            match told(at) {
                Some((name, found)) => field_ids::cast(&Ident(name).to_string(), found, ty),
                // It was told as null, or nothing is known of it.
                None if there.is_some() => Some(field_ids::null(ty)),
                None => Some(mapped.clone()),
            }
        });
        Ok(expressions.collect())
    }

    /// The ids of the columns of the key, in the order of the key. Empty if they are not known.
    pub(super) fn key_ids(&self, present: Option<&[Column]>) -> Vec<i64> {
        let present = present.unwrap_or_default();
        let id = |name: &String| {
            let column = present.iter().find(|column| column.name == *name);
            column.map(|column| column.id)
        };
        let ids: Option<Vec<i64>> = self.plan.readable_key().iter().map(id).collect();
        ids.unwrap_or_default()
    }

    /// Columns of a version with their ids: those with the selected names or, if one of `ids` is
    /// not among them, all. `None` if the server does not show ids.
    async fn identified(
        &self,
        version: Version,
        ids: &[i64],
    ) -> Result<Option<Vec<Column>>, TrinoError> {
        let columns = match self.named_at(version).await? {
            Some(named) => self.with_ids(version, &named).await?,
            None => Some(Vec::new()),
        };
        match columns {
            Some(columns) if !has_all(&columns, ids) => {
                // The column may have had another name.
                let all = columns::names(self.context, self.table, Some(version)).await?;
                self.with_ids(version, &all).await
            }
            columns => Ok(columns),
        }
    }

    /// Columns of a version, with at least those that have the names of the selected ones.
    async fn there(&self, version: Version) -> Result<columns::Named, TrinoError> {
        match self.named_at(version).await? {
            Some(named) => Ok(named),
            None => columns::names(self.context, self.table, Some(version)).await,
        }
    }

    /// The id of the table's schema at a version, if a selected column has rows within arrays or
    /// maps: no plan shows the ids of their fields, so a field that was dropped and added again is
    /// only seen by the schema's id. `None` if there is no such column, or if the log of the
    /// table's metadata is hidden from the user or does not go back to the version.
    pub(super) async fn schema_id(&self, version: Version) -> Result<Option<i64>, TrinoError> {
        let columns = &self.plan.columns;
        let is_needed = columns
            .iter()
            .any(|(_, ty)| field_ids::has_hidden_fields(ty));
        if !is_needed {
            return Ok(None);
        }
        let sql = versions::iceberg_schema_id(self.table, version.number());
        listing::in_metadata_log(self.context, &sql).await
    }

    /// The selected columns with their types in a version. `None` if the version lacks one of them.
    /// Only the selected columns are asked for, because the user may not be allowed to see all.
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

fn has_all(columns: &[Column], ids: &[i64]) -> bool {
    ids.iter()
        .all(|id| columns.iter().any(|column| column.id == *id))
}
