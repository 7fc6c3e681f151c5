"""Check and discover, as somebody with all rights and as somebody without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from catalogs_support.cases import Catalog
from catalogs_support.once import Once
from catalogs_support.stores import Store
from data import CATALOGS
from live_support.connector import Connector
from live_support.messages import configured

Made = Once[tuple[Store, str]]


@pytest.fixture(scope="module")
def made(schema_of: Callable[[Catalog, str], tuple[Store, str]]) -> Made:
    """A table of two rows in each catalog."""

    def make(name: str) -> tuple[Store, str]:
        catalog = CATALOGS[name]
        store, schema = schema_of(catalog, "rights")
        columns = [("id", catalog.id_type), ("x", catalog.text_type)]
        store.create(schema, "t", columns, catalog.options)
        store.show(schema)
        store.insert(schema, "t", columns, [(1, store.text("a")), (2, store.text("b"))])
        return store, schema

    return Once(make)


@pytest.mark.parametrize("name", CATALOGS)
def test_check_succeeds(connector: Connector, config: Callable[..., dict[str, Any]], made: Made, name: str) -> None:
    store, schema = made(name)
    result = connector.check(config(store.catalog, schema))
    assert result.status == {"status": "SUCCEEDED"}, result.explain()


@pytest.mark.parametrize("name", CATALOGS)
def test_a_schema_that_is_not_there_is_named(
    connector: Connector, config: Callable[..., dict[str, Any]], made: Made, name: str
) -> None:
    store, _ = made(name)
    status = connector.check(config(store.catalog, "not_there_at_all")).status
    assert status["status"] == "FAILED" and "not_there_at_all" in status["message"], status


@pytest.mark.parametrize("name", CATALOGS)
def test_discover_finds_the_table(
    connector: Connector, config: Callable[..., dict[str, Any]], made: Made, name: str
) -> None:
    store, schema = made(name)
    stream = connector.discover(config(store.catalog, schema)).streams[store.shown("t")]
    assert stream["namespace"] == schema
    assert {"id", "x"} <= set(stream["json_schema"]["properties"])
    assert "incremental" in stream["supported_sync_modes"]


@pytest.mark.parametrize("name", CATALOGS)
def test_somebody_who_may_read_nothing_is_told_so(
    connector: Connector, config: Callable[..., dict[str, Any]], made: Made, name: str
) -> None:
    store, schema = made(name)
    settings = config(store.catalog, schema, username="denied")
    discovered = connector.run("discover", "--config", connector.file(settings))
    assert discovered.exit_code == 1 and "CATALOG" not in {message["type"] for message in discovered.messages}
    # One of several tables is named by the error, the others by warnings.
    told = [discovered.errors[0]["message"], *discovered.logs("WARN")]
    assert any(store.shown("t") in text and "PERMISSION_DENIED" in text for text in told), discovered.explain()
    stream = connector.discover(config(store.catalog, schema)).streams[store.shown("t")]
    result = connector.read(settings, configured([stream]))
    assert result.exit_code == 1 and not result.of_type("RECORD"), result.explain()
    assert result.errors[0]["failure_type"] == "config_error", result.explain()
    assert "denied" in result.errors[0]["message"].lower(), result.explain()


@pytest.mark.parametrize("name", CATALOGS)
def test_somebody_who_sees_no_catalog_is_told_its_name(
    connector: Connector, config: Callable[..., dict[str, Any]], made: Made, name: str
) -> None:
    store, schema = made(name)
    status = connector.check(config(store.catalog, schema, username="nobody")).status
    assert status["status"] == "FAILED" and store.catalog in status["message"], status
