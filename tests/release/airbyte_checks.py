"""Runs Airbyte's own quality checks of connectors on the files of a pull request; docs/airbyte.md has their verdict.

    python=$(python3 tests/servers python release tests/release/requirements.txt)
    $python tests/release/airbyte_checks.py

It is not part of `make test`: the checks bring clients of several clouds with them. What they would ask of the network
is answered here: no such connector is in the registry, and no such image on Docker Hub. As they know no Rust, they are
told that the connector is written in Java, to see what they say of everything else.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

os.environ |= {"DO_NOT_TRACK": "1", "AIRBYTE_OFFLINE_MODE": "1"}

import airbyte_ops_mcp.metadata_validator as metadata_validator
from airbyte_ops_mcp.connector_ops.utils import Connector
from airbyte_ops_mcp.connector_qa.checks import ENABLED_CHECKS
from airbyte_ops_mcp.connector_qa.models import Check, CheckStatus
from git import Repo

import contribution

ROOT = Path(__file__).resolve().parents[2]

#: Cannot pass: the tag `language:rust` follows from no file.
EXPECTED = {"CheckConnectorLanguageTag": "FAILED"}

#: Compares with the main branch of Airbyte's repository, on the network; the connector is not there.
LEFT_OUT = "CheckVersionIncrement"


def main() -> int:
    """Prints every verdict; the exit code is 1 if one is another than expected."""
    with tempfile.TemporaryDirectory() as folder:
        contribution.write(ROOT, Path(folder))
        Repo.init(folder).create_remote("origin", "https://github.com/airbytehq/airbyte.git")
        (Path(folder) / "airbyte-integrations/connectors/source-trino/src/main/java").mkdir(parents=True)
        os.chdir(folder)
        metadata_validator.get_latest_version_on_dockerhub = lambda _: None
        Connector.is_released = property(lambda _: False)
        connector = Connector("source-trino")
        names = {type(check).__name__: check for check in ENABLED_CHECKS}
        verdicts = {name: verdict(check, connector) for name, check in names.items() if name != LEFT_OUT}
        os.chdir(ROOT)
    for name, (status, message) in verdicts.items():
        print(f"{status:16} {name}: {message}")
    unexpected = {
        name: status
        for name, (status, _) in verdicts.items()
        if status != EXPECTED.get(name, status if status in ("PASSED", "SKIPPED") else "PASSED")
    }
    print(f"not as expected: {unexpected or 'none'}")
    return 1 if unexpected else 0


def verdict(check: Check, connector: Connector) -> tuple[str, str]:
    """PASSED, FAILED or SKIPPED with the check's own words, or the name of the error that ended it."""
    try:
        result = check.run(connector)
    except Exception as error:
        return type(error).__name__, str(error)[:100]
    return CheckStatus(result.status).name, result.message


if __name__ == "__main__":
    sys.exit(main())
