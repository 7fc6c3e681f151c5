"""Cassandra: one node."""

from __future__ import annotations

from pathlib import Path

import fetch
import settings

from .base import Properties, System

_PROGRAM = fetch.Jars("cassandra", ("org.apache.cassandra:cassandra-all:4.1.9",))

#: What Cassandra's own start script opens of Java 11 and newer.
_EXPORTS = (
    "java.base/jdk.internal.misc", "java.base/jdk.internal.ref", "java.base/sun.nio.ch",
    "java.management.rmi/com.sun.jmx.remote.internal.rmi", "java.rmi/sun.rmi.registry", "java.rmi/sun.rmi.server",
    "java.sql/java.sql",
)  # fmt: skip
_OPENS = (
    "java.base/java.lang.module", "java.base/jdk.internal.loader", "java.base/jdk.internal.ref",
    "java.base/jdk.internal.reflect", "java.base/jdk.internal.math", "java.base/jdk.internal.module",
    "java.base/jdk.internal.util.jar", "jdk.management/com.sun.management.internal", "java.base/sun.nio.ch",
    "java.base/java.io", "java.base/java.nio", "java.base/java.util", "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic", "java.base/java.lang",
)  # fmt: skip


class Cassandra(System):
    name = "cassandra"
    ports = ("cassandra", "cassandra-storage")

    @classmethod
    def fetch(cls, java: Path) -> None:
        fetch.jars(_PROGRAM, java)

    def start(self) -> None:
        data = self.place.data
        storage = self.place.ports["cassandra-storage"]
        seeds = f"parameters: [{{seeds: '{settings.HOST}:{storage}'}}]"
        options = {
            "cluster_name": "t",
            "num_tokens": 1,
            "allocate_tokens_for_local_replication_factor": 1,
            "partitioner": "org.apache.cassandra.dht.Murmur3Partitioner",
            "data_file_directories": f"[{data / 'data'}]",
            "commitlog_directory": data / "commitlog",
            "hints_directory": data / "hints",
            "saved_caches_directory": data / "saved",
            "cdc_raw_directory": data / "cdc",
            "commitlog_sync": "periodic",
            "commitlog_sync_period_in_ms": 10000,
            "seed_provider": f"[{{class_name: org.apache.cassandra.locator.SimpleSeedProvider, {seeds}}}]",
            "listen_address": settings.HOST,
            "storage_port": storage,
            "rpc_address": settings.HOST,
            "native_transport_port": self.port,
            "start_native_transport": "true",
            "endpoint_snitch": "SimpleSnitch",
        }
        file = data / "cassandra.yaml"
        file.write_text("".join(f"{name}: {value}\n" for name, value in options.items()))
        program = fetch.jars(_PROGRAM, self.place.java)
        [agent] = Path(program.partition(":")[2]).parent.glob("jamm-*.jar")
        properties = {
            "cassandra.config": f"file://{file}",
            "cassandra.storagedir": str(data),
            "cassandra-foreground": "yes",
            "cassandra.superuser_setup_delay_ms": "0",
            "cassandra.ring_delay_ms": "100",
            "cassandra.skip_wait_for_gossip_to_settle": "0",
            "jdk.attach.allowAttachSelf": "true",
        }
        access = [f"--add-exports={each}=ALL-UNNAMED" for each in _EXPORTS]
        access += [f"--add-opens={each}=ALL-UNNAMED" for each in _OPENS]
        memory = ["-Xms512m", "-Xmx512m"]
        settings_ = [f"-D{name}={value}" for name, value in properties.items()]
        main = "org.apache.cassandra.service.CassandraDaemon"
        self.run([self.place.java, f"-javaagent:{agent}", *memory, *settings_, *access, "-cp", program, main])

    def catalogs(self) -> dict[str, Properties]:
        return {
            "cassandra": {
                "connector.name": "cassandra",
                "cassandra.contact-points": settings.HOST,
                "cassandra.native-protocol-port": str(self.port),
                "cassandra.load-policy.dc-aware.local-dc": "datacenter1",
            }
        }
