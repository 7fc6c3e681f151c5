use secrecy::ExposeSecret as _;
use serde_json::json;

use super::*;

fn smallest() -> Value {
    json!({"hostname": "localhost", "port": "8080", "username": "test", "catalog": "postgres", "schema": "public"})
}

fn with(changes: &Value) -> Value {
    let mut config = smallest();
    for (key, value) in changes.as_object().unwrap() {
        config[key] = value.clone();
    }
    config
}

fn problems(config: &Value) -> Vec<String> {
    let problems = Connection::from_json(config).unwrap_err();
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn the_smallest_configuration_is_enough() {
    let connection = Connection::from_json(&smallest()).unwrap();
    assert_eq!(connection.server.base_url(), "http://localhost:8080");
    assert_eq!(connection.catalog, "postgres");
    assert_eq!(connection.concurrency(), 4);
    assert!(connection.check_privileges);
    assert!(connection.source.starts_with("airbyte/source-trino/"));
}

#[test]
fn the_port_may_be_text_or_a_number_or_missing() {
    for port in [json!("8443"), json!(8443), json!(" 8443 ")] {
        let connection = Connection::from_json(&with(&json!({"port": port}))).unwrap();
        assert_eq!(connection.server.port, 8443);
    }
    let connection = Connection::from_json(&with(&json!({"port": null}))).unwrap();
    assert_eq!(connection.server.port, 8080);
}

#[test]
fn all_problems_are_reported_at_once_by_field() {
    let config = json!({"port": "80a", "username": "", "schema": 5, "concurrency": 0,
        "ssl_mode": {"mode": "verify"}, "authentication": {"method": "password"}});
    let problems = problems(&config);
    let fields: Vec<&str> = problems
        .iter()
        .filter_map(|p| p.split(':').next())
        .collect();
    assert_eq!(
        fields,
        [
            "hostname",
            "port",
            "ssl_mode.mode",
            "username",
            "authentication.password",
            "catalog",
            "schema",
            "concurrency"
        ]
    );
    assert!(
        describe(&Connection::from_json(&config).unwrap_err())
            .message
            .contains("has 8 problems")
    );
}

#[test]
fn a_configuration_that_is_no_object_is_one_problem() {
    assert_eq!(problems(&json!([])).len(), 1);
}

#[test]
fn a_password_does_not_go_over_plain_http_except_to_this_machine() {
    let auth = json!({"method": "password", "password": "secret-1"});
    let local = with(&json!({"authentication": auth}));
    assert!(Connection::from_json(&local).is_ok());
    let remote = with(&json!({"authentication": auth, "hostname": "trino.example.com"}));
    assert!(problems(&remote)[0].starts_with("ssl_mode: "));
    let tls = with(
        &json!({"authentication": auth, "hostname": "trino.example.com", "ssl_mode": {"mode": "require"}}),
    );
    assert!(Connection::from_json(&tls).is_ok());
}

#[test]
fn secrets_do_not_show_in_debug_output() {
    let auth = json!({"method": "password", "password": "secret-1"});
    let connection = Connection::from_json(&with(&json!({"authentication": auth}))).unwrap();
    assert!(!format!("{connection:?}").contains("secret-1"));
    let Authentication::Password(password) = connection.authentication else {
        panic!()
    };
    assert_eq!(password.expose_secret(), "secret-1");
}

#[test]
fn no_secret_of_any_way_in_shows_in_debug_output() {
    let oauth2 = json!({"method": "oauth2_client_credentials", "token_endpoint": "https://t/",
        "client_id": "c", "client_secret": "secret-1"});
    let pem = "-----BEGIN PRIVATE KEY-----\nsecret-1\n-----END PRIVATE KEY-----";
    let certificate = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----";
    let ssl = json!({"mode": "require", "client_certificate": certificate, "client_key": pem,
        "client_key_password": "secret-1"});
    let key = json!({"tunnel_method": "SSH_KEY_AUTH", "tunnel_host": "b", "tunnel_user": "u",
        "ssh_key": pem, "ssh_key_passphrase": "secret-1"});
    let password = json!({"tunnel_method": "SSH_PASSWORD_AUTH", "tunnel_host": "b",
        "tunnel_user": "u", "tunnel_user_password": "secret-1"});
    for changes in [
        json!({"authentication": {"method": "jwt", "token": "secret-1"}}),
        json!({"authentication": oauth2, "ssl_mode": ssl}),
        json!({"extra_credentials": {"x": "secret-1"}, "tunnel_method": key}),
        json!({"tunnel_method": password}),
        json!({"http_proxy": {"url": "proxy:3128", "username": "u", "password": "secret-1"}}),
        json!({"http_proxy": "http://u:secret-1@proxy:3128"}),
    ] {
        let connection = Connection::from_json(&with(&changes)).unwrap();
        let text = format!("{connection:?}");
        assert!(!text.contains("secret-1"), "{text}");
    }
}

#[test]
fn a_wrong_way_in_is_named_by_its_field() {
    let cases = [
        (
            json!({"authentication": {"method": "oauth2_client_credentials"}}),
            "authentication.token_endpoint",
        ),
        (
            json!({"authentication": {"method": "jwt"}}),
            "authentication.token",
        ),
        (
            json!({"extra_credentials": [{"name": "x"}]}),
            "extra_credentials",
        ),
        (json!({"roles": ["admin"]}), "roles"),
        (
            json!({"ssl_mode": {"mode": "verify-full", "server_name": "two words"}}),
            "ssl_mode.server_name",
        ),
        (json!({"http_proxy": {"username": "u"}}), "http_proxy.url"),
        (json!({"http_proxy": "ftp://proxy"}), "http_proxy"),
        (
            json!({"tunnel_method": {"tunnel_method": "VPN"}}),
            "tunnel_method.tunnel_method",
        ),
        (
            json!({"tunnel_method": {"tunnel_method": "SSH_KEY_AUTH"}}),
            "tunnel_method.ssh_key",
        ),
        (
            json!({"tunnel_method": {"tunnel_method": "SSH_PASSWORD_AUTH", "tunnel_host": "b", "tunnel_user": "u",
                "tunnel_user_password": "p", "tunnel_host_key": "AAAA"}}),
            "tunnel_method.tunnel_host_key",
        ),
    ];
    for (changes, field) in cases {
        let found = problems(&with(&changes));
        assert!(found[0].starts_with(&format!("{field}: ")), "{found:?}");
    }
}

#[test]
fn session_properties_are_pairs_or_an_object() {
    let pairs = [
        ("query_max_run_time".to_owned(), "2h".to_owned()),
        ("hive.x".to_owned(), "a=b".to_owned()),
    ];
    for given in [
        json!(["query_max_run_time=2h", "hive.x = a=b"]),
        json!({"query_max_run_time": "2h", "hive.x": "a=b"}),
    ] {
        let mut read = Connection::from_json(&with(&json!({"session_properties": given})))
            .unwrap()
            .session_properties;
        read.sort_by(|a, b| b.0.cmp(&a.0));
        assert_eq!(read, pairs);
    }
    assert!(
        problems(&with(&json!({"session_properties": ["nonsense"]})))[0]
            .starts_with("session_properties: ")
    );
}

#[test]
fn a_namespace_may_name_another_catalog() {
    let connection =
        Connection::from_json(&with(&json!({"schemas": ["lake.raw_*", "x"]}))).unwrap();
    let known = connection.namespaces(&[]);
    let place = |namespace| {
        let (catalog, schema) = known.place(namespace);
        format!("{catalog}/{schema}")
    };
    assert_eq!(place("public"), "postgres/public");
    assert_eq!(place("lake.raw_a"), "lake/raw_a");
    assert_eq!(place("odd.name"), "postgres/odd.name");
    assert_eq!(known.namespace("lake", "raw_a"), "lake.raw_a");
    assert_eq!(known.namespace("postgres", "x"), "x");
}

#[test]
fn slices_are_smaller_where_states_are_wanted_more_often() {
    let rows = |config: &Value| Connection::from_json(&with(config)).unwrap().slice_rows();
    assert_eq!(rows(&json!({})), 2_000_000);
    assert_eq!(
        rows(&json!({"checkpoint_target_interval_seconds": 30})),
        200_000
    );
    assert_eq!(
        rows(&json!({"checkpoint_target_interval_seconds": 900})),
        2_000_000
    );
    assert_eq!(rows(&json!({"slice_rows": 7})), 7);
}

#[test]
fn queries_have_a_name_and_a_statement() {
    let queries = json!([{"name": "q", "sql": "SELECT 1 AS a ;\n", "cursor": "a"}]);
    let read = Connection::from_json(&with(&json!({"queries": queries}))).unwrap();
    assert_eq!(read.queries[0].sql, "SELECT 1 AS a");
    let wrong = json!([{"name": "q", "sql": "SELECT 1"}, {"name": "q"}, 7]);
    let found = problems(&with(&json!({"queries": wrong})));
    assert_eq!(found.len(), 3, "{found:?}");
}

#[test]
fn names_are_lower_cased_as_trino_keeps_them() {
    let connection = Connection::from_json(&with(
        &json!({"catalog": "Hive", "schema": " Sales ", "schemas": ["Raw_*"]}),
    ))
    .unwrap();
    assert_eq!(
        (connection.catalog.as_str(), connection.schema.as_str()),
        ("hive", "sales")
    );
    assert_eq!(connection.schemas[0].to_string(), "raw_*");
}
