"""Whether all that names the release agrees: `make release-check`, or `python3 tests/release`; see docs/releasing.md.

python3 tests/release --tag v0.1.0    also: the release is ready to go out under this tag
python3 tests/release --notes         print the changelog's part about the present version, and nothing else
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import agreement  # noqa: E402
import changelog  # noqa: E402
import contribution  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Prints every disagreement; the exit code is 1 if there is one."""
    parser = argparse.ArgumentParser(
        prog="python3 tests/release", description="Whether the release agrees with itself."
    )
    parser.add_argument("--tag", help="the git tag that the release goes out under: v and the version of Cargo.toml")
    parser.add_argument("--notes", action="store_true", help="print the changelog's part about the present version")
    parser.add_argument("--airbyte", type=Path, metavar="DIR", help="write a pull request's files below this folder")
    arguments = parser.parse_args()
    if arguments.notes:
        print(changelog.newest(ROOT).text)
        return 0
    if arguments.airbyte:
        print(*contribution.write(ROOT, arguments.airbyte), sep="\n")
        return 0
    found = agreement.disagreements(ROOT, arguments.tag)
    for sentence in found:
        print(f"release-check: {sentence}", file=sys.stderr)
    if not found:
        print(f"release-check: everything names version {agreement.version(ROOT)}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
