"""Private keys as people have them: in a file, with a password."""

from __future__ import annotations

import subprocess
from pathlib import Path


def encrypted(key: str, directory: Path, *options: str) -> str:
    """The key as PKCS#8 with the password `key-secret-1`; the options are those of `openssl pkcs8`."""
    plain, secret = directory / "plain.key", directory / "secret.key"
    plain.write_text(key)
    command = ["openssl", "pkcs8", "-topk8", "-in", plain, "-out", secret, "-passout", "pass:key-secret-1", *options]
    subprocess.run(command, check=True, capture_output=True)
    return secret.read_text()
