//! Where the rows of a table really come from: which table, of which catalog, by which connector.
//!
//! One metastore may hold tables of three formats. Trino then redirects a table of the catalog that
//! was asked to a catalog of the table's own connector. What can be done with a table depends on
//! that connector, so each table is asked for it, and the name of the catalog's connector is not
//! believed. Only connectors that are known to keep no versions, and to redirect nothing, are not
//! asked.

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;

use super::bisect;
use super::format::{self, Format};
use super::keys;
use super::patience::patiently;
use crate::sql::ident::Table;
use crate::sql::metadata;
use crate::trino::Client;
use crate::trino::answers::TableKindRow;
use crate::trino::control;
use crate::trino::error::TrinoError;

/// How many tables one statement asks about.
const TABLES_PER_QUERY: usize = 50;

/// Connectors that can redirect to a catalog of another one.
const REDIRECTING: [&str; 4] = ["hive", "iceberg", "delta_lake", "hudi"];

/// Connectors that keep no versions of tables and redirect nothing. All others are asked.
const WITHOUT_VERSIONS: [&str; 37] = [
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
    "system",
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

/// Whether plans tell where the rows of a catalog's tables come from.
pub(crate) fn is_told_by_plans(connector: Option<&str>) -> bool {
    connector.is_some_and(|name| REDIRECTING.contains(&name))
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
    if keeps_no_versions(connector) && !is_told_by_plans(connector) {
        return Ok(HashMap::new());
    }
    let asked: BTreeSet<&str> = names.iter().copied().collect();
    let asked = asked
        .into_iter()
        .map(|name| Table::new(catalog, schema, name));
    let asked: Vec<Table> = asked.collect();
    let mut targets = match connector.filter(|_| is_told_by_plans(connector)) {
        Some(connector) => targets_by_plans(client, connector, (catalog, schema), &asked).await?,
        None => Targets {
            unclear: asked,
            ..Targets::default()
        },
    };
    let unclear = [&targets.unclear[..], &targets.unproven].concat();
    for (table, format) in format::formats_by_metadata_tables(client, &unclear).await? {
        targets.add(table, format.connector());
    }
    // A plan that was refused proves nothing, so the catalog's connector is taken for theirs.
    if let Some(connector) = connector.filter(|_| Format::of_connector(connector).is_some()) {
        for table in std::mem::take(&mut targets.unclear) {
            targets.add(table, connector);
        }
    }
    Ok(targets.clear)
}

/// What plans tell about tables. A view is nowhere in it: its plan names other tables.
#[derive(Default)]
struct Targets {
    /// By the name of the table.
    clear: HashMap<String, Target>,
    /// Tables about which the plan was refused, or says nothing although they are no views.
    unclear: Vec<Table>,
    /// Names that lead to another catalog, and may be views of tables with the same names there.
    unproven: Vec<Table>,
}

impl Targets {
    fn add(&mut self, table: Table, connector: &str) {
        let name = table.name.clone();
        self.clear.entry(name).or_insert_with(|| Target {
            table,
            connector: connector.to_owned(),
        });
    }
}

async fn targets_by_plans(
    client: &Client,
    connector: &str,
    (catalog, schema): (&str, &str),
    tables: &[Table],
) -> Result<Targets, TrinoError> {
    let plan = |group: Vec<Table>| async move {
        control::plan(client, &metadata::io_plan(&group), catalog).await
    };
    let plans = bisect::ask_in_groups(tables, TABLES_PER_QUERY, &[], plan).await?;
    let mut targets = Targets::default();
    let mut unplanned = Vec::new();
    for (table, error) in plans.refused {
        tracing::debug!(%error, "it cannot be found out where the rows of {table} come from");
        unplanned.push(table);
    }
    let mut doubtful = Vec::new();
    for (group, plan) in plans.answers {
        let Some(sources) = sources(&plan) else {
            unplanned.extend(group);
            continue;
        };
        for table in group {
            // No view reads from itself.
            if sources.contains(&table) {
                targets.add(table, connector);
            } else {
                let others = named_like(&table, &sources);
                doubtful.push((table, others));
            }
        }
    }
    if doubtful.is_empty() && unplanned.is_empty() {
        return Ok(targets);
    }
    let kinds = kinds(client, catalog, schema).await?;
    let is_base = |table: &Table| {
        let kind = kinds.iter().find(|kind| kind.name == table.name);
        kind.map(|kind| kind.is_base)
    };
    let may_be_tables = unplanned
        .into_iter()
        .filter(|table| is_base(table) != Some(false));
    targets.unclear.extend(may_be_tables);
    for (table, others) in doubtful {
        match (is_base(&table), &others[..]) {
            (Some(true), [source]) => match keys::connector(client, &source.catalog).await? {
                Some(connector) => {
                    let target = Target {
                        table: source.clone(),
                        connector,
                    };
                    targets.clear.insert(table.name, target);
                }
                None => targets.unproven.push(table),
            },
            (Some(true), _) => targets.unclear.push(table),
            (None, [_, ..]) => targets.unproven.push(table),
            // A view, or a name that no plan and no list of tables has.
            (Some(false), _) | (None, []) => {}
        }
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
            tracing::debug!(%error, "it cannot be found out which tables are views");
            Ok(Vec::new())
        }
        kinds => kinds,
    }
}

/// The tables with the name of `table` in a plan of several tables.
fn named_like(table: &Table, sources: &[Table]) -> Vec<Table> {
    let named = sources
        .iter()
        .filter(|source| source.schema == table.schema && source.name == table.name);
    named.cloned().collect()
}

/// The tables that a plan of type IO reads; `None` if it is no such plan.
fn sources(plan: &str) -> Option<Vec<Table>> {
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
            return None;
        }
    };
    let tables = plan.input_table_column_infos.into_iter().map(|input| {
        Table::new(
            input.table.catalog,
            input.table.schema_table.schema,
            input.table.schema_table.table,
        )
    });
    let tables: BTreeSet<Table> = tables.collect();
    Some(tables.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(catalog: &str, name: &str) -> Table {
        Table::new(catalog, "s", name)
    }

    #[test]
    fn a_plan_names_the_catalog_that_a_table_really_comes_from() {
        let plan = r#"{"inputTableColumnInfos": [
            {"table": {"catalog": "ice", "schemaTable": {"schema": "s", "table": "a"}},
             "constraint": {"none": false, "columnConstraints": []}},
            {"table": {"catalog": "hive", "schemaTable": {"schema": "s", "table": "b"}}}],
            "estimate": {"outputRowCount": "NaN"}}"#;
        let sources = sources(plan).unwrap();
        let like = |name: &str| named_like(&table("hive", name), &sources);
        assert_eq!(like("a"), [table("ice", "a")]);
        assert_eq!(like("b"), [table("hive", "b")]);
        assert!(like("a view of them").is_empty());
    }

    #[test]
    fn two_sources_of_one_name_are_both_named() {
        let sources = [table("ice", "a"), table("hive", "a")];
        assert_eq!(named_like(&table("hive", "a"), &sources).len(), 2);
    }

    #[test]
    fn an_answer_of_another_form_tells_nothing() {
        assert_eq!(sources(""), None);
        assert_eq!(sources("{}"), None);
    }
}
