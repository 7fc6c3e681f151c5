"""Programs of Debian's packages, installed where that is possible and said plainly where it is not."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from report import ServerError, step

#: What stands between the connector and Trino in the tests: program and package.
NETWORK = {"sshd": "openssh-server", "nginx": "nginx-light", "tinyproxy": "tinyproxy"}

#: Gives sshd accounts of the tests' own, without any change to the system's: name, package, and where its library is.
PAM_WRAPPER = ("pam_wrapper", "libpam-wrapper", "/usr/lib/*/libpam_wrapper.so")


def install(package: str, found: Callable[[], Path | None]) -> Path:
    """What `found` looks for, after installing the package if it is not there yet."""
    if place := found():
        return place
    hint = f"{package} is not installed; install it (on Debian: apt-get install {package})"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise ServerError(hint)
    said = ""
    with step(f"installing the package {package}"):
        # Packages of servers would start them; this one says that nothing may be started.
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
        for each in (command, ["apt-get", "update", "-qq"], command):
            done = subprocess.run(each, env=quiet, capture_output=True, text=True, check=False)
            said = done.stdout + done.stderr
            if place := found():
                return place
    raise ServerError(f"{hint}. apt-get said:\n{said.strip()[-1000:]}")


def network_programs() -> dict[str, str]:
    """The paths of the programs of `NETWORK`, and of the library of `PAM_WRAPPER`, by name."""
    programs = {name: install(package, lambda name=name: program(name)) for name, package in NETWORK.items()}
    name, package, library = PAM_WRAPPER
    programs[name] = install(package, lambda: next(iter(Path("/").glob(library.lstrip("/"))), None))
    return {name: str(path) for name, path in programs.items()}


def program(name: str) -> Path | None:
    """Servers are often in a directory that is not on the PATH of everybody."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    place = shutil.which(name, path=path)
    return Path(place) if place else None
