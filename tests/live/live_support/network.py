"""What stands between the connector and Trino: nginx, a forward proxy, an SSH server. Each runs as long as its block."""

from __future__ import annotations

import getpass
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    command: list[str], port: int, directory: Path, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a server in the foreground until it listens, and for the block; a failure has its log."""
    log = directory / "log.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | (environment or {}),
        )
    try:
        deadline = time.monotonic() + 20
        while True:
            with socket.socket() as probe:
                if probe.connect_ex((HOST, port)) == 0:
                    break
            ended = process.poll() is not None
            assert not ended and time.monotonic() < deadline, f"{command[0]} does not listen:\n{log.read_text()}"
            time.sleep(0.05)
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)


@contextmanager
def nginx(program: str, directory: Path, location: str, *, tls: tuple[Path, Path] | None = None) -> Iterator[int]:
    """An nginx whose only server has these directives; yields its port."""
    port = free_port()
    secure = "" if tls is None else f"ssl_certificate {tls[0]};\nssl_certificate_key {tls[1]};"
    (directory / "nginx.conf").write_text(
        f"""
daemon off;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{}}
http {{
  access_log {directory}/access.log;
  client_body_temp_path {directory}; proxy_temp_path {directory}; fastcgi_temp_path {directory};
  uwsgi_temp_path {directory}; scgi_temp_path {directory};
  server {{
    listen {HOST}:{port}{" ssl" if tls else ""};
    {secure}
    {location}
  }}
}}
"""
    )
    command = [program, "-p", str(directory), "-e", str(directory / "error.log"), "-c", str(directory / "nginx.conf")]
    with running(command, port, directory):
        yield port


@contextmanager
def tinyproxy(program: str, directory: Path, *lines: str) -> Iterator[int]:
    """A forward proxy with these settings; yields its port. Its log is `tinyproxy.log`."""
    port = free_port()
    settings = [f"Port {port}", f"Listen {HOST}", "Timeout 60", "MaxClients 50", "LogLevel Connect", *lines]
    settings.append(f'LogFile "{directory}/tinyproxy.log"')
    (directory / "tinyproxy.conf").write_text("\n".join(settings) + "\n")
    with running([program, "-d", "-c", str(directory / "tinyproxy.conf")], port, directory):
        yield port


class Bastion:
    """An SSH server for one user, who is the one that runs the tests."""

    #: The user's password where there are passwords, and the code that may be wanted beside it.
    PASSWORD = "tunnel-secret-1"
    CODE = "314159"

    def __init__(self, programs: dict[str, str], directory: Path) -> None:
        self.program, self.directory, self.port = programs["sshd"], directory, free_port()
        self._pam_wrapper = Path(programs["pam_wrapper"])
        self._factors = 0
        #: Needed by sshd when it runs as root.
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        self.host_key = self.key("host")
        self.user_key = self.key("user")

    def key(self, name: str, *options: str, passphrase: str = "") -> Path:
        """Makes a key; the public one is beside it."""
        path = self.directory / name
        kind = options or ("-t", "ed25519")
        command = ["ssh-keygen", "-q", "-N", passphrase, "-f", str(path), *kind]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)
        with (self.directory / "authorized").open("a") as authorized:
            authorized.write(path.with_suffix(".pub").read_text())
        return path

    @contextmanager
    def up(self, *lines: str) -> Iterator[subprocess.Popen[bytes]]:
        """Runs it, with more settings, if there are any: the first that names a thing counts."""
        settings = [
            *lines,
            f"Port {self.port}",
            f"ListenAddress {HOST}",
            f"HostKey {self.host_key}",
            f"AuthorizedKeysFile {self.directory}/authorized",
            f"PidFile {self.directory}/sshd.pid",
            "StrictModes no",
            "UsePAM no",
            "PermitRootLogin yes",
            "PasswordAuthentication yes",
            "MaxStartups 100",
            "LogLevel VERBOSE",
        ]
        (self.directory / "sshd_config").write_text("\n".join(settings) + "\n")
        command = [self.program, "-D", "-e", "-f", str(self.directory / "sshd_config")]
        with running(command, self.port, self.directory, self._pam()) as process:
            yield process

    @contextmanager
    def with_passwords(self, *lines: str, second_factor: bool = False) -> Iterator[subprocess.Popen[bytes]]:
        """Runs it with `UsePAM yes`, for a user with a password, or with a code as well."""
        self._factors = 2 if second_factor else 1
        try:
            with self.up(*lines, "UsePAM yes") as process:
                yield process
        finally:
            self._factors = 0

    def _pam(self) -> dict[str, str]:
        """The environment in which sshd finds a PAM service of its own, whose accounts are in our files."""
        if not self._factors:
            return {}
        services, module = self.directory / "pam", self._pam_wrapper.with_name("pam_wrapper") / "pam_matrix.so"
        services.mkdir(exist_ok=True)
        service = []
        for number, secret in enumerate((self.PASSWORD, self.CODE)[: self._factors]):
            accounts = self.directory / f"accounts{number}"
            accounts.write_text(f"{getpass.getuser()}:{secret}:sshd\n")
            # The code may be seen while it is typed.
            rule = f"{module} passdb={accounts}" + (" echo" if number else "")
            service += [f"{kind} required {rule}" for kind in ("auth", "account", "session")]
        (services / "sshd").write_text("\n".join(service) + "\n")
        wrapper = {"PAM_WRAPPER": "1", "PAM_WRAPPER_SERVICE_DIR": str(services)}
        return wrapper | {"LD_PRELOAD": str(self._pam_wrapper)}

    def tunnel(self, **changes: Any) -> dict[str, Any]:
        """`tunnel_method` with the user's key."""
        return {
            "tunnel_method": "SSH_KEY_AUTH",
            "tunnel_host": HOST,
            "tunnel_port": self.port,
            "tunnel_user": getpass.getuser(),
            "ssh_key": self.user_key.read_text(),
        } | changes

    def password_tunnel(self, password: str = PASSWORD) -> dict[str, Any]:
        """`tunnel_method` with a password."""
        made = self.tunnel(tunnel_method="SSH_PASSWORD_AUTH", tunnel_user_password=password)
        return {name: value for name, value in made.items() if name != "ssh_key"}

    def sessions(self) -> list[int]:
        """Processes that serve a login now."""
        listing = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
        rows = [line.split(None, 2) for line in listing.splitlines()]
        main = int((self.directory / "sshd.pid").read_text())
        children = {main}
        for _ in range(3):
            children |= {int(pid) for pid, parent, _ in rows if int(parent) in children}
        return sorted(children - {main})

    def cut(self) -> int:
        """Kills the sessions, but not the server; returns how many processes there were."""
        sessions = self.sessions()
        for pid in sessions:
            os.kill(pid, signal.SIGKILL)
        return len(sessions)
