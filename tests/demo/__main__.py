"""Shows source-trino at work: `make demo`.

Starts a small Trino, runs every command of the connector against it, loads two tables into a DuckDB file
through PyAirbyte, queries that file and stops Trino again. Everything is written below the cache directory.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SERVERS = [sys.executable, str(ROOT / "tests" / "servers")]

#: The streams that are read, with the number of rows that tpch.tiny has of each.
STREAMS = {"customer": 1500, "nation": 25}
SHOWN_RECORDS = 2
SHOWN_WIDTH = 150


class DemoError(Exception):
    """Why the demo cannot go on, as a sentence for the person who runs it."""


def main() -> int:
    """Runs the demo; whatever happens, Trino is stopped in the end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    started = time.monotonic()
    try:
        demo(_directory())
    except DemoError as error:
        print(f"\nThe demo failed: {error}", flush=True)
        return 1
    except KeyboardInterrupt:
        print("\nThe demo was interrupted.", flush=True)
        return 130
    finally:
        subprocess.run([*SERVERS, "down", "demo"], check=False)
    print(f"\nDone in {time.monotonic() - started:.0f} s.")
    return 0


def demo(directory: Path) -> None:
    """All the steps, in order."""
    title("Build the connector")
    binary = build()
    title("Start Trino 476 with the catalogs tpch and memory")
    servers = json.loads(Path(capture([*SERVERS, "up", "demo"])).read_text())

    config, catalog = directory / "config.json", directory / "catalog.json"
    config.write_text(json.dumps(configuration(servers["trino"]["url"]), indent=2) + "\n")
    print(f"{config}: {json.dumps(json.loads(config.read_text()))}")

    source = [str(binary)]
    title("spec: what a user can configure", [*source, "spec"])
    print(shorten(capture([*source, "spec"])))

    command = [*source, "check", "--config", str(config)]
    title("check: can the connector reach the data?", command)
    check(command)

    command = [*source, "discover", "--config", str(config), "--configured", "--streams", ",".join(STREAMS)]
    title("discover: which tables are there? As a configured catalog, ready to read", command)
    catalog.write_text(capture(command) + "\n")
    show_catalog(catalog)

    command = [*source, "read", "--config", str(config), "--catalog", str(catalog)]
    title("read: the rows as Airbyte messages", command)
    read(command)

    title("Load the same tables into DuckDB with PyAirbyte, and query them there")
    load(binary, config, directory)


def build() -> Path:
    """The release binary; or the one that SOURCE_TRINO_BIN names, as it is."""
    if given := os.environ.get("SOURCE_TRINO_BIN"):
        if not os.access(given, os.X_OK):
            raise DemoError(f"SOURCE_TRINO_BIN names {given}, which is no program")
        print(f"{given} is given")
        return Path(given).absolute()
    target = Path(os.environ.get("CARGO_TARGET_DIR") or _cache() / "target")
    command = ["cargo", "build", "--release", "--locked"]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, "CARGO_TARGET_DIR": str(target)}, check=False
        )
    except FileNotFoundError:
        raise DemoError("cargo is not installed; Rust's installer rustup brings it") from None
    if done.returncode != 0:
        raise DemoError("the connector does not build; what cargo has to say stands above")
    return target / "release" / "source-trino"


def configuration(url: str) -> dict[str, str]:
    """The project's sample configuration, pointed at the server of this demo."""
    sample = ROOT / "sample_files" / "config.json"
    chosen = json.loads(sample.read_text()) if sample.exists() else {}
    address = urlsplit(url)
    return chosen | {
        "hostname": "localhost",
        "port": str(address.port),
        "username": "test",
        "catalog": "tpch",
        "schema": "tiny",
    }


def check(command: list[str]) -> None:
    """Shows the answer of `check`."""
    for message in messages(capture(command)):
        if message["type"] == "CONNECTION_STATUS":
            print(shorten(json.dumps(message)))
            if message["connectionStatus"]["status"] != "SUCCEEDED":
                raise DemoError(f"check says: {message['connectionStatus'].get('message')}")
            return
    raise DemoError("check gave no CONNECTION_STATUS")


