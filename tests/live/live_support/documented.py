"""The tables of messages in docs/connections.md: each is produced by a test, and each test's message is in it."""

from __future__ import annotations

import re
from pathlib import Path

_DOCUMENT = Path(__file__).parents[3] / "docs" / "connections.md"

#: The messages that tests have produced so far.
produced: set[str] = set()


#: The sections with the tables.
CURES, KERBEROS = "## Messages and cures\n", "## Messages of Kerberos\n"


def messages(section: str = CURES) -> list[str]:
    """The first column of the table in a section; `…` stands for any text."""
    lines = _DOCUMENT.read_text().partition(section)[2].partition("\n## ")[0].splitlines()
    return [match.group(1) for line in lines if (match := re.match(r"\| `(.+?)` \|", line))]


def assert_documented(message: str) -> None:
    """Fails for a message that no table has; notes that it was produced."""
    matching = [text for section in (CURES, KERBEROS) for text in messages(section) if _matches(text, message)]
    assert matching, f"docs/connections.md has no line for: {message}"
    produced.update(matching)


def _matches(text: str, message: str) -> bool:
    pattern = ".*".join(re.escape(part.strip()) for part in text.split("…"))
    return re.search(pattern, message, re.DOTALL) is not None
