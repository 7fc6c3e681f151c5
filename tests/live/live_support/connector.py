"""Runs the binary the way the platform does: files, arguments, messages on stdout."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from .messages import parse, parse_exactly

#: Sentences that an answer of `check` has at most: what failed, why, and what to change.
LONGEST_ANSWER = 3

#: No run of these tests takes longer, however busy the machine is.
TIMEOUT_SECONDS = 180


def sentences(text: str) -> int:
    """How many sentences a text has, without what is quoted or in brackets."""
    text = re.sub(r'"[^"]*"|\([^)]*\)', "", text)
    return len(re.findall(r"[.!?](?= +[A-Z]|$)", text))


@dataclass(frozen=True)
class Result:
    """What a run printed and how it ended."""

    exit_code: int
    stdout: bytes
    stderr: str
    seconds: float

    @cached_property
    def lines(self) -> list[bytes]:
        return self.stdout.splitlines()

    @cached_property
    def messages(self) -> list[dict[str, Any]]:
        """Every line of stdout; one that is no message fails the test."""
        messages = []
        for line in self.lines:
            try:
                message = parse(line)
            except ValueError as error:
                raise AssertionError(f"stdout has a line that is no message ({error}): {line[:500]!r}") from None
            assert isinstance(message, dict) and "type" in message, f"stdout has a line that is no message: {line!r}"
            messages.append(message)
        return messages

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]

    def records(self, stream: str) -> list[dict[str, Any]]:
        """The RECORDs of a stream."""
        return [message["record"] for message in self.of_type("RECORD") if message["record"]["stream"] == stream]

    def data(self, stream: str) -> list[dict[str, Any]]:
        """The `data` of the records of a stream."""
        return [record["data"] for record in self.records(stream)]

    @cached_property
    def exact_records(self) -> list[dict[str, Any]]:
        """All records, with numbers as `messages.Number`."""
        return [parse_exactly(line)["record"] for line in self.lines if line.startswith(b'{"type":"RECORD"')]

    @cached_property
    def states(self) -> list[dict[str, Any]]:
        return [message["state"] for message in self.of_type("STATE")]

    def traces(self, kind: str) -> list[dict[str, Any]]:
        """The traces of a kind, without their envelope: `error`, `stream_status` or `estimate`."""
        traces = (message["trace"] for message in self.of_type("TRACE"))
        return [trace[kind] for trace in traces if trace["type"] == kind.upper()]

    @cached_property
    def errors(self) -> list[dict[str, Any]]:
        return self.traces("error")

    def statuses(self, stream: str) -> list[str]:
        """The life of a stream, for example STARTED, RUNNING, COMPLETE."""
        return [
            status["status"] for status in self.traces("stream_status") if status["stream_descriptor"]["name"] == stream
        ]

    def logs(self, level: str) -> list[str]:
        return [message["log"]["message"] for message in self.of_type("LOG") if message["log"]["level"] == level]

    @cached_property
    def status(self) -> dict[str, Any]:
        """The only CONNECTION_STATUS."""
        statuses = self.of_type("CONNECTION_STATUS")
        assert len(statuses) == 1, self.explain()
        status: dict[str, Any] = statuses[0]["connectionStatus"]
        return status

    @cached_property
    def streams(self) -> dict[str, dict[str, Any]]:
        """The discovered streams by name, in the catalog's order."""
        catalogs = self.of_type("CATALOG")
        assert len(catalogs) == 1, self.explain()
        return {stream["name"]: stream for stream in catalogs[0]["catalog"]["streams"]}

    def explain(self) -> str:
        """Everything that helps to understand a run that went wrong."""
        shown = [line[:1000] for line in self.lines if not line.startswith(b'{"type":"RECORD"')]
        if len(shown) > 40:
            shown = [*shown[:20], "[…]".encode(), *shown[-20:]]
        text = b"\n".join(shown).decode(errors="replace")
        end = f"exit code {self.exit_code} after {self.seconds:.1f} s"
        return f"{end}\nstdout without records:\n{text}\nstderr:\n{self.stderr}"


@dataclass(frozen=True)
class Connector:
    """The binary, and a directory for the files that it is given."""

    binary: Path
    directory: Path
    _numbers = itertools.count()

    def file(self, content: Any, suffix: str = "json") -> Path:
        """A new file; text is written as it is, anything else as JSON."""
        path = self.directory / f"{next(self._numbers)}.{suffix}"
        path.write_text(content if isinstance(content, str) else json.dumps(content, default=float))
        return path

    def run(
        self,
        *arguments: str | Path,
        stdin: str | None = None,
        environment: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT_SECONDS,
    ) -> Result:
        """Runs to the end."""
        started = time.monotonic()
        done = subprocess.run(
            [self.binary, *arguments],
            input=None if stdin is None else stdin.encode(),
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            env=_environment(environment),
            timeout=timeout,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr.decode(errors="replace"), time.monotonic() - started)

    def start(
        self, *arguments: str | Path, environment: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.Popen[bytes]:
        """Starts a run that the test watches, signals or leaves; stdout and stderr are pipes unless told otherwise."""
        streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen([self.binary, *arguments], env=_environment(environment), **(streams | options))

    def check(self, config: Any, **options: Any) -> Result:
        """Checks. If it failed, the answer must be short enough to be read."""
        result = self.run("check", "--config", self.file(config), **options)
        for status in result.of_type("CONNECTION_STATUS"):
            lines = status["connectionStatus"].get("message", "").splitlines()
            assert all(sentences(line) <= LONGEST_ANSWER for line in lines), result.explain()
        return result

    def discover(self, config: Any, **options: Any) -> Result:
        """Discovers, which must succeed."""
        result = self.run("discover", "--config", self.file(config), **options)
        assert result.exit_code == 0, result.explain()
        return result

    def read_arguments(self, config: Any, catalog: Any, state: Any = None) -> list[str | Path]:
        arguments: list[str | Path] = ["read", "--config", self.file(config), "--catalog", self.file(catalog)]
        return arguments if state is None else [*arguments, "--state", self.file(state)]

    def read(self, config: Any, catalog: Any, state: Any = None, **options: Any) -> Result:
        """Reads; how it ends is for the test to judge."""
        return self.run(*self.read_arguments(config, catalog, state), **options)


def _environment(changes: Mapping[str, str] | None) -> dict[str, str]:
    """Ours without what would change the connector's logging, and with the changes."""
    kept = {name: value for name, value in os.environ.items() if name not in ("LOG_LEVEL", "RUST_LOG")}
    return kept | dict(changes or {})


def all_streams(result: Result) -> list[dict[str, Any]]:
    """The streams of all namespaces, where one name may be in several."""
    [catalog] = result.of_type("CATALOG")
    return list(catalog["catalog"]["streams"])


def names(streams: Iterable[Mapping[str, Any]]) -> list[str]:
    """Namespace and name of streams, or of descriptors, as one text each."""
    return [f"{stream['namespace']}.{stream['name']}" for stream in streams]