def show_catalog(catalog: Path) -> None:
    """Names the streams of a configured catalog."""
    try:
        streams = json.loads(catalog.read_text())["streams"]
    except (ValueError, KeyError):
        raise DemoError(f"discover --configured wrote no catalog; see {catalog}") from None
    for configured in streams:
        stream = configured["stream"]
        columns = ", ".join(stream["json_schema"]["properties"])
        print(f"{stream.get('namespace', '')}.{stream['name']} ({configured['sync_mode']}): {columns}")
    missing = STREAMS.keys() - {configured["stream"]["name"] for configured in streams}
    if missing:
        raise DemoError(f"the catalog lacks {', '.join(sorted(missing))}")


def read(command: list[str]) -> None:
    """Runs a read, shows some of its messages and counts them all."""
    kinds: Counter[str] = Counter()
    records: Counter[str] = Counter()
    started = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reading:
        assert reading.stdout is not None
        for line in reading.stdout:
            message = json.loads(line)
            kinds[message["type"]] += 1
            if message["type"] == "RECORD":
                stream = message["record"]["stream"]
                records[stream] += 1
                if records[stream] <= SHOWN_RECORDS:
                    print(shorten(line.rstrip()))
            elif message["type"] == "STATE" and kinds["STATE"] == 1:
                print(shorten(line.rstrip()))
            elif message["type"] == "TRACE" and message["trace"]["type"] == "ERROR":
                print(shorten(line.rstrip()))
    if reading.returncode != 0:
        raise DemoError(f"read ended with exit code {reading.returncode}")
    print(f"Messages: {counted(kinds)}; records: {counted(records)}; {time.monotonic() - started:.2f} s")
    if dict(records) != STREAMS:
        raise DemoError(f"tpch.tiny has {counted(Counter(STREAMS))}, which is not what was read")


def load(binary: Path, config: Path, directory: Path) -> None:
    """Loads the streams with PyAirbyte, in an environment of its own."""
    python = capture([*SERVERS, "python", "demo", str(HERE / "requirements.txt")])
    environment = {
        **os.environ,
        # Without this PyAirbyte asks a registry on the network about the connector.
        "AIRBYTE_OFFLINE_MODE": "1",
        "DO_NOT_TRACK": "1",
        "AIRBYTE_LOGGING_ROOT": str(directory / "logs"),
        # Its dependencies talk about future Python versions, which is of no use here.
        "PYTHONWARNINGS": "ignore::FutureWarning",
    }
    command = [python, str(HERE / "load.py"), str(binary), str(config), *STREAMS]
    if subprocess.run(command, cwd=directory, env=environment, check=False).returncode != 0:
        raise DemoError("PyAirbyte did not load the tables; its reason stands above")


def title(text: str, command: list[str] | None = None) -> None:
    """Announces a step, with the command that it runs."""
    print(f"\n== {text}", flush=True)
    if command:
        print(f"$ {' '.join([Path(command[0]).name, *command[1:]])}", flush=True)


def capture(command: list[str]) -> str:
    """What a command writes to stdout; its stderr is shown as it comes."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        shown = " ".join([Path(command[0]).name, *command[1:]])
        raise DemoError(f"`{shown}` ended with exit code {done.returncode}:\n{done.stdout}")
    return done.stdout.strip()


def messages(output: str) -> list[dict]:
    """The Airbyte messages of a command's output."""
    try:
        return [json.loads(line) for line in output.splitlines()]
    except ValueError:
        raise DemoError(f"this is not a list of Airbyte messages:\n{output}") from None


def counted(counter: Counter[str]) -> str:
    """A counter in words."""
    return ", ".join(f"{count} {name}" for name, count in sorted(counter.items())) or "none"


def shorten(line: str) -> str:
    """A line that fits a terminal."""
    return line if len(line) <= SHOWN_WIDTH else f"{line[:SHOWN_WIDTH]} … ({len(line)} characters)"


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("SOURCE_TRINO_CACHE") or Path(base) / "source-trino").absolute()


def _directory() -> Path:
    directory = _cache() / "demo"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


if __name__ == "__main__":
    sys.exit(main())
