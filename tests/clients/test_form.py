"""The form: `spec.json` keeps the rules that Airbyte's user interface needs, and says the truth about configurations.

The rules are those of the interface's code (`airbyte-webapp`, `core/form`), of its connector specification reference,
and of the secrets lint in Airbyte's standard suite.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from airbyte_cdk.test.standard_tests._spec_lint import is_secret_property_name

from clients_support.connector import Connector
from clients_support.environment import ROOT

OUTER = json.loads((ROOT / "spec.json").read_text())
FORM = OUTER["connectionSpecification"]

#: The smallest configuration that the project promises to take.
SMALLEST = {"hostname": "localhost", "port": "8080", "username": "test", "catalog": "postgres", "schema": "public"}

Path = tuple[str, ...]


def objects(schema: dict[str, Any] = FORM, path: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every object that has properties, with its path; an option of a oneOf is an object of its own."""
    if "properties" in schema:
        yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from objects(inner, (*path, name))
    for option in schema.get("oneOf", []):
        yield from objects(option, (*path, option.get("title", "?")))
    if isinstance(schema.get("items"), dict):
        yield from objects(schema["items"], (*path, "[]"))


def fields() -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every field of every object, with its path."""
    for path, schema in objects():
        for name, field in schema["properties"].items():
            yield (*path, name), field


def choices() -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every field that is a choice between objects."""
    return ((path, field) for path, field in fields() if "oneOf" in field)


def nodes(value: Any = FORM) -> Iterator[dict[str, Any]]:
    """Every JSON object of the form, whatever it stands for."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from nodes(inner)


def named(found: Iterator[tuple[Path, dict[str, Any]]]) -> Any:
    """Parameters of a test, each named by its path."""
    return [pytest.param(path, schema, id=".".join(path) or "form") for path, schema in found]


def discriminators(schema: dict[str, Any]) -> list[str]:
    """The properties of an option that have one fixed value."""
    return [name for name, field in schema["properties"].items() if "const" in field]


def test_the_binary_says_what_the_file_says(connector: Connector) -> None:
    """`spec` writes spec.json, word for word."""
    assert connector.spec() == OUTER


def test_the_form_is_a_schema_of_draft_7() -> None:
    """The platform validates configurations by it."""
    assert FORM["$schema"] == "http://json-schema.org/draft-07/schema#"
    jsonschema.Draft7Validator.check_schema(FORM)


def test_the_platform_may_keep_keys_of_its_own() -> None:
    """Nothing is closed to further properties, and the top says so."""
    assert FORM["additionalProperties"] is True
    assert [node for node in nodes() if node.get("additionalProperties") is False] == []


@pytest.mark.parametrize("keyword", ["$ref", "anyOf", "allOf", "not", "definitions", "$defs", "if", "patternProperties"])
def test_keywords_that_the_form_cannot_show_are_not_used(keyword: str) -> None:
    """The interface throws, or shows nothing."""
    assert [node for node in nodes() if keyword in node] == []


@pytest.mark.parametrize(("path", "field"), named(fields()))
def test_every_field_is_titled_and_described(path: Path, field: dict[str, Any]) -> None:
    """But for discriminators, which are shown as the title of their option."""
    if "const" in field:
        return
    assert field.get("title", "").strip(), "no title"
    assert field.get("description", "").strip().endswith("."), "no description, or not a sentence"


@pytest.mark.parametrize(("path", "field"), named(fields()))
def test_every_field_has_its_order(path: Path, field: dict[str, Any]) -> None:
    """What has none comes last, in no order."""
    assert isinstance(field.get("order"), int)
    assert not isinstance(field["order"], bool)


@pytest.mark.parametrize(("path", "schema"), named(objects()))
def test_an_order_is_given_once_in_an_object_and_group(path: Path, schema: dict[str, Any]) -> None:
    """Two fields at one place make the interface throw."""
    places = Counter((field.get("group"), field["order"]) for field in schema["properties"].values())
    assert [place for place, count in places.items() if count > 1] == []


def test_every_top_level_field_is_in_a_known_group() -> None:
    """Groups are the cards of the form; each has a title and at least one field."""
    groups = [group["id"] for group in FORM["groups"]]
    assert len(groups) == len(set(groups))
    assert all(group["title"].strip() for group in FORM["groups"])
    assert {field.get("group") for field in FORM["properties"].values()} == set(groups)


@pytest.mark.parametrize(("path", "field"), named(fields()))
def test_only_top_level_fields_have_groups(path: Path, field: dict[str, Any]) -> None:
    """A group below the top is an error of the interface's."""
    assert len(path) == 1 or "group" not in field


