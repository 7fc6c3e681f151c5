use serde_json::json;

use super::*;

fn read<T>(value: &Value, read: impl FnOnce(&mut Fields<'_>) -> T) -> Result<T, Vec<Problem>> {
    let mut fields = Fields::new(value);
    let result = read(&mut fields);
    fields.finish(result)
}

#[test]
fn whole_numbers_are_taken_in_every_form() {
    let number = |value: Value| {
        let config = json!({"x": value});
        read(&config, |fields| fields.integer("x", 7, 0..=65_535)).ok()
    };
    for given in [
        json!(8080),
        json!(8080.0),
        json!("8080"),
        json!("8080.0"),
        json!(" 8080 "),
        json!(8.08e3),
        json!("8080.00"),
    ] {
        assert_eq!(number(given.clone()), Some(8080), "{given}");
    }
    for unset in [json!(null), json!(""), json!("  ")] {
        assert_eq!(number(unset.clone()), Some(7), "{unset}");
    }
    for wrong in [
        json!(8080.5),
        json!("8080.5"),
        json!(-1),
        json!("abc"),
        json!(true),
        json!(65_536),
        json!("1e400"),
        json!("NaN"),
        json!([8080]),
    ] {
        assert_eq!(number(wrong.clone()), None, "{wrong}");
    }
}

#[test]
fn flags_are_taken_as_text() {
    let flag = |value: Value| {
        let config = json!({"x": value});
        let flags = |fields: &mut Fields<'_>| (fields.flag("x", true), fields.flag("x", false));
        read(&config, flags).ok()
    };
    for (given, expected) in [
        (json!(true), Some((true, true))),
        (json!("true"), Some((true, true))),
        (json!(" True"), Some((true, true))),
        (json!("FALSE"), Some((false, false))),
        (json!(""), Some((true, false))),
        (json!(null), Some((true, false))),
        (json!("yes"), None),
        (json!(1), None),
    ] {
        assert_eq!(flag(given.clone()), expected, "{given}");
    }
}

#[test]
fn one_text_for_a_list_is_taken_apart_at_its_commas() {
    let texts =
        |value: Value| read(&json!({"x": value}), |fields| fields.texts("x")).unwrap_or_default();
    assert_eq!(texts(json!("tiny, sf1")), ["tiny", "sf1"]);
    assert_eq!(texts(json!(",tiny,,")), ["tiny"]);
    assert_eq!(texts(json!("memory.\"a,b\" ,c")), ["memory.\"a,b\"", "c"]);
    assert_eq!(
        texts(json!(["a,b", " c ", "", null])),
        ["a,b", "c"],
        "a list is one already"
    );
    assert_eq!(texts(json!("")), [""; 0]);
}

#[test]
fn one_text_of_pairs_keeps_the_commas_of_its_values() {
    let pairs = |value: Value| {
        read(&json!({"x": value}), |fields| {
            fields.pairs("x", "name=value")
        })
        .unwrap_or_default()
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(pairs(json!("a=1, b=2")), [pair("a", "1"), pair("b", "2")]);
    assert_eq!(
        pairs(json!("a=1,2,b=3")),
        [pair("a", "1,2"), pair("b", "3")]
    );
    assert_eq!(pairs(json!({"a": 1, "b": null})), [pair("a", "1")]);
}

#[test]
fn the_word_of_a_choice_may_stand_alone() {
    const WORDS: &[&str] = &["verify-full", "NO_TUNNEL"];
    let word = |value: Value| {
        let config = json!({"x": value});
        read(&config, |fields| {
            fields.object("x", "mode", |fields| fields.word("mode", WORDS))
        })
    };
    for given in [
        json!({"mode": "verify-full"}),
        json!("verify-full"),
        json!("Verify_Full "),
    ] {
        assert_eq!(word(given.clone()).unwrap(), Some("verify-full"), "{given}");
    }
    assert_eq!(word(json!("no_tunnel")).unwrap(), Some("NO_TUNNEL"));
    for unset in [json!(""), json!(null), json!({}), json!({"mode": ""})] {
        assert_eq!(word(unset.clone()).unwrap(), None, "{unset}");
    }
    let said = |value: Value| word(value).unwrap_err()[0].to_string();
    assert_eq!(
        said(json!("verify")),
        "x.mode: the text is not known; choose \"verify-full\" or \"NO_TUNNEL\""
    );
    assert_eq!(
        said(json!({"mode": "verify"})),
        "x.mode: \"verify\" is not known; choose \"verify-full\" or \"NO_TUNNEL\""
    );
    assert_eq!(
        said(json!(true)),
        "x: must be an object with \"mode\", not true or false"
    );
}

#[test]
fn a_problem_of_a_list_says_which_entry_it_is() {
    let config = json!({"x": [null, {"name": "", "sql": "", "key": []}, {"name": "", "sql": "SELECT 1"},
        {"name": "q"}, 7]});
    let problems = read(&config, |fields| {
        fields.objects("x", "name", |fields| {
            fields.required_text("name", "a name");
            fields.required_text("sql", "a query");
        })
    })
    .unwrap_err();
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "x.name (entry 3): is empty; set it to a name",
            "x.sql (entry 4, \"q\"): is missing; set it to a query",
            "x: entry 5 must be an object, not a number",
        ]
    );
}

#[test]
fn a_missing_field_names_the_misspelt_one() {
    let said = |config: Value, name: &'static str| {
        read(&config, |fields| fields.required_text(name, "a name")).unwrap_err()[0].to_string()
    };
    assert_eq!(
        said(json!({"host": "h"}), "hostname"),
        "hostname: is missing; there is \"host\", which is not known: did you mean ‹hostname›? Otherwise set it to a name"
    );
    assert_eq!(
        said(json!({"region": "h"}), "hostname"),
        "hostname: is missing; set it to a name"
    );
}

#[test]
fn problems_of_a_list_name_the_entry() {
    let config = json!({"client_tags": ["a", 5], "queries": [{"name": "q", "sql": "x"},
        {"name": "r"}, {"name": "s", "sqll": "x"}]});
    let mut fields = Fields::new(&config);
    fields.texts("client_tags");
    fields.objects("queries", "name", |fields| {
        fields.required_text("sql", "a query")
    });
    let problems = fields.finish(()).unwrap_err();
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "client_tags: entry 2 must be text, not a number",
            "queries.sql (entry 2, \"r\"): is missing; set it to a query",
            "queries.sql (entry 3, \"s\"): is missing; there is \"queries.sqll\", which is not known: did you mean ‹queries.sql›? Otherwise set it to a query"
        ]
    );
    assert_eq!(
        form::unknown_fields(&config),
        [
            "the field \"queries.sqll\" (entry 3) of the configuration is ignored: there is no such field; did you mean ‹queries.sql›?"
        ]
    );
}
