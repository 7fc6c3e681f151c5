use serde_json::json;

use super::*;
use crate::read::test_inputs::{connection, stream};
use crate::sql::changes::DELETED_AT;

fn found(connector: Option<&str>) -> Found {
    let column = |name: &str| (name.to_owned(), TrinoType::Bigint);
    Found {
        relation: Relation::Table(Table::new("c", "s", "t")),
        connector: connector.map(str::to_owned),
        columns: vec![
            column("b"),
            column("a"),
            column("c"),
            ("flag".to_owned(), TrinoType::Boolean),
        ],
        query: None,
    }
}

fn planned(stream: &ConfiguredAirbyteStream) -> Result<StreamPlan, ConnectorError> {
    plan_stream(&connection(&json!({})), stream, found(None))
}

fn names(plan: &StreamPlan) -> Vec<&str> {
    plan.columns.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn only_selected_columns_are_read_in_the_tables_order() {
    let stream = stream(
        json!({"stream": {"name": "t", "json_schema": {"properties": {"a": {}, "b": {}, "gone": {}, "_ab_cdc_lsn": {}}}}, "sync_mode": "full_refresh"}),
    );
    assert_eq!(names(&planned(&stream).unwrap()), ["b", "a"]);
}

#[test]
fn a_catalog_that_names_no_columns_means_all() {
    for schema in [json!(null), json!({}), json!({"properties": {}})] {
        let stream = stream(
            json!({"stream": {"name": "t", "json_schema": schema}, "sync_mode": "full_refresh"}),
        );
        assert_eq!(names(&planned(&stream).unwrap()), ["b", "a", "c", "flag"]);
    }
}

#[test]
fn columns_named_like_those_of_changes_are_left_out_of_changes() {
    let changes = json!({"replication_method": {"method": "CHANGES"}});
    let columns = |config, sync_mode| {
        let stream = stream(json!({"stream": {"name": "t"}, "sync_mode": sync_mode}));
        let mut found = found(Some("iceberg"));
        found
            .columns
            .push((DELETED_AT.to_owned(), TrinoType::Bigint));
        plan_stream(&connection(config), &stream, found)
            .unwrap()
            .columns
            .len()
    };
    assert_eq!(columns(&changes, "incremental"), 4);
    assert_eq!(columns(&changes, "full_refresh"), 5);
}

#[test]
fn a_stream_without_any_column_left_is_an_error() {
    let stream = stream(
        json!({"stream": {"name": "t", "json_schema": {"properties": {"x": {}}}}, "sync_mode": "full_refresh"}),
    );
    assert!(
        planned(&stream)
            .unwrap_err()
            .message
            .contains("none of the selected columns")
    );
}

#[test]
fn the_mode_follows_sync_mode_cursor_and_replication_method() {
    let changes = json!({"replication_method": {"method": "CHANGES"}});
    let cases = [
        ("full_refresh", Some("a"), json!({}), None, "FullRefresh"),
        ("incremental", Some("a"), json!({}), None, "Cursor"),
        ("incremental", Some("A"), json!({}), None, "Cursor"),
        ("incremental", None, json!({}), None, "FullRefresh"),
        ("incremental", Some("flag"), json!({}), None, "FullRefresh"),
        ("incremental", Some("gone"), json!({}), None, "FullRefresh"),
        ("incremental", Some("a.b"), json!({}), None, "FullRefresh"),
        (
            "incremental",
            None,
            changes.clone(),
            Some("iceberg"),
            "Changes",
        ),
        (
            "incremental",
            Some("_ab_cdc_cursor"),
            changes.clone(),
            Some("iceberg"),
            "Changes",
        ),
        (
            "incremental",
            Some("a"),
            changes.clone(),
            Some("iceberg"),
            "Cursor",
        ),
        (
            "incremental",
            Some("a"),
            changes.clone(),
            Some("hive"),
            "Cursor",
        ),
        (
            "full_refresh",
            None,
            changes,
            Some("iceberg"),
            "FullRefresh",
        ),
    ];
    for (sync_mode, cursor, config, connector, expected) in cases {
        let cursor: Vec<&str> = cursor
            .into_iter()
            .flat_map(|path| path.split('.'))
            .collect();
        let stream = stream(
            json!({"stream": {"name": "t"}, "sync_mode": sync_mode, "cursor_field": cursor}),
        );
        let mode = mode(&connection(&config), &stream, &found(connector));
        let said = format!("{mode:?}");
        assert!(said.starts_with(expected), "{said} {cursor:?} {config}");
    }
}

#[test]
fn a_key_is_used_whole_or_not_at_all() {
    let columns = [
        ("id".to_owned(), TrinoType::Bigint),
        ("part".to_owned(), TrinoType::Bigint),
        (
            "data".to_owned(),
            TrinoType::parse("row(id bigint, x date)"),
        ),
    ];
    let key = |paths: &[&[&str]]| {
        let paths: Vec<Vec<String>> = paths
            .iter()
            .map(|path| path.iter().map(|name| (*name).to_owned()).collect())
            .collect();
        key_columns(&paths, &columns)
    };
    assert_eq!(key(&[&["id", "part"]]), ["id", "part"]);
    assert_eq!(key(&[&["id"], &["part"]]), ["id", "part"]);
    assert_eq!(key(&[&["id"], &["id"]]), ["id"]);
    assert_eq!(key(&[&["id", ""]]), ["id"]);
    assert_eq!(key(&[&["data"]]), ["data"]);
    assert_eq!(key(&[&["data", "id"]]), ["data.id"], "no column");
    assert_eq!(key(&[&["data", "x"], &["id"]]), ["data.x", "id"]);
    assert_eq!(key(&[&["id", "gone"]]), ["id.gone"]);
    assert_eq!(key(&[&["ID"], &["Part"]]), ["id", "part"], "in capitals");
    assert!(key(&[&[""]]).is_empty());
    assert!(key(&[]).is_empty());
}

#[test]
fn a_position_in_changes_is_not_given_up_where_the_connector_is_not_known() {
    let changes = connection(&json!({"replication_method": {"method": "CHANGES"}}));
    let by_cursor = connection(&json!({}));
    let plan = |connection: &Connection, connector, cursor: &[&str]| {
        let stream = stream(json!({"stream": {"name": "t"}, "sync_mode": "incremental",
            "cursor_field": cursor}));
        plan_stream(connection, &stream, found(connector)).unwrap()
    };
    let state = Content::Changes(crate::read::changes_state::ChangesState::default());
    let is_refused = |connection, plan: &StreamPlan| {
        refuse_to_lose_position(connection, plan, Some(&state)).is_err()
    };
    assert!(is_refused(&changes, &plan(&changes, None, &[])));
    assert!(!is_refused(&changes, &plan(&changes, Some("memory"), &[])));
    assert!(!is_refused(&changes, &plan(&changes, None, &["a"])));
    assert!(!is_refused(&by_cursor, &plan(&by_cursor, None, &[])));
    assert!(refuse_to_lose_position(&changes, &plan(&changes, None, &[]), None).is_ok());
}

#[test]
fn a_stream_twice_is_refused() {
    let catalog = serde_json::from_value(json!({"streams": [
        {"stream": {"name": "t"}, "sync_mode": "full_refresh"},
        {"stream": {"name": "t"}, "sync_mode": "full_refresh"}]}))
    .unwrap();
    assert!(refuse_repeated(&catalog).is_err());
}
