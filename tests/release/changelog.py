"""The sections of CHANGELOG.md."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

#: What stands in place of the date until a version is released.
UNRELEASED = "unreleased"


@dataclass(frozen=True)
class Section:
    """One version's part of the changelog."""

    version: str
    #: The day of the release, `2026-11-26`, or `unreleased`.
    date: str
    #: What has changed, without the heading.
    text: str


def newest(root: Path) -> Section:
    """The uppermost section."""
    heading, _, text = re.split(r"^## ", (root / "CHANGELOG.md").read_text(), flags=re.M)[1].partition("\n")
    version, _, date = heading.partition(" ")
    return Section(version, date.strip("() "), text.strip())
