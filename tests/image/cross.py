"""The program for another processor, and without glibc: built in a root file system of Debian sid, run here.

    python3 tests/image --arm64    cross-built; its unit tests and its image run under qemu
    python3 tests/image --musl     linked statically with musl; an image of it with busybox

Rust's own libraries come from Debian: built for arm64, as source for musl. So no toolchain is fetched from elsewhere.
What was compiled stays in the root file system, for the next time.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import build
import names
from build import buildah, run
from container import Container
from steps import expect, step

ARM64, MUSL, GLIBC = "aarch64-unknown-linux-gnu", "x86_64-unknown-linux-musl", "x86_64-unknown-linux-gnu"
ARM64_IMAGE = "localhost/airbyte/source-trino:arm64"
ARM64_BASE, ARM64_RUST = "localhost/stand-in/debian:trixie-arm64", "localhost/stand-in/rust:arm64"
MUSL_IMAGE = "localhost/airbyte/source-trino:musl"
PACKAGES = (
    "ca-certificates cargo rustc gcc libc6-dev",
    "gcc-aarch64-linux-gnu libc6-dev-arm64-cross libstd-rust-dev:arm64",
    "busybox-static musl-tools rust-src",
)

#: Run as root in namespaces of its own: a command in the root file system.
ENTER = 'mount -t proc proc "$1/proc"; mount --rbind /dev "$1/dev"; exec chroot "$@"'

#: In place of the compiler: hands over the program that was cross-built.
CARGO = "#!/bin/sh\nmkdir -p target/release && cp /usr/local/lib/source-trino target/release/\n"

#: What LLVM's library for panics takes from glibc, for musl.
CHECKED = """#include <stdarg.h>
#include <stdio.h>
int __vfprintf_chk(FILE *to, int flag, const char *format, va_list list) { return vfprintf(to, format, list); }
int __vsnprintf_chk(char *to, size_t most, int flag, size_t size, const char *format, va_list list) {
    return vsnprintf(to, most, format, list);
}
"""


def whole_test(trino: dict, wanted: list[str]) -> None:
    """What is wanted, from the last commit."""
    build.install_tools(**{"qemu-aarch64-static": "qemu-user-static"})
    if not (system() / "etc/made").exists():
        with step("a root file system of Debian sid with rustc"):
            make_system()
    revision = build.export_source("HEAD")
    lay_out_source()
    if "--arm64" in wanted:
        test_arm64(revision, trino)
    if "--musl" in wanted:
        test_musl(trino)


# --- The root file system --------------------------------------------------------------------------------


def system() -> Path:
    """The root file system's place."""
    return build.cache_directory() / "sid"


def make_system() -> None:
    """Debian sid with compilers for x86-64, arm64 and musl, and with this machine's settings of cargo."""
    shutil.rmtree(system(), ignore_errors=True)
    build.bootstrap(system(), "sid")
    enter(
        "dpkg --add-architecture arm64 && apt-get update --quiet",
        f"apt-get install --yes --quiet --no-install-recommends {' '.join(PACKAGES)}",
        # LLVM's library for panics, as Rust's own builds for musl have it, of the LLVM that rustc has.
        "llvm=$(rustc -vV | sed -n 's/LLVM version: \\([0-9]*\\).*/\\1/p')",
        'apt-get install --yes --quiet --no-install-recommends "libunwind-$llvm-dev" && apt-get clean',
    )
    authorities = Path("/etc/ssl/certs/ca-certificates.crt")
    shutil.copyfile(authorities, system() / authorities.relative_to("/"))
    shutil.copy(run("sh", "-c", "command -v qemu-aarch64-static"), system() / "usr/local/bin/qemu-aarch64-static")
    cargo_home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    (system() / "cargo").mkdir()
    for name in ("config.toml", "config"):
        if (cargo_home / name).exists():
            shutil.copy(cargo_home / name, system() / "cargo")
    libraries = system() / "musl-lib"
    libraries.mkdir()
    (libraries / "checked.c").write_text(CHECKED)
    enter(
        "cd /musl-lib && cp /usr/lib/x86_64-linux-gnu/libunwind.a .",
        "musl-gcc -O2 -c checked.c && ar r libunwind.a checked.o",
    )
    (system() / "etc/made").touch()


def lay_out_source() -> None:
    """The exported files, with their times, so that cargo compiles only what has changed."""
    place = system() / "build"
    place.mkdir(exist_ok=True)
    # Debian has one rustc, whichever version the file asks for.
    command = "tar --create --exclude=./rust-toolchain.toml -C $1 . | tar --extract -C $2"
    run("sh", "-ec", command, "copy", build.cache_directory() / "source", place)


