use serde_json::json;

use super::*;

/// Paths and suggestions of what does not count.
fn found(config: &Value) -> Vec<(String, String)> {
    let found = unknown(config).into_iter();
    found
        .map(|unknown| (unknown.path, unknown.suggestion.unwrap_or_default()))
        .collect()
}

fn suggested(config: &Value) -> String {
    let found = found(config);
    assert_eq!(found.len(), 1, "{config}: {found:?}");
    found[0].1.clone()
}

/// A configuration with every field of the form, in the first option that has it.
fn whole(schema: &Value) -> Vec<Value> {
    let options = schema["oneOf"].as_array();
    let schemas: Vec<&Value> = options.map_or_else(|| vec![schema], |all| all.iter().collect());
    let objects = schemas.into_iter().filter_map(|schema| {
        let fields = schema["properties"].as_object()?.iter();
        let fields = fields.map(|(name, field)| {
            let value = match (&field["const"], &field["items"]["properties"]) {
                (Value::String(word), _) => json!(word),
                (_, Value::Object(_)) => json!(whole(&field["items"])),
                _ => whole(field).pop().unwrap_or_else(|| json!("x")),
            };
            (name.clone(), value)
        });
        Some(Value::Object(fields.collect()))
    });
    objects.collect()
}

#[test]
fn every_field_of_the_form_is_known_at_its_place() {
    let config = whole(&FORM).remove(0);
    assert!(config.as_object().unwrap().len() > 20, "{config}");
    assert_eq!(found(&config), []);
    // Each option of each choice.
    for (name, field) in FORM["properties"].as_object().unwrap() {
        for option in whole(field) {
            assert_eq!(found(&json!({name: option})), [], "{name}");
        }
    }
}

#[test]
fn what_the_platform_and_people_add_is_not_said() {
    let config = json!({"__injected_declarative_manifest": {}, "__injected_components_py": "",
        "_comment": "x", "//": "x", "$schema": "x", "sourceType": "trino",
        "ssl_mode": {"mode": "disable", "__x": 1}});
    assert_eq!(found(&config), []);
    assert_eq!(found(&json!({"nothing": null, "empty": ""})), []);
}

#[test]
fn names_of_other_sources_lead_to_ours() {
    for (name, expected) in [
        ("host", "hostname"),
        ("HOST", "hostname"),
        ("server", "hostname"),
        ("jdbc_url", "hostname"),
        ("user", "username"),
        ("user_name", "username"),
        ("database", "catalog"),
        ("dbname", "catalog"),
        ("password", "authentication.password"),
        ("pwd", "authentication.password"),
        ("access_token", "authentication.token"),
        ("ssl", "ssl_mode"),
        ("use_ssl", "ssl_mode"),
        ("tls", "ssl_mode"),
        ("sslrootcert", "ssl_mode.ca_certificate"),
        ("proxy", "http_proxy"),
        ("threads", "concurrency"),
    ] {
        assert_eq!(suggested(&json!({name: "x"})), expected, "{name}");
    }
}

#[test]
fn misspelt_names_lead_to_the_nearest_field_at_any_level() {
    for (config, expected) in [
        (json!({"sslmode": {"mode": "verify-full"}}), "ssl_mode"),
        (json!({"ssl": true}), "ssl_mode"),
        (json!({"concurency": 2}), "concurrency"),
        (json!({"Hostname": "h"}), "hostname"),
        (json!({"cursorlag": 60}), "replication_method.cursor_lag"),
        (json!({"cursor_lag": 60}), "replication_method.cursor_lag"),
        (
            json!({"replication_method": {"method": "STANDARD", "cursorlag": 60}}),
            "replication_method.cursor_lag",
        ),
        (
            json!({"replication_method": {"concurrency": 1}}),
            "concurrency",
        ),
        (
            json!({"ssl_mode": {"mode": "verify-ca", "ca_cert": "x"}}),
            "ssl_mode.ca_certificate",
        ),
        (
            json!({"queries": [{"name": "q", "sqll": "x"}]}),
            "queries.sql",
        ),
        (
            json!({"queries": [{"name": "q"}, {"primarykey": ["x"]}]}),
            "queries.primary_key",
        ),
        (
            json!({"extra_credentials": [{"nmae": "q"}]}),
            "extra_credentials.name",
        ),
        (
            json!({"tunnel_method": {"tunnel_method": "SSH_KEY_AUTH", "tunnelhost": "b"}}),
            "tunnel_method.tunnel_host",
        ),
        (json!({"http_proxy": {"user": "u"}}), "http_proxy.username"),
        (json!({"region": "x"}), ""),
        (json!({"comment": "x"}), ""),
    ] {
        assert_eq!(suggested(&config), expected, "{config}");
    }
}

#[test]
fn a_field_of_another_option_is_said_with_its_option() {
    let said = |config: &Value| unknown_fields(config).join("\n");
    assert_eq!(
        said(&json!({"authentication": {"method": "none", "password": "hunter22"}})),
        "the field \"authentication.password\" of the configuration is ignored: it is not used where \"method\" is \"none\""
    );
    // Without the word, the fields say what is meant.
    assert_eq!(said(&json!({"authentication": {"password": "x"}})), "");
    let changes = json!({"replication_method": {"method": "CHANGES", "cursor_lag": 60}});
    assert_eq!(said(&changes), "");
}

#[test]
fn what_is_said_has_no_values() {
    let config = json!({"password": "hunter22", "sslmode": "hunter22", "x\n\u{7}y": "hunter22",
        "extra_credentials": {"hunter22": "hunter22"}});
    let said = unknown_fields(&config);
    assert_eq!(
        said,
        [
            "the field \"password\" of the configuration is ignored: there is no such field; did you mean ‹authentication.password›? \
             Put it into ‹authentication›, as {\"method\": \"password\", \"password\": \"…\"}",
            "the field \"sslmode\" of the configuration is ignored: there is no such field; did you mean ‹ssl_mode›?",
            "the field \"xy\" of the configuration is ignored: there is no such field",
        ]
    );
}
