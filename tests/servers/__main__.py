"""Real servers for the demo and the tests: `python3 tests/servers up full`, then `down`.

See `--help` for the commands. Everything is kept below the cache directory (SOURCE_TRINO_CACHE, or
`source-trino` in XDG_CACHE_HOME or ~/.cache); the source tree is only read.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import fetch  # noqa: E402
import settings  # noqa: E402
from fleet import Fleet, kind_of, only_one_at_a_time  # noqa: E402
from report import ServerError, last_lines, say  # noqa: E402
from trino_client import QueryError, TrinoClient  # noqa: E402


def main() -> int:
    """Runs one command; its result goes to stdout, what it does to stderr."""
    # Ended from outside, `up` still stops what it has started so far.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    arguments = _parser().parse_args()
    try:
        return arguments.run(arguments)
    except (ServerError, QueryError) as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    except BrokenPipeError:
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 tests/servers", description="Real servers for demo and tests."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, help_text: str, run, kinds: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help_text, description=help_text)
        added.set_defaults(run=run)
        if kinds == "one":
            added.add_argument("kind", choices=sorted(settings.KINDS))
        elif kinds == "any":
            added.add_argument("kind", choices=sorted(settings.KINDS), nargs="?", help="default: all")
        return added

    command("up", "start the servers, wait until they answer, print the path of servers.json", _up, "one")
    command("down", "stop what `up` has started", _down, "any")
    command("status", "tell which servers run", _status, "any")
    logs = command("logs", "print the end of every log", _logs, "any")
    logs.add_argument("-n", "--lines", type=int, default=25)
    sql = command("sql", "run a query, print its rows as JSON lines", _sql, "one")
    sql.add_argument("query")
    sql.add_argument("--user", default="test", help="a user of the password file logs in over https")
    python = command(
        "python", "print the Python of a cached environment that holds REQUIREMENTS", _python, "none"
    )
    python.add_argument("name")
    python.add_argument("requirements", type=Path)
    return parser


def _fleets(name: str | None) -> list[Fleet]:
    return [Fleet(kind_of(each)) for each in ([name] if name else settings.KINDS)]


def _up(arguments: argparse.Namespace) -> int:
    print(Fleet(kind_of(arguments.kind)).up())
    return 0


def _down(arguments: argparse.Namespace) -> int:
    for fleet in _fleets(arguments.kind):
        stopped = fleet.down()
        say(
            f"{fleet.kind.name}: stopped {', '.join(stopped)}"
            if stopped
            else f"{fleet.kind.name}: nothing was running"
        )
    return 0


def _status(arguments: argparse.Namespace) -> int:
    """Exits 0 only if every kind that was asked about is up and answers."""
    all_healthy = True
    for fleet in _fleets(arguments.kind):
        described, running = fleet.describe(), fleet.processes.running()
        healthy = described is not None and fleet.is_healthy(described)
        all_healthy &= healthy
        processes = ", ".join(f"{name} {pid}" for name, pid in running.items())
        state = f"up, {fleet.description}" if healthy else "does not answer" if running else "down"
        print(f"{fleet.kind.name}: {state}" + (f" ({processes})" if processes else ""))
    return 0 if all_healthy else 1


def _logs(arguments: argparse.Namespace) -> int:
    for fleet in _fleets(arguments.kind):
        for log in sorted((fleet.directory / "logs").glob("*.log")):
            print(f"{log}:\n{last_lines(log, arguments.lines)}")
    return 0


def _sql(arguments: argparse.Namespace) -> int:
    described = Fleet(kind_of(arguments.kind)).describe()
    if described is None:
        raise ServerError(f"the {arguments.kind} servers are down; start them with: up {arguments.kind}")
    trino, user = described["trino"], arguments.user
    client = TrinoClient(trino["url"], user, prefix=kind_of(arguments.kind).headers)
    if password := trino.get("users", {}).get(user):
        client = TrinoClient(trino["https_url"], user, password, trino["ca_certificate"])
    for row in client.rows(arguments.query):
        print(json.dumps(row, ensure_ascii=False))
    return 0


def _python(arguments: argparse.Namespace) -> int:
    if not arguments.requirements.is_file():
        raise ServerError(f"there is no file {arguments.requirements}")
    with only_one_at_a_time():
        print(fetch.python_environment(arguments.name, arguments.requirements))
    return 0


if __name__ == "__main__":
    sys.exit(main())