@pytest.mark.parametrize(("path", "choice"), named(choices()))
def test_a_choice_is_told_apart_by_one_shared_constant(path: Path, choice: dict[str, Any]) -> None:
    """Each option is a titled object; one property of all of them has another constant in each."""
    assert choice["type"] == "object"
    assert choice.get("display_type", "dropdown") in ("dropdown", "radio")
    options = choice["oneOf"]
    assert all(option["type"] == "object" and option["title"].strip() for option in options)
    names = [discriminators(option) for option in options]
    assert all(len(found) == 1 for found in names), names
    [name] = {found[0] for found in names}
    constants = [option["properties"][name] for option in options]
    assert len({constant["const"] for constant in constants}) == len(options)
    for option, constant in zip(options, constants, strict=True):
        assert constant["type"] == "string"
        assert constant["default"] == constant["const"], "older forms fill in the default"
        assert constant["order"] == 0
        assert "enum" not in constant
        assert name in option["required"]


@pytest.mark.parametrize(("path", "choice"), named(choices()))
def test_the_default_of_a_choice_is_one_of_its_options(path: Path, choice: dict[str, Any]) -> None:
    """The form shows it before anything is chosen."""
    if "default" in choice:
        valid = [option for option in choice["oneOf"] if jsonschema.Draft7Validator(option).is_valid(choice["default"])]
        assert len(valid) == 1


@pytest.mark.parametrize(("path", "field"), named(fields()))
def test_secrets_are_marked_where_the_platform_looks(path: Path, field: dict[str, Any]) -> None:
    """On the text itself, and literally `true`; everything that is named like a secret is one."""
    if "airbyte_secret" in field:
        assert field["airbyte_secret"] is True
        assert field["type"] == "string"
        assert "default" not in field
        assert "examples" not in field
    elif is_secret_property_name(path[-1]) and field.get("type") in ("string", "integer", "number"):
        pytest.fail(f"{'.'.join(path)} is named like a secret")


@pytest.mark.parametrize(("path", "field"), named(fields()))
def test_certificates_and_keys_have_room_for_their_lines(path: Path, field: dict[str, Any]) -> None:
    """One line of a form would swallow the line ends of a PEM text."""
    if field.get("type") == "string" and path[-1].endswith(("certificate", "_key")):
        assert field.get("multiline") is True


@pytest.mark.parametrize(("path", "field"), named(fields()))
def test_patterns_are_put_into_words(path: Path, field: dict[str, Any]) -> None:
    """Nobody should have to read a regular expression in an error; the form takes those of a list's items, too."""
    items = field.get("items", {})
    if "pattern" in field or "pattern" in items:
        assert field.get("pattern_descriptor", items.get("pattern_descriptor", "")).strip()


@pytest.mark.parametrize(("path", "field"), named(fields()))
def test_the_first_of_several_types_is_what_the_form_shows(path: Path, field: dict[str, Any]) -> None:
    """It looks at no other; a null there would show nothing."""
    if isinstance(field.get("type"), list):
        assert field["type"][0] != "null"
        assert jsonschema.Draft7Validator({"type": field["type"][0]}).is_valid(field.get("default"))


