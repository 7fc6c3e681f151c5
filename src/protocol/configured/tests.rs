use serde_json::json;

use super::*;

/// A catalog of one stream, with these members of its entry changed.
fn catalog(changes: &Value) -> ConfiguredAirbyteCatalog {
    let mut entry = json!({"stream": {"name": "t", "namespace": "s", "json_schema": {}},
        "sync_mode": "incremental"});
    for (name, value) in changes.as_object().unwrap() {
        if name == "stream" && value.is_object() {
            for (name, value) in value.as_object().unwrap() {
                entry["stream"][name] = value.clone();
            }
        } else {
            entry[name] = value.clone();
        }
    }
    serde_json::from_value(json!({"streams": [entry, good()]})).unwrap()
}

fn good() -> Value {
    json!({"stream": {"name": "good"}, "sync_mode": "full_refresh"})
}

fn understood(changes: &Value) -> ConfiguredAirbyteStream {
    let mut catalog = catalog(changes);
    assert_eq!(catalog.problems, [], "{changes}");
    catalog.streams.remove(0)
}

fn said(changes: &Value) -> (Option<StreamDescriptor>, String) {
    let mut catalog = catalog(changes);
    assert_eq!(catalog.problems.len(), 1, "{changes}");
    assert_eq!(
        catalog.streams[0].stream.name, "good",
        "the others are read"
    );
    let problem = catalog.problems.remove(0);
    assert_eq!(problem.entry, 1);
    let text = problem.to_string();
    (problem.stream, text)
}

#[test]
fn null_is_absent_everywhere() {
    let nulls = json!({"stream": {"namespace": null, "json_schema": null, "supported_sync_modes": null,
            "source_defined_primary_key": null, "default_cursor_field": null, "is_resumable": null},
        "destination_sync_mode": null, "cursor_field": null, "primary_key": null, "generation_id": null});
    let stream = understood(&nulls);
    assert_eq!(stream.stream.namespace, None);
    assert_eq!(stream.stream.selected_columns(), None);
    assert_eq!((stream.cursor_field, stream.primary_key), (None, None));
    assert_eq!(stream.destination_sync_mode, "append");
    let (stream, text) = said(&json!({"sync_mode": null}));
    assert_eq!(stream.unwrap().to_string(), "s.t");
    assert_eq!(
        text,
        "\"sync_mode\" of the configured catalog is missing; choose \"full_refresh\" or \"incremental\""
    );
}

#[test]
fn what_read_does_not_look_at_cannot_be_wrong() {
    for value in [
        json!(7),
        json!("x"),
        json!([7, "later"]),
        json!({"a": 1}),
        json!(true),
    ] {
        let stream = understood(&json!({"sync_mode": "full_refresh",
            "stream": {"supported_sync_modes": value, "source_defined_primary_key": value,
                "source_defined_cursor": value, "default_cursor_field": value},
            "destination_sync_mode": value, "cursor_field": value, "primary_key": value,
            "sync_id": value, "minimum_generation_id": value, "name": value}));
        assert_eq!(stream.stream.supported_sync_modes, [], "{value}");
    }
    let modes = json!(["full_refresh", "cdc", null, "incremental"]);
    let stream = understood(&json!({"stream": {"supported_sync_modes": modes}}));
    assert_eq!(
        stream.stream.supported_sync_modes.len(),
        2,
        "known ones are kept"
    );
}

#[test]
fn text_for_a_list_is_a_list_of_one() {
    let cursor = |given: Value| understood(&json!({"cursor_field": given})).cursor_field;
    let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    assert_eq!(cursor(json!("d")), names(&["d"]));
    assert_eq!(cursor(json!(["d"])), names(&["d"]));
    assert_eq!(cursor(json!(["a", "d"])), names(&["a", "d"]));
    for nothing in [json!(""), json!([]), json!([""]), json!([null])] {
        assert_eq!(cursor(nothing.clone()), names(&[]), "{nothing}");
    }
    let key = |given: Value| understood(&json!({"primary_key": given})).primary_key;
    let paths = |paths: &[&[&str]]| {
        let path = |path: &&[&str]| path.iter().map(|name| (*name).to_owned()).collect();
        Some(paths.iter().map(path).collect::<Vec<Vec<String>>>())
    };
    assert_eq!(key(json!("id")), paths(&[&["id"]]));
    assert_eq!(key(json!(["id"])), paths(&[&["id"]]));
    assert_eq!(key(json!(["id", "part"])), paths(&[&["id"], &["part"]]));
    assert_eq!(key(json!([["id", "part"]])), paths(&[&["id", "part"]]));
    assert_eq!(key(json!([["id"], "part"])), paths(&[&["id"], &["part"]]));
    for nothing in [
        json!(""),
        json!([]),
        json!([[]]),
        json!([null]),
        json!([[""]]),
    ] {
        assert_eq!(key(nothing.clone()), paths(&[]), "{nothing}");
    }
}

#[test]
fn what_cannot_be_understood_is_said_of_its_stream_by_field() {
    for (changes, field) in [
        (json!({"cursor_field": 7}), "cursor_field"),
        (json!({"cursor_field": [["d"]]}), "cursor_field"),
        (json!({"cursor_field": {"name": "d"}}), "cursor_field"),
        (json!({"primary_key": 7}), "primary_key"),
        (json!({"primary_key": [["id", 7]]}), "primary_key"),
        (json!({"primary_key": [[["id"]]]}), "primary_key"),
        (json!({"sync_mode": "INVALID"}), "sync_mode"),
        (json!({"sync_mode": ""}), "sync_mode"),
        (json!({"sync_mode": ["incremental"]}), "sync_mode"),
        (json!({"stream": {"namespace": 7}}), "stream.namespace"),
        (
            json!({"stream": {"json_schema": "{}"}}),
            "stream.json_schema",
        ),
        (
            json!({"stream": {"json_schema": {"properties": ["a"]}}}),
            "stream.json_schema.properties",
        ),
    ] {
        let (stream, text) = said(&changes);
        let stream = stream.expect("the name could be read");
        assert_eq!(stream.name, "t");
        let start = format!("\"{field}\" of the configured catalog ");
        assert!(text.starts_with(&start), "{changes}: {text}");
    }
}

