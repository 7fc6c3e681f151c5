"""A stand-in for S3: moto's server, which keeps every object in memory."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

import fetch
import settings
from processes import Processes, not_listening
from report import ServerError, step

REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def start(processes: Processes, data: Path, port: int) -> None:
    """Starts the server and makes the buckets."""
    python = fetch.python_environment("s3", REQUIREMENTS)
    with step(f"starting the S3 stand-in on port {port}"):
        server = python.with_name("moto_server")
        processes.start("s3", [str(server), "-H", settings.HOST, "-p", str(port)], cwd=data)
        processes.wait_until_ready("s3", lambda: not_listening(port), 60)
        for bucket in settings.S3_BUCKETS:
            _create_bucket(port, bucket)


def _create_bucket(port: int, bucket: str) -> None:
    """The server asks for no signature, so a plain request is enough."""
    request = urllib.request.Request(f"http://{settings.HOST}:{port}/{bucket}", method="PUT")
    try:
        with urllib.request.urlopen(request, timeout=30):
            pass
    except urllib.error.URLError as error:
        raise ServerError(f"the S3 stand-in did not make the bucket {bucket}: {error}") from None
