"""Makes the image from the project's own Dockerfile, where no registry of images can be reached.

Its two base images are replaced by stand-ins that debootstrap makes of Debian's packages. Packages come from
where this machine's apt takes them, crates from where its cargo does. Everything is kept in one directory.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "localhost/airbyte/source-trino:latest"
BUILD_STAGE = "localhost/airbyte/source-trino:build-stage"
BASE_STAND_IN = "localhost/stand-in/debian:bookworm-slim"
RUST_STAND_IN = "localhost/stand-in/rust:slim-bookworm"
#: What Debian's slim images leave out, too.
DOCUMENTATION = ("doc", "info", "locale", "man")


class ImageError(Exception):
    """What went wrong, as a sentence."""


def cache_directory() -> Path:
    """Where the stand-ins, the layers and the exported source are kept."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "source-trino"
    return Path(os.environ.get("SOURCE_TRINO_CACHE") or base).absolute() / "image"


def run(*command: str | Path, **options) -> str:
    """Runs a program and returns what it prints; with `show=True` it prints to stderr as it goes."""
    output = 2 if options.pop("show", False) else subprocess.PIPE
    done = subprocess.run(
        [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output, text=True, **options
    )
    if done.returncode != 0:
        raise ImageError(f"exit code {done.returncode}: {' '.join(str(part) for part in command)}")
    return (done.stdout or "").strip()


def buildah(*arguments: str | Path, **options) -> str:
    """Runs buildah on a storage of its own, with the driver that works anywhere."""
    storage = cache_directory() / "storage"
    places = ("--root", storage / "root", "--runroot", storage / "run")
    return run("nice", "buildah", "--storage-driver", "vfs", *places, *arguments, **options)


def install_tools(**others: str) -> None:
    """Installs what is missing of Debian's packages; `others` are programs and the packages that they are in."""
    wanted = {"buildah": "buildah", "debootstrap": "debootstrap", **others}
    missing = [package for tool, package in wanted.items() if shutil.which(tool) is None]
    if os.geteuid() != 0:
        raise ImageError("this test builds and enters root file systems: it has to run as root")
    if missing:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        run("apt-get", "update", "--quiet", show=True)
        command = ("apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *missing)
        run(*command, env=environment, show=True)


# --- Stand-ins -------------------------------------------------------------------------------------------


def have(image: str) -> bool:
    """Whether the storage has an image of this name."""
    return any(image in (each.get("names") or []) for each in json.loads(buildah("images", "--json") or "[]"))


def bootstrap(system: Path, suite: str, *options: str) -> None:
    """Debian's smallest system, with the sources and settings of this machine's apt."""
    sources = apt_sources(suite)
    run("nice", "debootstrap", "--variant=minbase", *options, suite, system, sources[0].split()[1], show=True)
    (system / "etc/apt/sources.list").write_text("".join(f"{line}\n" for line in sources))
    settings = run("apt-config", "dump").splitlines()
    kept = [line for line in settings if re.match(r"Acquire::(Check|http|https|Retries)\b.* \S", line)]
    (system / "etc/apt/apt.conf.d/90machine").write_text("".join(f"{line}\n" for line in kept))


def make_base(image: str = BASE_STAND_IN, suite: str = "bookworm", processor: str = "") -> None:
    """An image of Debian's smallest system."""
    with tempfile.TemporaryDirectory(dir=cache_directory()) as directory:
        system, archive = Path(directory) / "system", Path(directory) / "system.tar"
        bootstrap(system, suite, *([f"--arch={processor}"] if processor else []))
        for name in ("etc/hostname", "etc/resolv.conf"):
            (system / name).write_text("")
        emptied = ["var/cache/apt/archives", "var/lib/apt/lists", *(f"usr/share/{it}" for it in DOCUMENTATION)]
        left_out = [f"--exclude=./{each}/*" for each in ("dev", "proc", "sys", *emptied)]
        run("tar", "--create", "--numeric-owner", "--file", archive, *left_out, "-C", system, ".")
        container = buildah("from", "scratch")
        buildah("add", "--quiet", container, archive, "/")
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        buildah("config", "--env", path, "--cmd", "bash", *([f"--arch={processor}"] if processor else []), container)
        buildah("commit", "--quiet", "--rm", container, image)


def apt_sources(suite: str) -> list[str]:
    """One-line sources of a release of Debian, from where this machine's apt takes Debian's packages."""
    wanted = ("indextargets", "--format", "$(LABEL)|$(COMPONENT)|$(REPO_URI)", "Created-By: Packages")
    known = dict.fromkeys(run("apt-get", *wanted).splitlines())
    places = {label: uri for label, part, uri in (line.split("|") for line in known) if part == "main"}
    if "Debian" not in places:
        raise ImageError("apt knows no source of Debian's packages; run apt-get update")
    suites = [("Debian", suite)]
    if suite != "sid":
        suites += [("Debian", f"{suite}-updates"), ("Debian-Security", f"{suite}-security")]
    return [f"deb {places[label]} {name} main" for label, name in suites if label in places]


def make_rust() -> None:
    """The base with a C compiler, and with cargo and rustc of this machine."""
    sysroot = Path(run("rustc", "--print", "sysroot", cwd=ROOT))
    container = buildah("from", BASE_STAND_IN)
    packages = "apt-get install --yes --quiet --no-install-recommends ca-certificates gcc libc6-dev"
    script = f"apt-get update --quiet && DEBIAN_FRONTEND=noninteractive {packages} && rm -rf /var/lib/apt/lists/*"
    inside = ("--isolation", "chroot", "--network", "host")
    buildah("run", *inside, container, "--", "sh", "-c", script, show=True)
    for tool in ("cargo", "rustc"):
        buildah("copy", "--quiet", container, sysroot / "bin" / tool, f"/usr/local/bin/{tool}")
    buildah("copy", "--quiet", container, sysroot / "lib", "/usr/local/lib")
    authorities = Path("/etc/ssl/certs/ca-certificates.crt")
    buildah("copy", "--quiet", container, authorities, authorities)
    buildah("config", "--env", "CARGO_HOME=/usr/local/cargo", container)
    buildah("commit", "--quiet", "--rm", container, RUST_STAND_IN)


# --- The image -------------------------------------------------------------------------------------------


def export_source(wanted: str) -> str:
    """Puts a commit's files into the cache directory, so that what is being edited is left out."""
    source = cache_directory() / "source"
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    archive = cache_directory() / "source.tar"
    revision = run("git", "rev-parse", f"{wanted}^{{commit}}", cwd=ROOT)
    run("git", "archive", "--output", archive, revision, cwd=ROOT)
    run("tar", "--extract", "--file", archive, "-C", source)
    return revision


def build_image(
    revision: str, image: str = IMAGE, rust: str = RUST_STAND_IN, base: str = BASE_STAND_IN, *options: str
) -> None:
    """Builds the project's Dockerfile on the stand-ins."""
    cargo_home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    configuration = [path for path in (cargo_home / "config.toml", cargo_home / "config") if path.exists()]
    volumes = [f"--volume={path}:/usr/local/cargo/{path.name}:ro" for path in configuration]
    bases = (f"--build-arg=RUST_IMAGE={rust}", f"--build-arg=BASE_IMAGE={base}")
    how = ("--layers", "--force-rm", "--isolation=chroot", "--network=host", "--pull-never", "--format=docker")
    arguments = (*how, *options, *volumes, *bases, f"--build-arg=REVISION={revision}", cache_directory() / "source")
    buildah("bud", f"--tag={image}", *arguments, show=True)
    if image == IMAGE:
        # The build stage gets a name, so that its layers stay for the next build; those of older builds go.
        buildah("bud", "--quiet", f"--tag={BUILD_STAGE}", "--target=build", *arguments)
    # Containers of a build that was killed hold images, and the lock says that no other build runs.
    buildah("rm", "--all")
    buildah("rmi", "--prune")


def built_revision() -> str:
    """The commit that the image was built from."""
    inspected = json.loads(buildah("inspect", "--type", "image", IMAGE))
    return inspected["Docker"]["config"]["Labels"]["org.opencontainers.image.revision"]


def compressed_layers(image: str = IMAGE) -> list[int]:
    """Bytes of every layer as a registry would keep it, the base's first."""
    with tempfile.TemporaryDirectory(dir=cache_directory()) as directory:
        buildah("push", "--quiet", image, f"dir:{directory}")
        manifest = json.loads((Path(directory) / "manifest.json").read_text())
        return [(Path(directory) / layer["digest"].split(":")[1]).stat().st_size for layer in manifest["layers"]]
