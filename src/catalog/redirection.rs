//! Where the rows of a table really come from: which table, of which catalog, by which connector.
//!
//! One metastore may hold tables of three formats. Trino then redirects a table of the catalog that
//! was asked to a catalog of the table's own connector. What can be done with a table depends on
//! that connector, so each table is asked for it, and the name of the catalog's connector is not
//! believed. Only connectors that are known to keep no versions, and to redirect nothing, are not
//! asked.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;

use super::bisect;
use super::format::{self, Format};
use super::keys;
use super::patience::patiently;
use crate::sql::ident::Table;
use crate::sql::metadata;
use crate::trino::Client;
use crate::trino::control::{self, TableKindRow};
use crate::trino::error::TrinoError;

/// How many tables one statement asks about.
const TABLES_PER_QUERY: usize = 50;

/// Connectors that can redirect to a catalog of another one.
const REDIRECTING: [&str; 4] = ["hive", "iceberg", "delta_lake", "hudi"];

/// Connectors that keep no versions of tables and redirect nothing. All others are asked.
const WITHOUT_VERSIONS: [&str; 36] = [
    "accumulo",
    "bigquery",
    "blackhole",
    "cassandra",
    "clickhouse",
    "druid",
    "duckdb",
    "elasticsearch",
    "exasol",
    "faker",
    "gsheets",
    "ignite",
    "jmx",
    "kafka",
    "kinesis",
    "kudu",
    "localfile",
    "loki",
    "mariadb",
    "memory",
    "mongodb",
    "mysql",
    "opensearch",
    "oracle",
    "phoenix5",
    "pinot",
    "postgresql",
    "prometheus",
    "redis",
    "redshift",
    "singlestore",
    "snowflake",
    "sqlserver",
    "tpcds",
    "tpch",
    "vertica",
];

/// Keeps no versions, and may redirect.
const HUDI: &str = "hudi";

/// A table from which rows really come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The table. Its catalog is another one than was asked if Trino redirects.
    pub(crate) table: Table,
    /// The connector that reads it.
    pub(crate) connector: String,
}

impl Target {
    /// The format, if the table keeps versions.
    pub(crate) fn format(&self) -> Option<Format> {
        Format::of_connector(Some(&self.connector))
    }
}

/// Whether the tables that a connector itself reads are known to keep no versions.
pub(crate) fn keeps_no_versions(connector: Option<&str>) -> bool {
    connector.is_some_and(|name| name == HUDI || WITHOUT_VERSIONS.contains(&name))
}

/// Where the rows of the named tables come from. Nothing is told of views, of tables for which it
/// could not be found out, and of catalogs whose connector is known to redirect nothing.
///
/// # Errors
///
/// When it cannot be found out for a reason that may pass.
pub(crate) async fn table_targets(
    client: &Client,
    connector: Option<&str>,
    catalog: &str,
    schema: &str,
    names: &[&str],
) -> Result<HashMap<String, Target>, TrinoError> {
    if names.is_empty() || keeps_no_versions(connector) && connector != Some(HUDI) {
        return Ok(HashMap::new());
    }
    let mut asked: BTreeSet<&str> = names.iter().copied().collect();
    if connector.is_some() {
        for TableKindRow { name, is_base } in kinds(client, catalog, schema).await? {
            if !is_base {
                asked.remove(name.as_str());
            }
        }
    }
    let full = |name: &str| Table {
        catalog: catalog.into(),
        schema: schema.into(),
        name: name.into(),
    };
    let mut asked: Vec<Table> = asked.into_iter().map(full).collect();
    let mut targets = HashMap::new();
    if let Some(connector) = connector.filter(|name| REDIRECTING.contains(name)) {
        (targets, asked) = redirected(client, connector, &asked).await?;
    }
    let by_format = format::formats_by_metadata_tables(client, &asked).await?;
    let by_format = by_format
        .into_iter()
        .map(|(table, format)| (table, format.connector()));
    // A plan that was refused proves nothing, so the catalog's connector is taken for theirs.
    let believed = connector.filter(|_| Format::of_connector(connector).is_some());
    let believed = believed.into_iter().flat_map(|connector| {
        let tables = asked.iter().cloned();
        tables.map(move |table| (table, connector))
    });
    for (table, connector) in by_format.chain(believed) {
        let name = table.name.clone();
        targets.entry(name).or_insert_with(|| Target {
            table,
            connector: connector.to_owned(),
        });
    }
    Ok(targets)
}

