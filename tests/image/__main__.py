"""Builds the image and runs it as Airbyte's platform does: `python3 tests/image`, as root; see docs/image.md.

    python3 tests/image --static    only compare the Dockerfile with the files that it has to agree with
    python3 tests/image --run       run the image that was built last
    python3 tests/image --arm64     build and try the program and the image for arm64, by cross-compiler and qemu
    python3 tests/image --musl      build and try a static program, and an image of it with busybox

It reads from the Trino of `python3 tests/servers up full` (SOURCE_TRINO_SERVERS names its servers.json).
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

sys.dont_write_bytecode = True

import build  # noqa: E402
import cross  # noqa: E402
from build import BASE_STAND_IN, IMAGE, ROOT, RUST_STAND_IN, ImageError, buildah  # noqa: E402
from container import Container, NameServer, Result  # noqa: E402
from steps import expect, step  # noqa: E402

HOSTS_NAME, DNS_NAME = "trino-in-hosts.test", "trino-in-dns.test"
#: Rows of tpch.tiny in the streams of sample_files/configured_catalog.json.
ROWS = {"customer": 1500, "nation": 25}
LABELS = {
    "io.airbyte.name": "airbyte/source-trino",
    "org.opencontainers.image.title": "source-trino",
    "org.opencontainers.image.licenses": "MIT",
}


def main() -> int:
    """Everything in order; the first thing that is not as it should be ends it."""
    started = time.monotonic()
    try:
        with step("the Dockerfile agrees with Cargo.toml, rust-toolchain.toml and the source"):
            version = compare_files(ROOT)
        if "--static" not in sys.argv:
            build.cache_directory().mkdir(parents=True, exist_ok=True)
            with (build.cache_directory() / "lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if {"--arm64", "--musl"} & set(sys.argv):
                    cross.whole_test(servers()["trino"], sys.argv)
                else:
                    whole_test(version)
    except (ImageError, subprocess.SubprocessError, OSError) as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    print(f"PASSED: {step.count} steps in {time.monotonic() - started:.0f} s")
    return 0


def compare_files(root: Path) -> str:
    """What must be said twice is said alike; returns the version."""
    dockerfile = (root / "Dockerfile").read_text()
    defaults = dict(re.findall(r"^ARG (\w+)=(\S+)$", dockerfile, re.M))
    version = tomllib.loads((root / "Cargo.toml").read_text())["package"]["version"]
    expect(defaults["VERSION"] == version, f"ARG VERSION is {defaults['VERSION']}, Cargo.toml says {version}")
    toolchain = tomllib.loads((root / "rust-toolchain.toml").read_text())["toolchain"]["channel"]
    rust = defaults["RUST_IMAGE"].partition(":")[2].partition("-")[0]
    expect(f"{toolchain}.".startswith(f"{rust}."), f"RUST_IMAGE has Rust {rust}, rust-toolchain.toml {toolchain}")
    expect("/" not in defaults["RUST_IMAGE"] + defaults["BASE_IMAGE"], "a base image names a registry")
    command = re.findall(r'^(?:ENV AIRBYTE_ENTRYPOINT=|ENTRYPOINT \[)"(.+?)"\]?$', dockerfile, re.M)
    expect(command == ["/airbyte/source-trino"] * 2, f"AIRBYTE_ENTRYPOINT and ENTRYPOINT: {command}")
    copied = {name for line in re.findall(r"^COPY ([^-].*) \S+$", dockerfile, re.M) for name in line.split()}
    for source in (root / "src").rglob("*.rs"):
        if "tests" in source.relative_to(root).parts:
            continue  # not part of the binary
        for name in re.findall(r'include_(?:str|bytes)!\("(.+?)"\)', source.read_text()):
            file = Path(os.path.normpath(source.parent / name)).relative_to(root)
            expect({file.parts[0], str(file)} & copied, f"{source} includes {file}, which the Dockerfile does not copy")
    return version


def servers() -> dict:
    """What `python3 tests/servers up full` has written down."""
    default = build.cache_directory().parent / "run/full/servers.json"
    return json.loads(Path(os.environ.get("SOURCE_TRINO_SERVERS") or default).read_text())


def whole_test(version: str) -> None:
    """Builds, measures and runs the image."""
    build.install_tools()
    if "--run" in sys.argv:
        build.export_source(build.built_revision())
    else:
        for image, make in ((BASE_STAND_IN, build.make_base), (RUST_STAND_IN, build.make_rust)):
            if not build.have(image):
                with step(f"{image} made of Debian's packages"):
                    make()
        revision = build.export_source("HEAD")
        with step(f"the image builds from commit {revision[:10]}"):
            build.build_image(revision)
    trino = servers()["trino"]
    names = NameServer(DNS_NAME)
    container = Container({HOSTS_NAME: "127.0.0.1"})
    try:
        look_at_image(container, version)
        print_sizes(container)
        look_at_process(container, version)
        use(container, trino)
        stop(container, trino)
    finally:
        container.close()
        names.close()


def look_at_image(container: Container, version: str) -> None:
    """The image's configuration and its directories."""
    with step("user, working directory, entry point, labels and owners of the directories"):
        config = container.config
        expect(config["User"] == "1000:1000", f"user {config['User']}")
        expect(config["WorkingDir"] == "/airbyte", f"working directory {config['WorkingDir']}")
        entry = f"AIRBYTE_ENTRYPOINT={config['Entrypoint'][0]}"
        expect(len(config["Entrypoint"]) == 1 and entry in config["Env"], "AIRBYTE_ENTRYPOINT is not ENTRYPOINT")
        versions = {"io.airbyte.version": version, "org.opencontainers.image.version": version}
        for label, value in (LABELS | versions).items():
            expect(config["Labels"].get(label) == value, f"label {label}: {config['Labels'].get(label)}")
        expect(re.fullmatch("[0-9a-f]{40}", config["Labels"]["org.opencontainers.image.revision"]), "no revision")
        for name in ("airbyte", "config", "custom_cache", "secrets", "etc/ssl/certs"):
            expect((container.root / name).stat().st_uid == 1000, f"/{name} does not belong to user 1000")
        expect((container.root / "airbyte/source-trino").stat().st_uid == 0, "the binary is not root's")