@pytest.mark.parametrize(("path", "field"), named(fields()))
def test_defaults_and_examples_are_valid(path: Path, field: dict[str, Any]) -> None:
    """What the form proposes is what it accepts."""
    validator = jsonschema.Draft7Validator(field)
    for value in [*([field["default"]] if "default" in field else []), *field.get("examples", [])]:
        validator.validate(value)


#: Optional fields that nearly everybody has to look at. All others wait behind "Optional fields".
SHOWN = {"port", "ssl_mode", "authentication", "schemas", "replication_method"}


def test_what_nearly_everybody_needs_is_shown_at_once() -> None:
    """The interface folds optional fields away, unless they are always to be shown."""
    optional = {name: field for name, field in FORM["properties"].items() if name not in FORM["required"]}
    assert {name for name, field in optional.items() if field.get("always_show")} == SHOWN
    assert not any(FORM["properties"][name].get("always_show") for name in FORM["required"])


@pytest.mark.parametrize(("path", "field"), named(fields()))
def test_every_field_that_is_typed_has_an_example(path: Path, field: dict[str, Any]) -> None:
    """But for secrets, and lists of blocks, whose fields have their own."""
    kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
    is_typed = "const" not in field and not {"boolean", "object"} & {*kinds, field.get("items", {}).get("type")}
    if is_typed and not field.get("airbyte_secret"):
        assert field.get("examples"), "no example"


@pytest.mark.parametrize(("path", "field"), named(fields()))
def test_numbers_with_a_unit_have_it_in_their_title(path: Path, field: dict[str, Any]) -> None:
    """A description is read after the mistake."""
    if "second" in field.get("description", "") and field["type"] == "integer":
        assert field["title"].endswith(" in Seconds")


@pytest.mark.parametrize(("path", "field"), named(fields()))
def test_lists_say_what_is_in_them(path: Path, field: dict[str, Any]) -> None:
    """The form shows lists of texts and of objects."""
    if field.get("type") == "array":
        assert field["items"]["type"] in ("string", "object")


@pytest.mark.parametrize(("path", "schema"), named(objects()))
def test_required_fields_exist(path: Path, schema: dict[str, Any]) -> None:
    """And nothing that has a default is required, but the discriminator of an option."""
    fields_of = schema["properties"]
    for name in schema.get("required", []):
        assert name in fields_of
        assert "default" not in fields_of[name] or "const" in fields_of[name]


def test_the_smallest_configuration_is_valid() -> None:
    """Five fields, as the project promises."""
    jsonschema.Draft7Validator(FORM).validate(SMALLEST)


def test_keys_of_the_platform_do_no_harm() -> None:
    """It stores some with the configuration."""
    jsonschema.Draft7Validator(FORM).validate({**SMALLEST, "__injected_declarative_manifest": {}, "anything": 1})