/// Whether each name in a schema is a base table. Empty, if the user may not know.
async fn kinds(
    client: &Client,
    catalog: &str,
    schema: &str,
) -> Result<Vec<TableKindRow>, TrinoError> {
    let sql = metadata::table_kinds(catalog, schema);
    match patiently(|| control::rows(client, &sql)).await {
        Err(error) if error.is_denied() => {
            tracing::debug!(%error, "which tables are views is not told");
            Ok(Vec::new())
        }
        kinds => kinds,
    }
}

/// Where Trino's plans say that the rows of tables come from, and the tables for which no plan says
/// it. A view is in neither: its plan names other tables.
async fn redirected(
    client: &Client,
    connector: &str,
    tables: &[Table],
) -> Result<(HashMap<String, Target>, Vec<Table>), TrinoError> {
    let plan = |group: Vec<Table>| async move {
        let catalog = group.first().map_or("", |table| &table.catalog);
        control::plan(client, &metadata::io_plan(&group), catalog).await
    };
    let plans = bisect::ask_in_groups(tables, TABLES_PER_QUERY, &[], plan).await?;
    let mut unclear = Vec::new();
    for (table, error) in plans.refused {
        tracing::debug!(%error, "where the rows of {table} come from is not told");
        unclear.push(table);
    }
    let mut found = Vec::new();
    for (group, plan) in plans.answers {
        let sources = sources(&plan);
        for table in group {
            match named_like(&table, &sources)[..] {
                [source] => found.push((table, source.clone())),
                [] if !sources.is_empty() => {}
                _ => unclear.push(table),
            }
        }
    }
    let mut connectors = BTreeMap::new();
    for (table, source) in &found {
        if source.catalog == table.catalog {
            connectors.insert(source.catalog.clone(), Some(connector.to_owned()));
        } else if !connectors.contains_key(&source.catalog) {
            let other = keys::connector(client, &source.catalog).await?;
            connectors.insert(source.catalog.clone(), other);
        }
    }
    let targets = found.into_iter().filter_map(|(asked, table)| {
        let connector = connectors.get(&table.catalog).cloned().flatten()?;
        Some((asked.name, Target { table, connector }))
    });
    Ok((targets.collect(), unclear))
}

/// The tables that the rows of `table` may come from. A group of tables has one plan, so they are
/// found by its name.
fn named_like<'a>(table: &Table, sources: &'a [Table]) -> Vec<&'a Table> {
    let named = sources
        .iter()
        .filter(|source| source.schema == table.schema && source.name == table.name);
    named.collect()
}

/// The tables that a plan of type IO reads; empty if it is no such plan.
fn sources(plan: &str) -> Vec<Table> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Plan {
        input_table_column_infos: Vec<Input>,
    }
    #[derive(Deserialize)]
    struct Input {
        table: Named,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Named {
        catalog: String,
        schema_table: SchemaTable,
    }
    #[derive(Deserialize)]
    struct SchemaTable {
        schema: String,
        table: String,
    }
    let plan: Plan = match serde_json::from_str(plan) {
        Ok(plan) => plan,
        Err(error) => {
            tracing::debug!(%error, "a plan of type IO is not as expected");
            return Vec::new();
        }
    };
    let tables = plan
        .input_table_column_infos
        .into_iter()
        .map(|input| Table {
            catalog: input.table.catalog,
            schema: input.table.schema_table.schema,
            name: input.table.schema_table.table,
        });
    let tables: BTreeSet<Table> = tables.collect();
    tables.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(catalog: &str, name: &str) -> Table {
        Table {
            catalog: catalog.into(),
            schema: "s".into(),
            name: name.into(),
        }
    }

    #[test]
    fn a_plan_names_the_catalog_that_a_table_really_comes_from() {
        let plan = r#"{"inputTableColumnInfos": [
            {"table": {"catalog": "ice", "schemaTable": {"schema": "s", "table": "a"}},
             "constraint": {"none": false, "columnConstraints": []}},
            {"table": {"catalog": "hive", "schemaTable": {"schema": "s", "table": "b"}}}],
            "estimate": {"outputRowCount": "NaN"}}"#;
        let sources = sources(plan);
        let like = |name: &str| named_like(&table("hive", name), &sources);
        assert_eq!(like("a"), [&table("ice", "a")]);
        assert_eq!(like("b"), [&table("hive", "b")]);
        assert!(like("a view of them").is_empty());
    }

    #[test]
    fn two_sources_of_one_name_are_both_named() {
        let sources = [table("ice", "a"), table("hive", "a")];
        assert_eq!(named_like(&table("hive", "a"), &sources).len(), 2);
    }

    #[test]
    fn an_answer_of_another_form_tells_nothing() {
        assert!(sources("").is_empty());
        assert!(sources("{}").is_empty());
    }
}