def enter(*script: str, **variables: str) -> None:
    """Runs a script in the root file system, in the host's network."""
    shutil.copyfile("/etc/resolv.conf", system() / "etc/resolv.conf")
    variables |= {"CARGO_HOME": "/cargo", "CARGO_TARGET_DIR": "/target", "DEBIAN_FRONTEND": "noninteractive"}
    settings = [f"{name}={value}" for name, value in variables.items()]
    inside = ("nice", "unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", ENTER, "enter", system())
    run(*inside, "/usr/bin/env", *settings, "/bin/sh", "-ec", "\n".join(script), show=True)


def program(target: str) -> Path:
    """The program that was built for a target."""
    return system() / f"target/{target}/release/source-trino"


# --- arm64 -----------------------------------------------------------------------------------------------


def test_arm64(revision: str, trino: dict) -> None:
    """Builds and tests the program, then the image with it."""
    upper = ARM64.upper().replace("-", "_")
    tools = {
        f"CARGO_TARGET_{upper}_LINKER": "aarch64-linux-gnu-gcc",
        f"CARGO_TARGET_{upper}_RUNNER": "qemu-aarch64-static -L /usr/aarch64-linux-gnu",
        f"CC_{ARM64.replace('-', '_')}": "aarch64-linux-gnu-gcc",
    }
    with step("the program builds for arm64"):
        enter("cd /build", f"cargo build --release --locked --target {ARM64}", **tools)
    print(f"       binary: {program(ARM64).stat().st_size} bytes")
    with step("its unit tests pass under qemu"):
        enter("cd /build", f"cargo test --release --locked --lib --target {ARM64}", **tools)
    with foreign_programs():
        if not build.have(ARM64_BASE):
            with step(f"{ARM64_BASE} made of Debian's packages"):
                build.make_base(ARM64_BASE, "trixie", "arm64")
        with step("the image builds for linux/arm64"):
            make_stand_in()
            build.build_image(revision, ARM64_IMAGE, ARM64_RUST, ARM64_BASE, "--platform=linux/arm64")
        print(f"       image: compressed {sum(build.compressed_layers(ARM64_IMAGE))} bytes")
        container = Container({}, ARM64_IMAGE)
        try:
            with step("in the image: aarch64, user 1000, spec, and check of a Trino"):
                expect(container.plain("uname", "-m") == (0, "aarch64"), "the image is for another processor")
                expect(container.plain("id", "-u") == (0, "1000"), "not user 1000")
                try_commands(container, trino)
        finally:
            container.close()


def make_stand_in() -> None:
    """The base with the program, and with something in place of cargo that hands it over."""
    container = buildah("from", "--pull-never", "--arch=arm64", ARM64_BASE)
    with tempfile.TemporaryDirectory(dir=build.cache_directory()) as directory:
        cargo = Path(directory) / "cargo"
        cargo.write_text(CARGO)
        cargo.chmod(0o755)
        buildah("copy", "--quiet", container, cargo, "/usr/local/bin/cargo")
    buildah("copy", "--quiet", container, program(ARM64), "/usr/local/lib/source-trino")
    buildah("commit", "--quiet", "--rm", container, ARM64_RUST)


@contextmanager
def foreign_programs():
    """Lets the kernel start programs for arm64 by qemu, wherever they are; forgets that again."""
    known = Path("/proc/sys/fs/binfmt_misc")
    if not (known / "register").exists():
        run("mount", "-t", "binfmt_misc", "binfmt_misc", known)
    name = "qemu-aarch64"
    if (known / name).exists():
        yield
        return
    (known / "register").write_text(Path(f"/usr/lib/binfmt.d/{name}.conf").read_text())
    try:
        yield
    finally:
        (known / name).write_text("-1")


def try_commands(container: Container, trino: dict) -> None:
    """What the platform does first: spec, and check over http."""
    source = build.cache_directory() / "source"
    result = container.airbyte("spec", {})
    expected = [{"type": "SPEC", "spec": json.loads((source / "spec.json").read_text())}]
    expect(result.code == 0 and result.messages == expected, f"{result}")
    result = container.airbyte("check", {"connectorConfig.json": configuration(trino)})
    status = result.of("CONNECTION_STATUS")[0]["connectionStatus"]
    expect(result.code == 0 and status["status"] == "SUCCEEDED", f"{result}")


def configuration(trino: dict) -> dict:
    """A source over http."""
    address = urlsplit(trino["url"])
    made = {"hostname": address.hostname, "port": address.port, "username": "alice", "catalog": "tpch"}
    return {**made, "schema": "tiny", "ssl_mode": {"mode": "disable"}}


# --- musl ------------------------------------------------------------------------------------------------


