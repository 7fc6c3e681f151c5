"""What a person sees: a terminal on stderr, a terminal on both, or only the mail of a job at night."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from live_support.connector import Connector

Config = Callable[..., dict[str, Any]]

#: Escape sequences of a terminal: colours, and what removes a line.
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Screen:
    """What stood on the terminal, and what went to stdout."""

    raw: str
    stdout: bytes
    exit_code: int

    @property
    def text(self) -> str:
        return ESCAPES.sub("", self.raw).replace("\r", "\n")


@dataclass(frozen=True)
class Terminal:
    """Runs the connector with stderr, or all of its output, at a terminal."""

    connector: Connector

    def run(self, *arguments: Any, stdout: Any = subprocess.PIPE, interrupt_after: float | None = None, **more: str) -> Screen:
        """`stdout` may be a file; None is the terminal, too. After some seconds Ctrl-C is pressed."""
        ours, theirs = os.openpty()
        environment = {name: value for name, value in os.environ.items() if name not in ("LOG_LEVEL", "NO_COLOR")}
        process = subprocess.Popen(
            [self.connector.binary, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=theirs if stdout is None else stdout,
            stderr=theirs,
            env={**environment, "TERM": "xterm", **more},
        )
        os.close(theirs)
        shown: list[bytes] = []
        reader = threading.Thread(target=_read_all, args=(ours, shown))
        reader.start()
        if interrupt_after is not None:
            timer = threading.Timer(interrupt_after, process.send_signal, [signal.SIGINT])
            timer.start()
        written, _ = process.communicate(timeout=120)
        reader.join()
        os.close(ours)
        return Screen(b"".join(shown).decode(errors="replace"), written or b"", process.returncode)


def _read_all(end: int, shown: list[bytes]) -> None:
    try:
        while part := os.read(end, 65536):
            shown.append(part)
    except OSError:
        # Linux says EIO when the other end is closed.
        pass


@pytest.fixture(scope="module")
def terminal(connector: Connector) -> Terminal:
    return Terminal(connector)


@pytest.fixture(scope="module")
def files(connector: Connector, config: Config) -> dict[str, Path]:
    """A configuration and a configured catalog of two small streams."""
    settings = connector.file(config("tpch", "tiny"))
    names = ["--configured", "--streams", "lineitem,nation"]
    catalog = connector.run("discover", "--config", settings, *names).stdout.decode()
    return {"config": settings, "catalog": connector.file(catalog)}


def test_check_says_in_one_line_what_was_found(terminal: Terminal, files: dict[str, Path]) -> None:
    screen = terminal.run("check", "--config", files["config"])
    assert re.fullmatch(
        r"\s*ok +Trino 476 at 127\.0\.0\.1:\d+, user live-tests, 8 tables in tpch\.tiny, no keys known\s*", screen.text
    )
    messages = [json.loads(line) for line in screen.stdout.splitlines()]
    assert [message["type"] for message in messages] == ["LOG", "CONNECTION_STATUS"]


def test_check_at_a_whole_terminal_says_it_beside_the_protocol(terminal: Terminal, files: dict[str, Path]) -> None:
    screen = terminal.run("check", "--config", files["config"], stdout=None)
    assert "ok  Trino 476 at" in screen.text
    assert '"status":"SUCCEEDED"' in screen.text


@pytest.mark.parametrize("stdout", [subprocess.PIPE, None])
def test_a_quiet_check_says_errors_only(
    terminal: Terminal, connector: Connector, config: Config, files: dict[str, Path], stdout: Any
) -> None:
    assert "ok " not in terminal.run("check", "-q", "--config", files["config"], stdout=stdout).text
    wrong = connector.file(config("nowhere", "tiny"))
    assert "error: " in terminal.run("check", "-q", "--config", wrong, stdout=stdout).text


def test_check_knows_whether_there_are_keys(
    terminal: Terminal,
    connector: Connector,
    config: Config,
    postgres: psycopg.Connection[Any],
    new_schema: Callable[[str, str], str],
) -> None:
    schema = new_schema("postgresql", "terminal")
    postgres.execute(f'CREATE TABLE "{schema}".t (n bigint PRIMARY KEY)')
    screen = terminal.run("check", "--config", connector.file(config("postgresql", schema)))
    assert f"1 table in postgresql.{schema}, keys known" in screen.text, screen.text


def test_a_failed_check_begins_with_error_and_names_the_setting(
    terminal: Terminal, connector: Connector, config: Config
) -> None:
    settings = connector.file(config("tpch", "tiny, sf1"))
    screen = terminal.run("check", "--config", settings)
    [line] = [line for line in screen.text.splitlines() if line.strip()]
    assert line.startswith('error: The schema "tiny, sf1" does not exist')
    assert line.endswith('Put "tiny" there, and "sf1" and all others into "schemas".')


@pytest.mark.parametrize(("schema", "option", "code"), [("nowhere", True, 1), ("nowhere", False, 0), ("tiny", True, 0)])
def test_check_ends_with_1_if_a_script_asks_for_it(
    connector: Connector, config: Config, schema: str, option: bool, code: int
) -> None:
    more = ["--exit-code"] if option else []
    done = connector.run("check", "--config", connector.file(config("tpch", schema)), *more)
    assert done.exit_code == code
    assert done.status["status"] == ("SUCCEEDED" if schema == "tiny" else "FAILED")


def test_discover_shows_a_table_at_a_terminal(terminal: Terminal, files: dict[str, Path]) -> None:
    screen = terminal.run("discover", "--config", files["config"], stdout=None)
    lines = [line.split() for line in screen.text.splitlines() if line.strip()]
    assert lines[0][0] == "stream"
    assert {line[0] for line in lines[1:]} >= {"tiny.lineitem", "tiny.nation", "tiny.region"}
    [nation] = [line for line in lines if line[0] == "tiny.nation"]
    assert nation[1:] == ["4", "nationkey,", "regionkey", "full", "refresh,", "incremental"]
    assert "{" not in screen.text


def test_discover_into_a_pipe_is_the_protocol(terminal: Terminal, files: dict[str, Path]) -> None:
    screen = terminal.run("discover", "--config", files["config"])
    kinds = [json.loads(line)["type"] for line in screen.stdout.splitlines()]
    assert kinds[-1] == "CATALOG"
    assert "tiny.nation" not in screen.text


def read(terminal: Terminal, files: dict[str, Path], *more: str, stdout: Any = subprocess.PIPE) -> Screen:
    return terminal.run("read", "-c", files["config"], "-k", files["catalog"], *more, stdout=stdout)


def assert_table(text: str) -> None:
    lines = [line.split() for line in text.splitlines()]
    assert ["stream", "rows", "received", "time", "rows/s", "read"] in lines
    [lineitem] = [line for line in lines if line[:2] == ["tiny.lineitem", "60,175"]]
    assert lineitem[-1] == "whole"


def test_a_read_into_a_file_shows_its_progress_and_ends_with_a_table(
    terminal: Terminal, files: dict[str, Path], tmp_path: Path
) -> None:
    with (tmp_path / "records").open("wb") as file:
        screen = read(terminal, files, stdout=file)
    assert screen.exit_code == 0
    assert "/2 streams · " in screen.text
    assert_table(screen.text)


def test_a_read_into_a_pipe_paints_over_nobody(terminal: Terminal, files: dict[str, Path]) -> None:
    screen = read(terminal, files)
    # One line at the very end, behind the table.
    assert screen.text.count("/2 streams · ") == 1
    assert_table(screen.text)


def test_progress_can_be_asked_for(terminal: Terminal, files: dict[str, Path]) -> None:
    assert read(terminal, files, "--progress").text.count("/2 streams · ") > 1


def test_a_quiet_read_shows_nothing(terminal: Terminal, files: dict[str, Path]) -> None:
    screen = read(terminal, files, "-q")
    assert (screen.exit_code, screen.text.strip()) == (0, "")
    assert screen.stdout.count(b'"type":"RECORD"') == 60_200


def test_a_verbose_read_logs_its_queries(connector: Connector, files: dict[str, Path]) -> None:
    arguments = ("read", "--config", files["config"], "--catalog", files["catalog"])
    assert any("FROM" in text for text in connector.run(*arguments, "-v").logs("DEBUG"))
    assert connector.run(*arguments).logs("DEBUG") == []


#: A table that Trino makes while it is read, in one query: hours without a checkpoint.
ENDLESS = ("sf100", "lineitem")


@pytest.mark.parametrize(
    ("streams", "said"),
    [
        ([ENDLESS], "with no checkpoint yet"),
        ([("tiny", "region"), ENDLESS], "hint: its last STATE is in the output; a read with --state goes on from there"),
    ],
)
def test_ctrl_c_says_what_was_reached_and_how_to_go_on(
    terminal: Terminal, connector: Connector, config: Config, streams: list[tuple[str, str]], said: str
) -> None:
    plain = [
        {"name": name, "namespace": schema, "json_schema": {}, "supported_sync_modes": ["full_refresh"]}
        for schema, name in streams
    ]
    entries = [{"stream": one, "sync_mode": "full_refresh", "destination_sync_mode": "overwrite"} for one in plain]
    arguments = connector.read_arguments(config("tpch", "tiny", concurrency=1), {"streams": entries})
    screen = terminal.run(*arguments, stdout=subprocess.DEVNULL, interrupt_after=20)
    assert screen.exit_code == -signal.SIGINT
    assert re.search(r"warning: stopped after [1-9][\d,]* records(, with no checkpoint yet| and 1 checkpoint)\s", screen.text), screen.text
    assert said in screen.text


def test_the_mail_of_a_job_at_night_has_its_failures_and_nothing_else(
    connector: Connector, config: Config, files: dict[str, Path], tmp_path: Path
) -> None:
    catalog = json.loads(files["catalog"].read_text())
    catalog["streams"][0]["stream"]["name"] = "gone"
    for content, mail in ((catalog, r'error: .*"tiny\.gone".*\n'), (json.loads(files["catalog"].read_text()), "")):
        with (tmp_path / "records").open("wb") as file:
            arguments = connector.read_arguments(config("tpch", "tiny"), content)
            process = connector.start(*arguments, stdout=file)
            _, stderr = process.communicate(timeout=120)
        assert re.fullmatch(mail, stderr.decode()), stderr
        assert process.returncode == (1 if mail else 0)


def test_colours_are_left_out_where_nobody_wants_them(terminal: Terminal, files: dict[str, Path]) -> None:
    def colours(**environment: str) -> list[str]:
        return re.findall(r"\x1b\[[0-9;]*m", terminal.run("check", "--config", files["config"], **environment).raw)

    assert colours()
    assert colours(NO_COLOR="1") == []
    assert colours(TERM="dumb") == []
    assert colours(TERM="dumb", CI="true") == []


def test_without_arguments_a_person_is_told_what_to_do_first(terminal: Terminal) -> None:
    screen = terminal.run()
    assert screen.exit_code == 2
    assert "source-trino check --config config.json" in screen.text
    assert len(screen.text.strip().splitlines()) <= 20


@pytest.mark.parametrize("shell, flag", [("bash", b" --state-file "), ("zsh", b")--state-file="), ("fish", b" -l state-file ")])
def test_shells_get_their_completions(connector: Connector, shell: str, flag: bytes) -> None:
    done = connector.run("completions", shell)
    assert done.exit_code == 0
    assert flag in done.stdout


def test_the_manual_page_can_be_read(connector: Connector) -> None:
    page = connector.run("man").stdout
    assert page.startswith(b".ie") and b"discover" in page
