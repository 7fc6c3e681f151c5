"""The files of a pull request to Airbyte's repository, where its tools look for them; see docs/airbyte.md."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

#: Where Airbyte publishes the page; metadata.yaml names it there in place of ours.
PAGE_AT_AIRBYTE = "https://docs.airbyte.com/integrations/sources/trino"

#: What the connector's folder there holds. No pyproject.toml: it would make the connector one in Python.
CONNECTOR_FILES = ("README.md", "acceptance-test-config.yml", "icon.svg", "metadata.yaml")


def write(root: Path, target: Path) -> list[Path]:
    """Writes the files below a copy of Airbyte's repository, or an empty folder, and returns their paths in it."""
    repository = tomllib.loads((root / "Cargo.toml").read_text())["package"]["repository"]
    connector = target / "airbyte-integrations/connectors/source-trino"
    page = target / "docs/integrations/sources/trino.md"
    for folder in (connector, page.parent):
        folder.mkdir(parents=True, exist_ok=True)
    for name in CONNECTOR_FILES:
        shutil.copy(root / name, connector / name)
    shutil.copytree(root / "sample_files", connector / "sample_files", dirs_exist_ok=True)
    metadata = (root / "metadata.yaml").read_text()
    ours = f"documentationUrl: {repository}/blob/main/docs/trino.md"
    (connector / "metadata.yaml").write_text(metadata.replace(ours, f"documentationUrl: {PAGE_AT_AIRBYTE}"))
    (connector / "README.md").write_text(with_whole_links((root / "README.md").read_text(), repository, ""))
    page.write_text(with_whole_links((root / "docs/trino.md").read_text(), repository, "docs/"))
    return sorted(path.relative_to(target) for path in (*connector.rglob("*"), page) if path.is_file())


def with_whole_links(text: str, repository: str, folder: str) -> str:
    """A page's text with links to files beside it replaced by whole addresses: they lead nowhere in Airbyte's."""

    def whole(link: re.Match[str]) -> str:
        path = folder + link[1]
        while "/../" in f"/{path}":
            path = re.sub(r"(^|/)[^/]+/\.\./", r"\1", path, count=1)
        return f"]({repository}/blob/main/{path})"

    return re.sub(r"\]\((?!\w+:|#)([^)\s]+)\)", whole, text)
