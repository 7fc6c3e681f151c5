"""Finds a Java that is new enough for Trino."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import debian
import settings
from report import ServerError


def find_java(kind: settings.Kind) -> Path:
    """The first `java` of JAVA_HOME, /usr/lib/jvm and PATH that is new enough."""
    seen: list[str] = []
    for candidate in _candidates():
        version = _major_version(candidate)
        if version is not None and kind.minimum_java <= version <= (kind.maximum_java or version):
            return candidate
        seen.append(f"{candidate} ({'does not run' if version is None else f'version {version}'})")
    if kind.maximum_java:
        package = f"openjdk-{kind.maximum_java}-jre-headless"
        return debian.install(package, lambda: _debians(kind.maximum_java))
    found = ", ".join(seen) if seen else "none"
    raise ServerError(
        f"Trino {kind.version} needs Java {kind.minimum_java} or newer; found: {found}. "
        "Install a JDK of that age, for instance Temurin's package temurin-25-jdk, or point JAVA_HOME at one."
    )


def find_compiler(version: int) -> Path:
    """The `java` of a development kit of just this version: what does not run on a newer one, or has to be compiled."""
    for candidate in _candidates():
        if candidate.with_name("javac").exists() and _major_version(candidate) == version:
            return candidate
    package = f"openjdk-{version}-jdk-headless"
    debian.install(package, lambda: next(Path("/usr/lib/jvm").glob(f"java-{version}-*/bin/javac"), None))
    return next(Path("/usr/lib/jvm").glob(f"java-{version}-*/bin/javac")).with_name("java")


def _candidates() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    homes = [path for path in Path("/usr/lib/jvm").glob("*") if (path / "bin" / "java").exists()]
    # The highest number first, so that the usual case needs one look.
    yield from (home / "bin" / "java" for home in sorted(homes, key=_number_in_name, reverse=True))
    if on_path := shutil.which("java"):
        yield Path(on_path)


def _debians(version: int | None) -> Path | None:
    return next(Path("/usr/lib/jvm").glob(f"java-{version}-*/bin/java"), None)


def _number_in_name(home: Path) -> int:
    number = re.search(r"\d+", home.name)
    return int(number.group()) if number else 0


def _major_version(java: Path) -> int | None:
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.search(r'version "(\d+)', answer.stderr + answer.stdout)
    return int(version.group(1)) if version else None
