"""Gets what the servers are made of, once: Trino and other jars through Maven, Python packages through pip.

Both tools are asked by their ordinary names and follow their own configuration, so mirrors and proxies
work as for any other project. Everything is made in a temporary directory and renamed at the end: an
interrupted run leaves nothing that looks finished.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import settings
from report import ServerError, step


@contextmanager
def _made_whole(target: Path) -> Iterator[Path]:
    """A directory to work in that becomes `target` when all went well, and nothing otherwise."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for left_by_a_killed_run in target.parent.glob(f".{target.name}-*"):
        shutil.rmtree(left_by_a_killed_run, ignore_errors=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield draft
        draft.chmod(0o755)
        draft.replace(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _run(purpose: str, command: list[str], **variables: str) -> str:
    """Runs a tool, with some variables, and returns its output; a failure becomes a sentence with the end of that output."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **variables},
        )
    except FileNotFoundError:
        raise ServerError(f"{purpose} needs the program {command[0]}, which is not installed") from None
    if done.returncode != 0:
        end = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise ServerError(f"{purpose} failed ({' '.join(command)}):\n{end}")
    return done.stdout


# --- Trino ---------------------------------------------------------------------------------------------


def trino_home(kind: settings.Kind) -> Path:
    """The unpacked server of this kind, fetched and unpacked if it is not there yet."""
    home = settings.cache_directory() / "trino" / f"{kind.version}-{kind.home or kind.name}"
    if not home.exists():
        archive = _artifact(kind, kind.server_artifact, "tar.gz")
        plugins = [_artifact(kind, name, "zip") for name in kind.plugin_artifacts]
        with step(f"unpacking {archive.name}"), _made_whole(home) as draft:
            # The whole tarball, because plugins share jars by hard links.
            _run("unpacking Trino", ["tar", "-xzf", str(archive), "-C", str(draft), "--strip-components=1"])
            for plugin in plugins:
                _unpack_plugin(plugin, draft / "plugin")
    _arrange_plugins(home, kind)
    return home


def newest_home(java: Path) -> Path:
    """The compiled project of the newest Trino; its file `classpath` names the libraries that it needs."""
    project = Path(__file__).with_name("newest")
    content = hashlib.sha256()
    for file in sorted(path for path in project.rglob("*") if path.is_file()):
        content.update(file.read_bytes())
    home = settings.cache_directory() / "trino" / f"{settings.NEWEST_VERSION}-{content.hexdigest()[:12]}"
    if not home.exists():
        with step(f"fetching and compiling Trino {settings.NEWEST_VERSION} with Maven"), _made_whole(home) as draft:
            shutil.copytree(project, draft, dirs_exist_ok=True)
            compile_ = ["mvn", "-q", "-B", "-f", str(draft / "pom.xml"), "compile", "dependency:build-classpath"]
            classpath = f"-Dmdep.outputFile={draft / 'classpath'}"
            _run("compiling the newest Trino", [*compile_, classpath], JAVA_HOME=str(java.parents[1]))
    return home


def _unpack_plugin(archive: Path, plugins: Path) -> None:
    """Unpacks a plugin's zip, whose root folder is `trino-<name>-<version>`, to `plugin/<name>`."""
    root = archive.name.removesuffix(".zip")
    with zipfile.ZipFile(archive) as content:
        content.extractall(plugins)
    name = root.removeprefix("trino-").removesuffix(f"-{settings.TRINO_VERSION}")
    (plugins / root).rename(plugins / name)


def _arrange_plugins(home: Path, kind: settings.Kind) -> None:
    """Moves plugins between `plugin` and `plugin-unused` so that the first holds what is wanted."""
    if kind.kept_plugins is None:
        return
    used, unused = home / "plugin", home / "plugin-unused"
    unused.mkdir(exist_ok=True)
    for plugin in list(used.iterdir()):
        if plugin.name not in kind.kept_plugins:
            plugin.rename(unused / plugin.name)
    for plugin in list(unused.iterdir()):
        if plugin.name in kind.kept_plugins:
            plugin.rename(used / plugin.name)


def _artifact(kind: settings.Kind, name: str, packaging: str) -> Path:
    """The file of an artifact of the kind's group in the local Maven repository, fetched if it is not there."""
    version = kind.version
    place = Path(*kind.group.split("."), name, version, f"{name}-{version}.{packaging}")
    usual = Path.home() / ".m2" / "repository" / place
    if usual.exists():
        return usual
    file = _maven_repository() / place
    if not file.exists():
        with step(f"fetching {file.name} with Maven"):
            # Maven remembers for a day that something was not to be had; it may be by now.
            for remembered in file.parent.glob(f"{file.name}*.lastUpdated"):
                remembered.unlink()
            artifact = f"{kind.group}:{name}:{version}:{packaging}"
            fetch = ["mvn", "-q", "-B", "dependency:get", f"-Dartifact={artifact}", "-Dtransitive=false"]
            _run(f"fetching {artifact}", fetch)
    if not file.exists():
        raise ServerError(f"Maven has fetched {name}, but {file} is not there")
    return file


def _maven_repository() -> Path:
    """Settings, options and environment can all move the local repository; Maven itself knows best."""
    with tempfile.TemporaryDirectory() as directory:
        # Through a file, because on stdout Maven wraps the answer in colour codes, even in a pipe.
        answer = Path(directory) / "answer"
        question = ["help:evaluate", "-Dexpression=settings.localRepository", f"-Doutput={answer}"]
        _run("asking Maven for its repository", ["mvn", "-q", "-B", *question])
        return Path(answer.read_text().strip())


# --- other programs of jars ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Jars:
    """A program made of jars, and of sources that are compiled against them."""

    name: str
    #: `group:artifact:version` each; with `:-` behind it, without the Hadoop that it asks for.
    artifacts: tuple[str, ...]
    #: Where the sources are; all files of the directory that end in `.java`.
    sources: Path | None = None


def jars(program: Jars, java: Path) -> str:
    """The class path of a program, whose jars and compiled sources are fetched and made if they are not there yet."""
    sources = sorted(program.sources.glob("*.java")) if program.sources else []
    content = hashlib.sha256("\n".join(program.artifacts).encode())
    for source in sources:
        content.update(source.read_bytes())
    parent = settings.cache_directory() / "jars"
    home = parent / f"{program.name}-{content.hexdigest()[:12]}"
    if not home.exists():
        with step(f"fetching {program.name} with Maven"), _made_whole(home) as draft:
            pom = draft / "pom.xml"
            pom.write_text(_project(program.artifacts))
            copy = ["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", "-DincludeScope=runtime"]
            _run(f"fetching {program.name}", [*copy, f"-DoutputDirectory={draft / 'lib'}"])
            if sources:
                compile_ = [str(java.with_name("javac")), "-nowarn", "-cp", f"{draft / 'lib'}/*"]
                _run(f"compiling {program.name}", [*compile_, "-d", str(draft / "classes"), *map(str, sources)])
        for older in parent.glob(f"{program.name}-*"):
            if older != home and len(older.name) == len(home.name):
                shutil.rmtree(older, ignore_errors=True)
    return f"{home / 'classes'}:{home / 'lib'}/*"


def _project(artifacts: tuple[str, ...]) -> str:
    """A Maven project that does nothing but need these artifacts."""
    needed = []
    for group, artifact, version, *rest in (each.split(":") for each in artifacts):
        text = f"<groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version>"
        if rest:
            unwanted = ("org.apache.hadoop", "jdk.tools")
            each = (f"<exclusion><groupId>{name}</groupId><artifactId>*</artifactId></exclusion>" for name in unwanted)
            text += f"<exclusions>{''.join(each)}</exclusions>"
        needed.append(f"<dependency>{text}</dependency>")
    about = "<modelVersion>4.0.0</modelVersion><groupId>local</groupId><artifactId>jars</artifactId>"
    rest = f"<version>1</version><packaging>pom</packaging><dependencies>{''.join(needed)}</dependencies>"
    return f"<project>{about}{rest}</project>\n"


# --- Python packages -----------------------------------------------------------------------------------


def python_environment(name: str, requirements: Path) -> Path:
    """The Python of a virtual environment that holds these requirements, made if it is not there yet.

    Its directory is named by a hash of the requirements, so a changed file gets a new environment; older
    ones of the same name are removed.
    """
    environments = settings.cache_directory() / "venv"
    key = f"{sys.version_info.major}.{sys.version_info.minor}\n".encode() + requirements.read_bytes()
    target = environments / f"{name}-{hashlib.sha256(key).hexdigest()[:12]}"
    python = target / "bin" / "python"
    complete = target / "complete"
    if complete.exists():
        return python
    with step(f"installing the Python packages of {requirements.name} for {name}"):
        # A virtual environment holds its own path and cannot be renamed: a last file marks it as whole.
        shutil.rmtree(target, ignore_errors=True)
        for older in environments.glob(f"{name}-*"):
            if len(older.name) == len(target.name):
                shutil.rmtree(older, ignore_errors=True)
        venv.create(target, with_pip=True)
        _run(
            f"installing {requirements}",
            [str(python), "-m", "pip", "install", "--quiet", "--requirement", str(requirements)],
        )
        complete.touch()
    return python
