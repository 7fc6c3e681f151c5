"""Kafka: one node that is broker and controller."""

from __future__ import annotations

import subprocess
from pathlib import Path

import fetch
import settings
from report import ServerError

from .base import Properties, System

_PROGRAM = fetch.Jars("kafka", ("org.apache.kafka:kafka_2.13:3.9.1", "org.slf4j:slf4j-simple:1.7.36"))
_CLUSTER = "MkU3OEVBNTcwNTJENDM2Qk"
#: What the tables of the catalogs are; tests make catalogs with tables of their own.
_TABLES = Path(__file__).with_name("kafka_tables")


class Kafka(System):
    name = "kafka"
    ports = ("kafka", "kafka-controller")

    @classmethod
    def fetch(cls, java: Path) -> None:
        fetch.jars(_PROGRAM, java)

    def start(self) -> None:
        address, controller = (f"{settings.HOST}:{self.place.ports[purpose]}" for purpose in self.ports)
        properties = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@{controller}",
            "listeners": f"PLAINTEXT://{address},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{address}",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": str(self.place.data / "logs"),
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "num.partitions": "2",
            # Tests write messages of 2024, which Kafka would delete by their age whenever it looks (every five minutes).
            "log.retention.ms": "-1",
        }
        file = self.place.data / "server.properties"
        file.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
        java = [str(self.place.java), "-cp", fetch.jars(_PROGRAM, self.place.java)]
        format_ = [*java, "kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", str(file)]
        done = subprocess.run(format_, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ServerError(f"Kafka's storage was not made:\n{done.stdout}{done.stderr}")
        self.run([*java[:1], "-Xmx384m", *java[1:], "kafka.Kafka", file])

    def catalogs(self) -> dict[str, Properties]:
        described = {
            "connector.name": "kafka",
            "kafka.nodes": f"{settings.HOST}:{self.port}",
            "kafka.table-description-dir": str(_TABLES),
            "kafka.table-names": "s.orders,s.raw",
            "kafka.default-schema": "s",
        }
        return {"kafka": described, "kafka_open": described | {"kafka.hide-internal-columns": "false"}}