#[test]
fn a_stream_without_a_name_is_told_by_its_place() {
    for (changes, expected) in [
        (
            json!({"stream": {"name": null}}),
            "stream 1 of the configured catalog: \"stream.name\" is missing",
        ),
        (
            json!({"stream": {"name": 7}}),
            "stream 1 of the configured catalog: \"stream.name\" must be text, not a number",
        ),
        (
            json!({"stream": null}),
            "stream 1 of the configured catalog: \"stream\" is missing",
        ),
        (
            json!({"stream": "t"}),
            "stream 1 of the configured catalog: \"stream\" must be an object, not text",
        ),
    ] {
        assert_eq!(said(&changes), (None, expected.to_owned()), "{changes}");
    }
    let mixed: ConfiguredAirbyteCatalog =
        serde_json::from_value(json!({"streams": [7, good(), null]})).unwrap();
    let entries: Vec<usize> = mixed.problems.iter().map(|problem| problem.entry).collect();
    assert_eq!(entries, [1, 3]);
}

#[test]
fn a_catalog_of_discover_is_one_error() {
    let streams =
        json!({"streams": [{"name": "t", "json_schema": {}}, {"name": "u", "json_schema": {}}]});
    for text in [
        streams.to_string(),
        json!({"type": "CATALOG", "catalog": streams}).to_string(),
        "{}".to_owned(),
        "[]".to_owned(),
        json!({"streams": null}).to_string(),
    ] {
        let error = serde_json::from_str::<ConfiguredAirbyteCatalog>(&text).unwrap_err();
        assert!(error.to_string().contains("stream"), "{error}");
    }
    let empty: ConfiguredAirbyteCatalog = serde_json::from_str("{\"streams\": []}").unwrap();
    assert!(empty.streams.is_empty() && empty.problems.is_empty());
}

#[test]
fn an_empty_namespace_is_none_and_messages_carry_it_as_it_is() {
    for (namespace, carried) in [
        (json!(null), json!({"name": "T"})),
        (json!(""), json!({"name": "T", "namespace": ""})),
    ] {
        let stream = understood(&json!({"stream": {"name": "T", "namespace": namespace}}));
        assert_eq!(stream.stream.schema(), None, "{namespace}");
        assert_eq!(json!(stream.stream.descriptor()), carried);
        assert_eq!(stream.stream.descriptor().to_string(), "T");
        assert_eq!(stream.stream.table(), "t");
    }
    let of = |namespace: Value| {
        let stream = understood(&json!({"stream": {"namespace": namespace}}));
        stream.stream.descriptor()
    };
    assert_eq!(of(json!("")), of(json!(null)));
    assert_ne!(of(json!("")), of(json!("s")));
}

#[test]
fn words_of_modes_are_taken_in_any_letters() {
    for (word, mode) in [
        ("full_refresh", SyncMode::FullRefresh),
        ("FULL_REFRESH", SyncMode::FullRefresh),
        ("full-refresh", SyncMode::FullRefresh),
        ("Incremental", SyncMode::Incremental),
    ] {
        assert_eq!(understood(&json!({"sync_mode": word})).sync_mode, mode);
    }
}

#[test]
fn members_that_look_like_known_ones_are_said() {
    let stream = |name: &str, value: Value| json!({"stream": {name: value}});
    for (changes, words) in [
        (
            json!({"cursor_feild": ["a"]}),
            "\"cursor_feild\" is not known and has no effect; did you mean \"cursor_field\"?",
        ),
        (
            json!({"cursorField": ["a"]}),
            "did you mean \"cursor_field\"?",
        ),
        (
            json!({"primaryKey": [["a"]]}),
            "did you mean \"primary_key\"?",
        ),
        (
            json!({"selected": false}),
            "\"selected\" has no effect, so it is read",
        ),
        (stream("jsonSchema", json!({})), ""),
        (
            stream("json_schema", json!({"Properties": {}})),
            "did you mean \"properties\"?",
        ),
        // What programs write of their own is passed over.
        (
            json!({"sync_id": 7, "minimum_generation_id": 0, "include_files": false, "mappers": []}),
            "",
        ),
        (stream("default_cursor_field", json!(["a"])), ""),
    ] {
        let hints = catalog(&changes).hints;
        match words {
            "" => assert_eq!(hints, Vec::<String>::new(), "{changes}"),
            words => assert!(
                hints.len() == 1 && hints[0].contains(words),
                "{changes}: {hints:?}"
            ),
        }
    }
    let mut namspace = good();
    namspace["stream"]["namspace"] = json!("s");
    namspace["stream"]["jsonSchema"] = json!({});
    let read: ConfiguredAirbyteCatalog =
        serde_json::from_value(json!({"streams": [namspace]})).unwrap();
    assert_eq!(read.hints.len(), 2, "{:?}", read.hints);
}

#[test]
fn a_generation_is_a_whole_number_in_any_form() {
    for (given, expected) in [
        (json!(3), Some(3)),
        (json!("3"), Some(3)),
        (json!(3.0), Some(3)),
        (json!(3.5), None),
        (Value::Null, None),
    ] {
        let stream = understood(&json!({"generation_id": given, "cursor_field": ["a"]}));
        assert_eq!(stream.generation_id, expected, "{given}");
    }
}
