"""Runs commands in the image as Airbyte's platform does, without an engine of containers.

As user 1000 without privileges, on a read-only root (not even /tmp may be written to), in the host's network,
by a wrapper in sh around `$AIRBYTE_ENTRYPOINT`, with the files of the job in the working directory. The
wrapper's behaviour is described in Airbyte's platform, airbyte-workload-launcher, ContainerCommandFactory.kt.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from build import IMAGE, ImageError, buildah, cache_directory

#: What the platform sets beside the image's own environment.
PLATFORM = {
    "USE_STREAM_CAPABLE_STATE": "true",
    "DEPLOYMENT_MODE": "OSS",
    "WORKER_CONNECTOR_IMAGE": "airbyte/source-trino:test",
    "WORKER_JOB_ID": "1",
    "WORKER_JOB_ATTEMPT": "0",
    "LOG_LEVEL": "INFO",
    "DATA_CHANNEL_FORMAT": "JSONL",
    "DATA_CHANNEL_MEDIUM": "STDIO",
}

#: Run as root in namespaces of its own: lays the files over the image, makes it read-only and drops all rights.
ENTER = """set -e
root=$1 outside=$2 inside=$3; shift 3
mount --bind "$root" "$root"
mount --bind "$outside/job" "$root$inside"
for file in hosts resolv.conf ssl/certs/ca-certificates.crt; do
    if [ -e "$outside/etc/${file##*/}" ]; then mount --bind "$outside/etc/${file##*/}" "$root/etc/$file"; fi
done
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -o remount,bind,ro "$root"
exec chroot "$root" setpriv --reuid=1000 --regid=1000 --clear-groups --no-new-privs --bounding-set=-all \\
    --inh-caps=-all env --ignore-environment --chdir="$inside" "$@"
