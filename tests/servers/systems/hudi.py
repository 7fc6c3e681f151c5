"""Two Hudi tables, one of each kind, written by Hudi's client for Java and registered in the metastore of the lake."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import fetch
from report import ServerError

from .base import Properties, System

_PROGRAM = fetch.Jars(
    "hudi",
    (
        "org.apache.hudi:hudi-java-client:0.15.0",
        "org.apache.hadoop:hadoop-client-api:3.3.6",
        "org.apache.hadoop:hadoop-client-runtime:3.3.6",
        "org.apache.parquet:parquet-avro:1.12.3",
        "org.slf4j:slf4j-simple:1.7.36",
        "com.esotericsoftware:kryo-shaded:4.0.2",
        "com.fasterxml.jackson.core:jackson-annotations:2.15.2",
        "com.fasterxml.jackson.core:jackson-databind:2.15.2",
        "com.fasterxml.jackson.core:jackson-core:2.15.2",
    ),
    Path(__file__).with_name("hudi"),
)
_SCHEMA = "hud"
_KINDS = {"cow": "COPY_ON_WRITE", "mor": "MERGE_ON_READ"}
#: Table → its files, and how they are read.
_TABLES = {
    "cow": ("cow", "HoodieParquetInputFormat"),
    "mor_ro": ("mor", "HoodieParquetInputFormat"),
    "mor_rt": ("mor", "realtime.HoodieParquetRealtimeInputFormat"),
}
_OUTPUT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
_SERDE = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"


class Hudi(System):
    name = "hudi"

    @classmethod
    def fetch(cls, java: Path) -> None:
        fetch.jars(_PROGRAM, java)

    def start(self) -> None:
        """Three commits each: 10 rows, 5 rows, and 2 of them changed."""
        for table in _KINDS:
            done = subprocess.run(self._writer(table), capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise ServerError(f"Hudi did not write {table}:\n{(done.stdout + done.stderr)[-2000:]}")
        self._register()

    def _writer(self, table: str) -> list[str]:
        """The command that writes into a table; with a number behind it, inserts that row and changes two."""
        opens = [f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in ("lang", "util", "nio")]
        program = fetch.jars(_PROGRAM, self.place.java)
        files = self.place.warehouse / "hudi" / table
        return [str(self.place.java), *opens, "-cp", program, "Hudi", str(files), table, _KINDS[table]]

    def _register(self) -> None:
        metastore = self.place.warehouse / "lake"
        (metastore / _SCHEMA).mkdir(parents=True)
        owner = {"writerVersion": "476", "ownerType": "USER", "ownerName": "test", "parameters": {}}
        (metastore / f".{_SCHEMA}.trinoSchema").write_text(json.dumps(owner))
        hidden = ("commit_time", "commit_seqno", "record_key", "partition_path", "file_name")
        types = {f"_hoodie_{name}": "string" for name in hidden} | {"id": "bigint", "v": "string", "ts": "bigint"}
        columns = [_column(name, type_) for name, type_ in types.items()]
        for table, (files, input_) in _TABLES.items():
            stored = {
                "writerVersion": "476",
                "parameters": {},
                "originalStorageFormat": {
                    "serde": _SERDE,
                    "inputFormat": f"org.apache.hudi.hadoop.{input_}",
                    "outputFormat": _OUTPUT,
                },
                "serdeParameters": {},
                "columnStatistics": {},
            }
            described = stored | {
                "owner": "test",
                "tableType": "EXTERNAL_TABLE",
                "dataColumns": columns,
                "partitionColumns": [_column("p", "string")],
                "parameters": {"EXTERNAL": "TRUE"},
                "externalLocation": f"local:///hudi/{files}",
            }
            directory = metastore / _SCHEMA / table
            directory.mkdir()
            (directory / ".trinoSchema").write_text(json.dumps(described))
            for partition in ("p=p0", "p=p1"):
                (directory / partition).mkdir()
                part = stored | {"columns": columns, "externalLocation": f"local:///hudi/{files}/{partition}"}
                (directory / partition / ".trinoSchema").write_text(json.dumps(part))

    def catalogs(self) -> dict[str, Properties]:
        return {
            "hudi": {
                "connector.name": "hudi",
                "hive.metastore": "file",
                "hive.metastore.catalog.dir": "local:///lake",
                "fs.native-local.enabled": "true",
                "local.location": str(self.place.warehouse),
            }
        }

    def describe(self) -> dict[str, Any]:
        return {"writers": {table: self._writer(table) for table in _KINDS}}


def _column(name: str, type_: str) -> dict[str, Any]:
    return {"name": name, "type": type_, "properties": {}}
