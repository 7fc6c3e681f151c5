"""The table of messages in docs/connections.md: each is produced by a test, and each test's message is in it."""

from __future__ import annotations

import re
from pathlib import Path

_DOCUMENT = Path(__file__).parents[3] / "docs" / "connections.md"

#: The messages that tests have produced so far.
produced: set[str] = set()


def messages() -> list[str]:
    """The first column of the table; `…` stands for any text."""
    lines = _DOCUMENT.read_text().partition("## Messages and cures")[2].splitlines()
    return [match.group(1) for line in lines if (match := re.match(r"\| `(.+?)` \|", line))]


def assert_documented(message: str) -> None:
    """Fails for a message that the table does not have; notes that it was produced."""
    matching = [text for text in messages() if _matches(text, message)]
    assert matching, f"docs/connections.md has no line for: {message}"
    produced.update(matching)


def _matches(text: str, message: str) -> bool:
    pattern = ".*".join(re.escape(part.strip()) for part in text.split("…"))
    return re.search(pattern, message, re.DOTALL) is not None