def print_sizes(container: Container) -> None:
    """A registry keeps the compressed layers, in bytes; a node the uncompressed image."""
    layers = build.compressed_layers()
    sizes = {each["names"][0]: each["size"] for each in json.loads(buildah("images", "--json")) if each.get("names")}
    image, base = (next(size for name, size in sizes.items() if wanted in name) for wanted in (IMAGE, BASE_STAND_IN))
    print(f"       image: uncompressed {image}, on a base of {base}; compressed {sum(layers)} in layers of {layers}")
    print(f"       binary: {(container.root / 'airbyte/source-trino').stat().st_size} bytes")


def look_at_process(container: Container, version: str) -> None:
    """What a command in the image is, may do, and finds there."""
    with step("commands run as 1000:1000 without rights, on a root that cannot be written to"):
        _, status = container.plain("cat", "/proc/self/status")
        facts = dict(re.findall(r"^(\w+):\s+(.*)$", status, re.M))
        expect(set((facts["Uid"] + "\t" + facts["Gid"]).split()) == {"1000"}, facts["Uid"])
        expect(facts["NoNewPrivs"] == "1", "new privileges are possible")
        expect(all(int(facts[name], 16) == 0 for name in ("CapEff", "CapPrm", "CapBnd")), "capabilities are left")
        for place in ("/tmp", "/airbyte", "/config"):
            code, text = container.plain("sh", "-c", f"echo > {place}/file")
            expect(code != 0 and "Read-only" in text, f"{place} can be written to: {text}")
    with step("the entry point by itself runs the right version"):
        code, text = container.plain(*container.config["Entrypoint"], "--version")
        expect((code, text) == (0, f"source-trino {version}"), f"exit code {code}: {text}")


