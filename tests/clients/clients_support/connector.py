"""Runs the connector as the platform does and takes its output apart."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: No command of these tests takes longer, in seconds.
LIMIT = 120

Stream = tuple[str | None, str]


@dataclass(frozen=True)
class Output:
    """What a command wrote, and how it ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages in their order; a line that is none is an error."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """The payloads of one type of message: `of_type("RECORD")`."""
        payload = {"CONNECTION_STATUS": "connectionStatus"}.get(kind, kind.lower())
        return [message[payload] for message in self.messages if message["type"] == kind]

    @property
    def records(self) -> dict[Stream, list[dict[str, Any]]]:
        """The data of all records by stream."""
        streams: dict[Stream, list[dict[str, Any]]] = {}
        for record in self.of_type("RECORD"):
            streams.setdefault((record.get("namespace"), record["stream"]), []).append(record["data"])
        return streams

    @property
    def statuses(self) -> dict[Stream, list[str]]:
        """The statuses of every stream in their order."""
        streams: dict[Stream, list[str]] = {}
        for trace in self.of_type("TRACE"):
            if trace["type"] == "STREAM_STATUS":
                status = trace["stream_status"]
                streams.setdefault(stream_of(status["stream_descriptor"]), []).append(status["status"])
        return streams

    @property
    def errors(self) -> list[dict[str, Any]]:
        """The ERROR traces."""
        return [trace["error"] for trace in self.of_type("TRACE") if trace["type"] == "ERROR"]

    @property
    def states(self) -> list[dict[str, Any]]:
        """The states."""
        return self.of_type("STATE")


def stream_of(descriptor: dict[str, Any]) -> Stream:
    """Namespace and name of a stream or of its descriptor."""
    return descriptor.get("namespace"), descriptor["name"]


class Connector:
    """The binary under test."""

    def __init__(self, binary: Path, directory: Path) -> None:
        """Files for its arguments go into `directory`."""
        self.binary = binary
        self.directory = directory
        self.files = 0

    def run(self, command: str, *, environment: dict[str, str] | None = None, **files: Any) -> Output:
        """Runs a command; files are given as paths, texts, or anything that JSON can tell."""
        arguments = [str(self.binary), command]
        for name, content in files.items():
            arguments += [f"--{name}", str(self._file(content))]
        done = subprocess.run(
            arguments,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
            env={**os.environ, **(environment or {})},
        )
        return Output(done.returncode, done.stdout, done.stderr)

    def spec(self) -> dict[str, Any]:
        """The specification."""
        [spec] = self.run("spec").of_type("SPEC")
        return spec

    def discover(self, config: Any) -> list[dict[str, Any]]:
        """The streams of a configuration."""
        output = self.run("discover", config=config)
        assert output.code == 0, output.stdout
        [catalog] = output.of_type("CATALOG")
        return catalog["streams"]

    def read(self, config: Any, catalog: Any, **files: Any) -> Output:
        """Reads, which has to end well."""
        output = self.run("read", config=config, catalog=catalog, **files)
        assert output.code == 0, f"exit code {output.code}\n{output.stderr}\n{output.stdout[-3000:]}"
        return output

    def _file(self, content: Any) -> Path:
        if isinstance(content, Path):
            return content
        self.files += 1
        # No extension: nothing may depend on it.
        path = self.directory / f"file-{self.files}"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path


def configured(streams: list[dict[str, Any]]) -> dict[str, Any]:
    """A configured catalog that reads streams whole."""
    return {
        "streams": [
            {"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "overwrite"} for stream in streams
        ]
    }