#: What is changed about the smallest configuration, and the field that is wrong then. `None` removes the field.
BAD = {
    "no host": ({"hostname": None}, "hostname"),
    "no user": ({"username": None}, "username"),
    "no catalog": ({"catalog": None}, "catalog"),
    "no schema": ({"schema": None}, "schema"),
    "a host that is a number": ({"hostname": 127}, "hostname"),
    "a port that is a word": ({"port": "http"}, "port"),
    "port 0": ({"port": 0}, "port"),
    "a port beyond 65535": ({"port": 65536}, "port"),
    "a port with a fraction": ({"port": 80.5}, "port"),
    "schemas that are one text": ({"schemas": "public"}, "schemas"),
    "a schema twice": ({"schemas": ["a", "a"]}, "schemas"),
    "a schema that is a number": ({"schemas": [1]}, "schemas"),
    "an unknown SSL mode": ({"ssl_mode": {"mode": "prefer"}}, "ssl_mode"),
    "an SSL mode that is a text": ({"ssl_mode": "require"}, "ssl_mode"),
    "an empty SSL mode": ({"ssl_mode": {}}, "ssl_mode"),
    "a certificate that is a number": ({"ssl_mode": {"mode": "verify-ca", "ca_certificate": 1}}, "ssl_mode"),
    "an unknown authentication": ({"authentication": {"method": "magic"}}, "authentication"),
    "a password that is missing": ({"authentication": {"method": "password"}}, "authentication"),
    "a password that is a number": ({"authentication": {"method": "password", "password": 1}}, "authentication"),
    "a token that is missing": ({"authentication": {"method": "jwt"}}, "authentication"),
    "Kerberos without a service": (
        {"authentication": {"method": "kerberos", "principal": "airbyte@EXAMPLE.COM", "password": "p"}},
        "authentication",
    ),
    "OAuth2 without a secret": (
        {
            "authentication": {
                "method": "oauth2_client_credentials",
                "token_endpoint": "https://login.example.com/token",
                "client_id": "airbyte",
            }
        },
        "authentication",
    ),
    "a role without a catalog": ({"roles": ["admin"]}, "roles"),
    "a credential without a value": ({"extra_credentials": [{"name": "user"}]}, "extra_credentials"),
    "a pattern that is a number": ({"table_patterns": {"include": [1]}}, "table_patterns"),
    "a header without a value": ({"http_headers": [{"name": "X-Trino-Routing-Group"}]}, "http_headers"),
    "an unknown tunnel": ({"tunnel_method": {"tunnel_method": "VPN"}}, "tunnel_method"),
    "a tunnel without a key": (
        {"tunnel_method": {"tunnel_method": "SSH_KEY_AUTH", "tunnel_host": "bastion", "tunnel_user": "airbyte"}},
        "tunnel_method",
    ),
    "a proxy without an address": ({"http_proxy": {"username": "airbyte"}}, "http_proxy"),
    "plain http that is a text": ({"allow_credentials_over_http": "yes"}, "allow_credentials_over_http"),
    "a flag that is a text": ({"check_privileges": "yes"}, "check_privileges"),
    "concurrency 0": ({"concurrency": 0}, "concurrency"),
    "concurrency 65": ({"concurrency": 65}, "concurrency"),
    "concurrency that is a text": ({"concurrency": "4"}, "concurrency"),
    "a session property without a value": ({"session_properties": ["query_max_run_time"]}, "session_properties"),
    "a client tag with a comma": ({"client_tags": ["a,b"]}, "client_tags"),
    "an unknown fetch protocol": ({"fetch_protocol": "arrow"}, "fetch_protocol"),
    "a source that is a number": ({"source": 1}, "source"),
}


def bad_config(changes: dict[str, Any]) -> dict[str, Any]:
    """The smallest configuration with changes."""
    return {key: value for key, value in {**SMALLEST, **changes}.items() if value is not None}


@pytest.mark.parametrize(("changes", "field"), BAD.values(), ids=BAD)
def test_bad_configurations_are_not_valid(changes: dict[str, Any], field: str) -> None:
    """The form points at the field that is wrong."""
    errors = list(jsonschema.Draft7Validator(FORM).iter_errors(bad_config(changes)))
    places = {error.absolute_path[0] if error.absolute_path else error.message.split("'")[1] for error in errors}
    assert places == {field}


#: What the form refuses, the connector may understand: people write configurations by hand, too.
UNDERSTOOD = {
    "schemas that are one text",
    "a schema twice",
    "an SSL mode that is a text",
    "an empty SSL mode",
    "concurrency that is a text",
}


@pytest.mark.parametrize("name", sorted(BAD.keys() - UNDERSTOOD))
def test_check_names_the_bad_field(name: str, connector: Connector) -> None:
    """What is not understood fails in `check`, which names the field and asks nobody."""
    changes, field = BAD[name]
    output = connector.run("check", config=bad_config({**changes, "hostname": changes.get("hostname", "localhost")}))
    [status] = output.of_type("CONNECTION_STATUS")
    assert output.code == 0
    assert status["status"] == "FAILED"
    assert f"{field}" in status["message"], status["message"]
    assert "configuration" in status["message"], status["message"]
