"""What must be said at several places is said alike. Cargo.toml is where the version and the project's address are set.

It needs nothing but Python and these files: no binary, no server, no packages. What needs a binary is held by
tests/clients/test_metadata.py, the Dockerfile by `python3 tests/image --static`.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import changelog

#: Pages that tell people which image to take.
PAGES_WITH_AN_IMAGE = ("README.md", "docs/airbyte.md", "docs/image.md", "docs/trino.md")

#: The ways in which pages and files name the tag of our image.
IMAGE_TAGS = (
    r"\bsource-trino:(\d[\w.+-]*)",
    r"the tag is `([^`]+)`",
    r"(?i)\bdocker[ _]?image[ _]?tag\b\W{1,6}(\d[\w.+-]*)",
)


def disagreements(root: Path, tag: str | None = None) -> list[str]:
    """One sentence for each, by file; with a tag also what keeps the version from being released under it."""
    found = [*_lock(root), *_changelogs(root), *_images(root), *_status(root), *_metadata(root), *_wheel(root)]
    return found + ([] if tag is None else [*_ready(root, tag)])


def version(root: Path) -> str:
    """The one version."""
    return str(_cargo(root)["version"])


def _cargo(root: Path) -> dict[str, Any]:
    package: dict[str, Any] = tomllib.loads((root / "Cargo.toml").read_text())["package"]
    return package


def _lock(root: Path) -> Iterator[str]:
    # As text: to parse all of it takes longer than everything else here.
    locked = re.search(r'^name = "source-trino"\nversion = "(.*)"$', (root / "Cargo.lock").read_text(), re.M)
    yield from _differs(root, "Cargo.lock", "the version of source-trino", locked[1] if locked else "not there")


def _changelogs(root: Path) -> Iterator[str]:
    """The table of docs/trino.md, which Airbyte's users look at, begins with the changelog's newest section."""
    newest = changelog.newest(root)
    yield from _differs(root, "CHANGELOG.md", "the first section", newest.version)
    if newest.date != changelog.UNRELEASED and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", newest.date):
        yield f"CHANGELOG.md: the first section is dated {newest.date!r}; write a day (2026-11-26) or unreleased"
    table = (root / "docs/trino.md").read_text().partition("\n## Changelog\n")[2]
    rows = [re.split(r"\s*\|\s*", line.strip("| ")) for line in table.splitlines() if re.match(r"\| *\d", line)]
    if not rows:
        yield "docs/trino.md: the changelog table has no row"
        return
    yield from _differs(root, "docs/trino.md", "the first row of the changelog table", rows[0][0])
    date = "not released" if newest.date == changelog.UNRELEASED else newest.date
    if rows[0][1] != date:
        yield f"docs/trino.md: the first row of the changelog table is dated {rows[0][1]!r}, CHANGELOG.md says {date!r}"


def _images(root: Path) -> Iterator[str]:
    named = {root / page for page in PAGES_WITH_AN_IMAGE}
    for page in sorted({*root.glob("*.md"), *root.glob("docs/*.md"), root / "Dockerfile", *named}):
        name = str(page.relative_to(root))
        tags = [tag for pattern in IMAGE_TAGS for tag in re.findall(pattern, page.read_text())]
        for tag in tags:
            yield from _differs(root, name, "the tag of an image", tag)
        if not tags and name in PAGES_WITH_AN_IMAGE:
            yield f"{name}: names no image with its tag, as far as tests/release/agreement.py can see"


def _status(root: Path) -> Iterator[str]:
    named = re.search(r"^- \*\*Release:\*\* (\d[\w.+-]*?),", (root / "README.md").read_text(), re.M)
    yield from _differs(root, "README.md", "the release under Status", named[1] if named else "nothing")


def _metadata(root: Path) -> Iterator[str]:
    """metadata.yaml with Cargo.toml and spec.json. Its lines are read as text: Python has no YAML of its own."""
    lines = re.findall(r"^  (\w+): (.*)$", (root / "metadata.yaml").read_text(), re.M)
    metadata = {key: value.strip("\"'") for key, value in lines}
    spec = json.loads((root / "spec.json").read_text())
    yield from _differs(root, "metadata.yaml", "dockerImageTag", metadata["dockerImageTag"])
    page = f"{_cargo(root)['repository']}/blob/main/docs/trino.md"
    for name, url in (("metadata.yaml", metadata["documentationUrl"]), ("spec.json", spec["documentationUrl"])):
        if url != page:
            yield f"{name}: documentationUrl is {url}, by `repository` of Cargo.toml it is {page}"
    if metadata["protocolVersion"] != spec["protocol_version"]:
        yield (
            f"metadata.yaml: protocolVersion is {metadata['protocolVersion']},"
            f" protocol_version of spec.json is {spec['protocol_version']}"
        )


def _wheel(root: Path) -> Iterator[str]:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    if project["name"] != _cargo(root)["name"]:
        yield f"pyproject.toml: name is {project['name']}, Cargo.toml says {_cargo(root)['name']}"
    if "version" in project or "version" not in project.get("dynamic", []):
        yield 'pyproject.toml: has a version of its own; with dynamic = ["version"] maturin takes that of Cargo.toml'


def _ready(root: Path, tag: str) -> Iterator[str]:
    if tag != f"v{version(root)}":
        yield f"the tag is {tag}, the version of Cargo.toml wants v{version(root)}"
    newest = changelog.newest(root)
    if newest.date == changelog.UNRELEASED:
        yield "CHANGELOG.md: the first section is unreleased; write the day of the release, in docs/trino.md, too"
    if not newest.text:
        yield "CHANGELOG.md: the first section says nothing"


def _differs(root: Path, file: str, what: str, found: str) -> Iterator[str]:
    if found != version(root):
        yield f"{file}: {what} is {found}, Cargo.toml says {version(root)}"