def test_musl(trino: dict) -> None:
    """Builds the static program, and the same with glibc to compare it with; then an image of the first."""
    upper = MUSL.upper().replace("-", "_")
    tools = {
        "RUSTC_BOOTSTRAP": "1",  # Rust's own libraries are compiled, too, which a stable rustc does only if told so.
        f"CARGO_TARGET_{upper}_LINKER": "musl-gcc",
        f"CARGO_TARGET_{upper}_RUSTFLAGS": "-C link-self-contained=no -L native=/musl-lib",
        f"CC_{MUSL.replace('-', '_')}": "musl-gcc",
    }
    with step("the program builds with musl, statically"):
        enter("cd /build", f"cargo build --release --locked --target {MUSL} -Zbuild-std=std,panic_unwind", **tools)
        expect("statically linked" in run("sh", "-c", f"ldd {program(MUSL)} 2>&1 || true"), "not static")
    with step("the program builds with glibc"):
        enter("cd /build", f"cargo build --release --locked --target {GLIBC}")
    sizes = [program(target).stat().st_size for target in (MUSL, GLIBC)]
    print(f"       binary: {sizes[0]} bytes; with glibc {sizes[1]}")
    with step("an image of the static program, busybox and authorities"):
        make_static_image()
    print(f"       image: compressed {sum(build.compressed_layers(MUSL_IMAGE))} bytes")
    container = buildah("from", "--pull-never", MUSL_IMAGE)
    try:
        root = Path(buildah("mount", container))
        with step("in the image: spec; check of a Trino; Kerberos says that it cannot be had"):
            try_static(root, trino)
    finally:
        buildah("umount", container)
        buildah("rm", container)
    with step("names were looked up by both"):
        programs = {"glibc": program(GLIBC), "musl": program(MUSL)}
        inside = {name: f"/{each.relative_to(system())}" for name, each in programs.items()}
        rows = names.compare(system(), inside, configuration(trino))
    for purpose, results in rows:
        print(f"       {purpose}")
        for name, (text, seconds) in results.items():
            print(f"           {name:5} {seconds:5.1f} s  {text}")


def make_static_image() -> None:
    """What Airbyte's platform needs and no more: a shell, the authorities, the user, and the program."""
    with tempfile.TemporaryDirectory(dir=build.cache_directory()) as directory:
        root = Path(directory)
        root.chmod(0o755)
        for name in ("bin", "etc/ssl/certs", "airbyte", "config", "custom_cache", "dev", "proc", "secrets", "source"):
            (root / name).mkdir(parents=True)
        shutil.copy(system() / "usr/bin/busybox", root / "bin/busybox")
        for name in run(root / "bin/busybox", "--list").splitlines():
            if not (root / "bin" / name).exists():
                (root / "bin" / name).symlink_to("busybox")
        shutil.copy(program(MUSL), root / "airbyte/source-trino")
        (root / "etc/passwd").write_text("airbyte:x:1000:1000::/airbyte:/bin/sh\n")
        (root / "etc/group").write_text("airbyte:x:1000:\n")
        debians = sorted((system() / "usr/share/ca-certificates/mozilla").glob("*.crt"))
        (root / "etc/ssl/certs/ca-certificates.crt").write_text("".join(each.read_text() for each in debians))
        container = buildah("from", "scratch")
        buildah("copy", "--quiet", container, root, "/")
        entry = "/airbyte/source-trino"
        settings = ("--user=1000:1000", f"--entrypoint={json.dumps([entry])}", f"--env=AIRBYTE_ENTRYPOINT={entry}")
        buildah("config", *settings, "--env=PATH=/bin", "--workingdir=/airbyte", container)
        buildah("commit", "--quiet", "--rm", container, MUSL_IMAGE)


def try_static(root: Path, trino: dict) -> None:
    """The commands as user 1000, started by busybox's shell."""
    for name in ("hosts", "resolv.conf"):
        shutil.copyfile(f"/etc/{name}", root / "etc" / name)

    def said(command: str, kind: str, config: dict | None = None) -> dict:
        (root / "config/config.json").write_text(json.dumps(config))
        settings = ("env", "--ignore-environment", "PATH=/bin", "AIRBYTE_ENTRYPOINT=/airbyte/source-trino")
        enter_image = (*settings, shutil.which("chroot") or "chroot", "--userspec=1000:1000", root)
        lines = run(*enter_image, "/bin/sh", "-c", f'eval "$AIRBYTE_ENTRYPOINT {command}"').splitlines()
        return next(message[kind] for message in map(json.loads, lines) if kind in message)

    expect(said("spec", "spec") == json.loads((build.ROOT / "spec.json").read_text()), "another spec")
    check = "check --config /config/config.json"
    config = configuration(trino)
    expect(said(check, "connectionStatus", config)["status"] == "SUCCEEDED", "check failed")
    kerberos = {"method": "kerberos", "principal": "a@B.C", "password": "secret", "service_name": "trino"}
    answer = said(check, "connectionStatus", {**config, "authentication": kerberos})
    expect("linked statically" in answer.get("message", ""), f"{answer}")