def use(container: Container, trino: dict) -> None:
    """Every command, over http and https, by every way to find the server."""
    source = build.cache_directory() / "source"
    catalog = json.loads((source / "sample_files/configured_catalog.json").read_text())
    authority = Path(trino["ca_certificate"]).read_text()

    def config(host: str = "localhost", mode: str = "disable", **others: str) -> dict[str, object]:
        made = {"hostname": host, "username": "alice", "catalog": "tpch", "schema": "tiny"}
        made["port"] = urlsplit(trino["url" if mode == "disable" else "https_url"]).port
        made["ssl_mode"] = {"mode": mode, **others}
        if mode != "disable":
            made["authentication"] = {"method": "password", "password": trino["users"]["alice"]}
        return {"connectorConfig.json": made}

    with step("spec prints spec.json"):
        result = container.airbyte("spec", {})
        expected = [{"type": "SPEC", "spec": json.loads((source / "spec.json").read_text())}]
        expect(result.code == 0 and result.messages == expected, f"{result}")
    for purpose, files, authorities, answer in (
        ("http, localhost", config(), "", ""),
        ("http, an address", config("127.0.0.1"), "", ""),
        ("http, a name of /etc/hosts", config(HOSTS_NAME), "", ""),
        ("http, a name that only DNS knows", config(DNS_NAME), "", ""),
        ("http, a name that nobody knows", config("nowhere.test"), "", "cannot be resolved"),
        ("https, verify-full, the authority in the form", config(mode="verify-full", ca_certificate=authority), "", ""),
        ("https, require, a name of DNS", config(DNS_NAME, "require"), "", ""),
        ("https, verify-full, the system's authorities only", config(mode="verify-full"), "", "certificate"),
        ("https, verify-full, the authority in the system's file", config(mode="verify-full"), authority, ""),
        ("https, verify-full, another name", config(DNS_NAME, "verify-full"), authority, "certificate"),
        ("https, verify-ca, another name", config(DNS_NAME, "verify-ca"), authority, ""),
    ):
        with step(f"check over {purpose}: " + (f"FAILED, says: {answer}" if answer else "SUCCEEDED")):
            result = container.airbyte("check", files, authorities)
            status = result.of("CONNECTION_STATUS")[0]["connectionStatus"]
            right = status["status"] == ("FAILED" if answer else "SUCCEEDED") and answer in status.get("message", "")
            expect(result.code == 0 and right and not result.stderr, f"{result}")
    encrypted = config(mode="verify-full", ca_certificate=authority)
    with step("discover over https lists the eight tables of tpch.tiny"):
        result = container.airbyte("discover", encrypted)
        streams = {stream["name"] for stream in result.of("CATALOG")[0]["catalog"]["streams"]}
        expect(result.code == 0 and len(streams) == 8 and streams > ROWS.keys(), f"{result.code}: {streams}")
    for purpose, files in (("http, a name of DNS", config(DNS_NAME)), ("https, verify-full", encrypted)):
        with step(f"read over {purpose}, through named pipes: {ROWS}"):
            result = container.airbyte("read", {**files, "catalog.json": catalog})
            check_rows(result)
    with step("read with an input state"):
        state = [message["state"] for message in result.of("STATE")]
        result = container.airbyte("read", {**encrypted, "catalog.json": catalog, "inputState.json": state})
        expect(result.code == 0 and not result.stderr, f"{result}")
    with step("read of a server that is not there: exit code 1 and a TRACE"):
        result = container.airbyte("read", {**config("nowhere.test"), "catalog.json": catalog})
        expect(result.code == 1 and result.of("TRACE") and not result.of("RECORD"), f"{result}")


def check_rows(result: Result) -> None:
    """Every row of both streams, each stream's count in its last state, COMPLETE, and an empty stderr."""
    counted = Counter(message["record"]["stream"] for message in result.of("RECORD"))
    states = {
        message["state"]["stream"]["stream_descriptor"]["name"]: message["state"]["sourceStats"]["recordCount"]
        for message in result.of("STATE")
    }
    expect(result.code == 0 and counted == states == ROWS, f"exit code {result.code}, {counted}, {states}")
    statuses = [it["trace"]["stream_status"]["status"] for it in result.of("TRACE") if "stream_status" in it["trace"]]
    expect(statuses.count("COMPLETE") == 2 and not result.stderr, f"{statuses}, stderr: {result.stderr}")


def stop(container: Container, trino: dict) -> None:
    """The platform ends a long read by its marker file; tells what becomes of the query on the server."""
    tag = f"image-test-{os.getpid()}"
    config = {"hostname": "localhost", "port": urlsplit(trino["url"]).port, "username": "alice", "source": tag}
    stream = {
        "stream": {
            "name": "lineitem",
            "namespace": "sf1000",
            "json_schema": {"type": "object", "properties": {"orderkey": {"type": "integer"}}},
            "supported_sync_modes": ["full_refresh"],
        },
        "sync_mode": "full_refresh",
        "destination_sync_mode": "overwrite",
    }
    files = {
        "connectorConfig.json": {**config, "catalog": "tpch", "schema": "sf1000"},
        "catalog.json": {"streams": [stream]},
    }
    with step("a read that the platform ends, ends"):
        result = container.airbyte("read", files, stop_after=1000)
        expect(result.code != 0 and result.seconds < 60, f"exit code {result.code} after {result.seconds:.0f} s")

    def ask(path: str, method: str) -> bytes:
        headers = {"X-Trino-User": "alice"}
        request = urllib.request.Request(f"{trino['url']}/v1/query{path}", headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()

    queries = [query for query in json.loads(ask("", "GET")) if query["session"].get("source") == tag]
    states = Counter(query["state"] for query in queries)
    print(f"       exit code {result.code} after {result.seconds:.1f} s; its queries on the server: {dict(states)}")
    for query in queries:
        if query["state"] not in ("FINISHED", "FAILED"):
            ask(f"/{query['queryId']}", "DELETE")


if __name__ == "__main__":
    sys.exit(main())
