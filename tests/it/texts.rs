//! Files in the encodings and forms that tools write.

use serde_json::{Value, json};

use crate::connector::{Connector, catalog, each, read};
use crate::fake::FakeTrino;

fn server() -> FakeTrino {
    let trino = FakeTrino::start();
    trino.numbers("t", &[&[1]]);
    trino
}

fn encodings(text: &str) -> [(&'static str, Vec<u8>); 4] {
    let units = |to_bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        std::iter::once(0xfeff)
            .chain(text.encode_utf16())
            .flat_map(to_bytes)
            .collect()
    };
    [
        ("UTF-8", text.as_bytes().to_vec()),
        (
            "UTF-8 with a mark",
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        ),
        ("UTF-16 LE", units(u16::to_le_bytes)),
        ("UTF-16 BE", units(u16::to_be_bytes)),
    ]
}

/// The state of stream `s.t`, in a version that never was.
fn state(version: i64) -> Value {
    json!({"type": "STREAM", "stream": {"stream_descriptor": {"name": "t", "namespace": "s"},
        "stream_state": {"version": version}}})
}

#[test]
fn every_encoding_of_every_file_is_read() {
    each(&[0, 1, 2, 3], |encoding| {
        let trino = server();
        let encoded = |text: &str| encodings(text)[*encoding].1.clone();
        let outcome = Connector::new("read")
            .file("config", encoded(&trino.config().to_string()))
            .file("catalog", encoded(&catalog(&["t"]).to_string()))
            .file("state", encoded("[]"))
            .run();
        assert_eq!(outcome.code, Some(0), "{encoding}: {}", outcome.stdout);
        outcome.assert_complete("t", &[1]);
        let check = Connector::new("check").arg("--config").arg("-");
        let check = check.input(encoded(&trino.config().to_string())).run();
        assert_eq!(check.status().0, "SUCCEEDED", "{encoding}");
    });
}

#[test]
fn an_encoding_that_is_not_read_is_named() {
    let outcome = Connector::new("discover").file("config", b"{\"username\": \"M\xfcller\"}");
    let message = outcome.run().errors()[0]["message"].to_string();
    assert!(message.contains("UTF-8"), "{message}");
}

#[test]
fn an_empty_file_is_called_empty() {
    let trino = server();
    each(&["", " \n", "\u{feff}"], |text| {
        let empty_config = Connector::new("discover").file("config", text).run();
        let empty_catalog = Connector::new("read")
            .config(&trino.config())
            .file("catalog", text)
            .run();
        for outcome in [empty_config, empty_catalog] {
            assert_eq!(outcome.code, Some(1));
            let message = outcome.errors()[0]["message"].to_string();
            assert!(message.contains("the file is empty"), "{message}");
        }
        let no_state = read(&trino, &["t"]).file("state", text).run();
        no_state.assert_complete("t", &[1]);
    });
}

#[test]
fn state_lines_of_an_earlier_run_are_states_and_the_last_one_counts() {
    let trino = server();
    let line = |version| json!({"type": "STATE", "state": state(version)}).to_string();
    let log = json!({"type": "LOG", "log": {"level": "INFO", "message": "x"}}).to_string();
    let lines = format!("{}\n{log}\n{}\n", line(97), line(98));
    let cut = format!("{lines}{}", &line(99)[..50]);
    for (text, is_cut) in [(lines, false), (cut, true)] {
        let outcome = read(&trino, &["t"]).file("state", text).run();
        outcome.assert_complete("t", &[1]);
        // Neither version is known, which is how the test sees which one counts.
        assert!(outcome.stdout.contains("version 98"), "{}", outcome.stdout);
        assert!(!outcome.stdout.contains("version 97"), "{}", outcome.stdout);
        assert_eq!(
            outcome.stdout.contains("is cut"),
            is_cut,
            "{}",
            outcome.stdout
        );
    }
}

#[test]
fn states_of_which_none_can_be_used_are_an_error_for_people_and_a_warning_below_the_platform() {
    let other = state(1).to_string().replace("\"s\"", "\"elsewhere\"");
    let cases = [
        (format!("[{other}]"), "elsewhere.t"),
        (r#"{"t":{"cursor":"5"}}"#.to_owned(), "no state of a stream"),
        (
            r#"[{"type":"GLOBAL","global":{"stream_states":[]}}]"#.to_owned(),
            "no state of a stream",
        ),
    ];
    each(&cases, |(text, said)| {
        let trino = server();
        let person = read(&trino, &["t"]).file("state", text).run();
        assert_eq!(person.code, Some(1), "{}", person.stdout);
        let errors = person.errors();
        assert_eq!(errors[0]["failure_type"], "config_error");
        let message = errors[0]["message"].as_str().unwrap();
        assert!(message.contains(said), "{message}");
        assert!(trino.requests().is_empty(), "nothing is asked");
        let platform = read(&trino, &["t"])
            .file("state", text)
            .below_platform()
            .run();
        platform.assert_complete("t", &[1]);
        assert!(platform.stdout.contains(said), "{}", platform.stdout);
    });
}
