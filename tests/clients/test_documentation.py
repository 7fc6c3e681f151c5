"""The pages for users: docs/trino.md tells of every field of the form, links lead somewhere."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clients_support.environment import ROOT

sys.path.append(str(ROOT / "tests" / "servers"))
import debian  # noqa: E402
import settings  # noqa: E402

SPEC = json.loads((ROOT / "spec.json").read_text())
FORM = SPEC["connectionSpecification"]

README = ROOT / "README.md"
CONNECTOR_PAGE = ROOT / "docs" / "trino.md"
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "tests").glob("*/README.md")]

#: A field of the form: whether it must be filled in, and its default.
Field = tuple[bool, Any]


def fields(schema: dict[str, Any] = FORM, prefix: str = "") -> Iterator[tuple[str, Field]]:
    """Every field with its path, as the page writes it; a field of several options comes several times."""
    for name, field in schema.get("properties", {}).items():
        yield prefix + name, (name in schema.get("required", []), field.get("default"))
        # The discriminator of a choice has the default that the choice as a whole has.
        default = field.get("default", {})
        for option in field.get("oneOf", []):
            for inner, (required, value) in fields(option, f"{prefix}{name}."):
                key = inner.rpartition(".")[2]
                yield inner, (required and key not in default, default.get(key, value))
        if "oneOf" not in field:
            yield from fields(field, f"{prefix}{name}.")
        yield from fields(field.get("items", {}), f"{prefix}{name}[].")


def section(page: Path, heading: str) -> str:
    """The text below a heading of the second level."""
    text = page.read_text().partition(f"\n## {heading}\n")[2]
    assert text, f"{page.name} has no section {heading!r}"
    return re.split(r"\n## ", text)[0]


def rows(text: str) -> list[list[str]]:
    """The rows of all tables in a text, without their headings."""
    lines = text.splitlines()
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for number, line in enumerate(lines)
        if line.startswith("|")
        and not line.startswith("|---")
        and not (number + 1 < len(lines) and lines[number + 1].startswith("|---"))
    ]


def without_code(page: Path) -> str:
    """A page's text without the blocks of code in it."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S)


def anchors(page: Path) -> set[str]:
    """The names that a page's headings have as link targets."""
    headings = re.findall(r"^#+ (.+)$", without_code(page), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def reference() -> dict[str, list[str]]:
    """The rows of the reference by field."""
    table = rows(section(CONNECTOR_PAGE, "Reference"))
    names = [row[0].strip("`") for row in table]
    assert len(names) == len(set(names)), "a field has two rows"
    return dict(zip(names, table, strict=True))


def test_the_reference_has_every_field_of_the_form() -> None:
    """And none that the form does not have."""
    assert reference().keys() == dict(fields()).keys()


@pytest.mark.parametrize(("name", "field"), list(fields()))
def test_the_reference_has_every_default(name: str, field: Field) -> None:
    """A field that must be filled in says so; what has no default says what holds without it."""
    default = field[1]
    # A field of several options may be required in one of them only.
    required = any(is_required for other, (is_required, _) in fields() if other == name)
    cell = reference()[name][3]
    if default is not None:
        shown = default if isinstance(default, str) else json.dumps(default)
        assert cell == f"`{shown}`"
    elif required:
        assert cell.startswith("required")
    else:
        assert cell.startswith("none")


def test_the_reference_has_the_titles_of_the_form() -> None:
    """People look for a field by what they see."""
    titles: dict[str, str] = {}

    def collect(schema: dict[str, Any], prefix: str) -> None:
        for name, field in schema.get("properties", {}).items():
            titles[prefix + name] = field.get("title", "")
            for inner in [*field.get("oneOf", []), *([field] if "oneOf" not in field else [])]:
                collect(inner, f"{prefix}{name}.")
            collect(field.get("items", {}), f"{prefix}{name}[].")

    collect(FORM, "")
    assert {name: row[1].removesuffix(" (hidden)") for name, row in reference().items()} == titles


def test_the_prerequisites_name_every_required_field() -> None:
    """What a person must know before the form can be filled in."""
    text = section(CONNECTOR_PAGE, "Prerequisites")
    assert [name for name in FORM["required"] if f"(`{name}`)" not in text] == []


def test_the_readme_links_every_page() -> None:
    """A page that nothing leads to is not read."""
    links = re.findall(r"\]\(([^)#]+)", README.read_text())
    assert {str(page.relative_to(ROOT)) for page in (ROOT / "docs").glob("*.md")} <= set(links)


def test_the_readme_names_the_packages_that_the_servers_install() -> None:
    """Nobody likes to be surprised by a package."""
    programs = [*debian.NETWORK.values(), debian.PAM_WRAPPER[1]]
    java = [f"openjdk-{settings.OLDEST_JAVA}-jre-headless", f"openjdk-{settings.SYSTEMS_JAVA}-jdk-headless"]
    packages = [*programs, *java, "postgresql", "mariadb-server", "redis-server"]
    assert [package for package in packages if f"`{package}`" not in README.read_text()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(page: Path) -> None:
    """Only those within the project; the tests stay off the network."""
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(page)):
        if re.match(r"\w+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_json_in_the_pages_can_be_copied(page: Path) -> None:
    """Every block of it is JSON."""
    for block in re.findall(r"^```json\n(.*?)^```$", page.read_text(), re.M | re.S):
        json.loads(block)


def test_the_access_rules_are_rules_for_one_user() -> None:
    """They give rights to the user of the guide and to nobody else, and none but to read."""
    [block] = re.findall(r"^```json\n(.*?)^```$", section(CONNECTOR_PAGE, "Setup guide"), re.M | re.S)
    rules = json.loads(block)
    assert {rule["user"] for section in rules.values() for rule in section} == {"airbyte"}
    granted = {privilege for section in rules.values() for rule in section for privilege in rule.get("privileges", [])}
    assert granted == {"SELECT", "EXECUTE"}