"""

#: The platform's wrapper: the command in the background, ended when a marker file appears; its exit code in a file.
WRAPPER = """[ -n "$AIRBYTE_ENTRYPOINT" ] || exit 127
( {command} ) &
connector=$!
( until test -f TERMINATED; do sleep 10; done; kill "$connector" ) &
wait "$connector"
code=$?
echo "$code" > exitCode.txt
exit "$code"
"""


@dataclass
class Result:
    """What a command left behind."""

    code: int
    messages: list[dict] = field(default_factory=list)
    stderr: str = ""
    seconds: float = 0.0

    def of(self, kind: str) -> list[dict]:
        """The messages of one type."""
        return [message for message in self.messages if message["type"] == kind]


class Container:
    """The image with a writable layer, in which only the mount points of the platform are made."""

    def __init__(self, names: dict[str, str], image: str = IMAGE) -> None:
        self.names = names
        self.id = buildah("from", "--pull-never", image)
        self.root = Path(buildah("mount", self.id))
        (self.root / "source").mkdir()
        inspected = json.loads(buildah("inspect", "--type", "image", image))
        self.config = inspected["Docker"]["config"]
        self.environment = [*self.config["Env"], *(f"{name}={value}" for name, value in PLATFORM.items())]

    def close(self) -> None:
        """Removes the writable layer."""
        buildah("umount", self.id)
        buildah("rm", self.id)

    def airbyte(self, command: str, files: dict[str, object], authorities: str = "", stop_after: int = 0) -> Result:
        """Runs spec, check, discover or read; `stop_after` so many records, the platform ends it."""
        if command == "read":
            state = " --state /source/inputState.json" if "inputState.json" in files else ""
            line = f"read --config /source/connectorConfig.json --catalog /source/catalog.json{state}"
            script = WRAPPER.format(command=f'eval "$AIRBYTE_ENTRYPOINT {line}" 2> stderr > stdout')
            return self._run("/source", ["sh", "-c", script], files, ("stdout", "stderr"), authorities, stop_after)
        line = command if command == "spec" else f"{command} --config connectorConfig.json"
        script = WRAPPER.format(command=f'eval "$AIRBYTE_ENTRYPOINT {line}" > jobOutput.json')
        return self._run("/config", ["sh", "-c", script], files, ("jobOutput.json",), authorities)

    def plain(self, *command: str) -> tuple[int, str]:
        """Runs a command by itself; its exit code and what it prints."""
        result = self._run("/source", list(command), {}, ())
        return result.code, result.stderr.strip()

    def _run(self, inside, command, files, outputs, authorities="", stop_after=0) -> Result:
        with tempfile.TemporaryDirectory(dir=cache_directory()) as directory:
            outside, job = Path(directory), Path(directory) / "job"
            self._lay_out(outside, files, authorities)
            pipes = [job / name for name in outputs if name != "jobOutput.json"]
            for pipe in pipes:
                os.mkfifo(pipe)
                shutil.chown(pipe, 1000, 1000)
            lines: dict[str, list[str]] = {pipe.name: [] for pipe in pipes}
            readers = [threading.Thread(target=_drain, args=(pipe, lines, stop_after)) for pipe in pipes]
            for reader in readers:
                reader.start()
            enter = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "enter"]
            whole = [*enter, str(self.root), str(outside), inside, *self.environment, *command]
            started = time.monotonic()
            done = subprocess.run(whole, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
            seconds = time.monotonic() - started
            for pipe in pipes:  # A reader whose pipe was never opened still waits for its other end.
                os.close(os.open(pipe, os.O_RDWR | os.O_NONBLOCK))
            for reader in readers:
                reader.join()
            if outputs and (job / "exitCode.txt").read_text() != f"{done.returncode}\n":
                raise ImageError("the exit code in the file is not that of the command")
            if "jobOutput.json" in outputs:
                lines["stdout"] = (job / "jobOutput.json").read_text().splitlines()
            stderr = "".join(lines.get("stderr", [])) + done.stdout + done.stderr
            return Result(done.returncode, [json.loads(line) for line in lines.get("stdout", [])], stderr, seconds)

    def _lay_out(self, outside: Path, files: dict[str, object], authorities: str) -> None:
        outside.chmod(0o755)
        for name in ("job", "etc"):
            (outside / name).mkdir()
        for name, content in files.items():
            (outside / "job" / name).write_text(json.dumps(content))
        shutil.chown(outside / "job", 1000, 1000)
        hosts = "".join(f"{address} {name}\n" for name, address in self.names.items())
        (outside / "etc/hosts").write_text(f"127.0.0.1 localhost\n{hosts}")
        (outside / "etc/resolv.conf").write_text(f"nameserver {NameServer.ADDRESS}\n")
        if authorities:
            system = (self.root / "etc/ssl/certs/ca-certificates.crt").read_text()
            (outside / "etc/ca-certificates.crt").write_text(system + authorities)


def _drain(pipe: Path, lines: dict[str, list[str]], stop_after: int) -> None:
    """Reads a pipe to its end. After so many lines it marks the job as ended, and keeps no more of them."""
    with pipe.open() as stream:
        for number, line in enumerate(stream, 1):
            if not stop_after or number <= stop_after:
                lines[pipe.name].append(line)
            if number == stop_after:
                (pipe.parent / "TERMINATED").touch()


class NameServer:
    """A DNS server on a loopback address that knows one name, as a cluster's would."""

    ADDRESS = "127.0.5.3"

    def __init__(self, name: str) -> None:
        self.name = name.encode()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((self.ADDRESS, 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                query, client = self.socket.recvfrom(512)
                self.socket.sendto(self._answer(query), client)

    def _answer(self, query: bytes) -> bytes:
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]])
            at += 1 + query[at]
        question, kind = query[12 : at + 5], query[at + 1 : at + 3]
        known = b".".join(labels) == self.name
        address = struct.pack("!HHHIH4s", 0xC00C, 1, 1, 60, 4, socket.inet_aton("127.0.0.1"))
        answer = address if known and kind == b"\0\1" else b""
        flags = 0x8180 if known else 0x8183
        return query[:2] + struct.pack("!HHHHH", flags, 1, len(answer) and 1, 0, 0) + question + answer

    def close(self) -> None:
        """Frees the address."""
        self.socket.close()
