"""Reads a query with the `trino` package alone and counts its rows: python_client.py PORT SQL ENCODING.

ENCODING is that of the spooled protocol, or `direct`. Prints {"rows": N}.
"""

import json
import sys

from trino.dbapi import connect


def main() -> None:
    """Every value is parsed, as by any Python program that wants the rows."""
    port, sql, encoding = sys.argv[1:]
    connection = connect(
        host="127.0.0.1", port=int(port), user="bench", encoding=None if encoding == "direct" else encoding
    )
    cursor = connection.cursor()
    cursor.execute(sql)
    print(json.dumps({"rows": sum(1 for _ in cursor)}))


if __name__ == "__main__":
    main()
