"""A Hive metastore over Derby, with transactions, so that ACID tables work."""

from __future__ import annotations

import tempfile
from pathlib import Path
from xml.sax.saxutils import escape

import fetch
import settings

from .base import Properties, System

_PROGRAM = fetch.Jars(
    "hms",
    (
        "org.apache.hive:hive-standalone-metastore:3.1.3:-",
        "org.apache.hadoop:hadoop-client-api:3.3.6",
        "org.apache.hadoop:hadoop-client-runtime:3.3.6",
        "commons-logging:commons-logging:1.2",
        "commons-cli:commons-cli:1.5.0",
        "commons-lang:commons-lang:2.6",
        "commons-io:commons-io:2.11.0",
        "commons-collections:commons-collections:3.2.2",
        "commons-codec:commons-codec:1.15",
    ),
    Path(__file__).with_name("hms"),
)
_METASTORE = "org.apache.hadoop.hive.metastore"


class HiveMetastore(System):
    name = "hms"
    ports = ("hms",)

    @classmethod
    def fetch(cls, java: Path) -> None:
        fetch.jars(_PROGRAM, java)

    def start(self) -> None:
        data = self.place.data
        # Trino takes ACID files below a directory whose name begins with a dot for hidden, and the cache often is one.
        warehouse = tempfile.mkdtemp(prefix="source-trino-hms-", dir="/var/tmp")
        data.with_suffix(".path").write_text(f"{warehouse}\n")
        options = {
            "javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={data / 'db'};create=true",
            "javax.jdo.option.ConnectionDriverName": "org.apache.derby.jdbc.EmbeddedDriver",
            "datanucleus.schema.autoCreateAll": "true",
            "metastore.schema.verification": "false",
            "hive.metastore.schema.verification": "false",
            "metastore.warehouse.dir": warehouse,
            "metastore.expression.proxy": f"{_METASTORE}.DefaultPartitionExpressionProxy",
            "metastore.task.threads.always": f"{_METASTORE}.events.EventCleanerTask",
            "metastore.event.db.notification.api.auth": "false",
            "metastore.storage.schema.reader.impl": f"{_METASTORE}.SerDeStorageSchemaReader",
            "hive.in.test": "true",
            "metastore.in.test": "true",
            "metastore.client.capability.check": "false",
        }
        listed = "".join(
            f"<property><name>{name}</name><value>{escape(value)}</value></property>" for name, value in options.items()
        )
        (data / "metastore-site.xml").write_text(f"<configuration>{listed}</configuration>\n")
        opens = [f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in ("lang", "util", "net", "nio")]
        log = f"-Dderby.stream.error.file={data / 'derby.log'}"
        program = f"{data}:{fetch.jars(_PROGRAM, self.place.java)}"
        main = [f"{_METASTORE}.HiveMetaStore", "-p", str(self.port)]
        self.run([self.place.java, "-Xmx400m", log, *opens, "-cp", program, *main])

    def catalogs(self) -> dict[str, Properties]:
        return {
            "hms": {
                "connector.name": "hive",
                "hive.metastore.uri": f"thrift://{settings.HOST}:{self.port}",
                "fs.hadoop.enabled": "true",
                "hive.non-managed-table-writes-enabled": "true",
                "hive.hive-views.enabled": "true",
            }
        }
