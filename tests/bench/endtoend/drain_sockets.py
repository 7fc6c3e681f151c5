"""A destination that only counts bytes: drain_sockets.py PATH...

Connects to each socket as soon as it is there, reads it to its end, and prints how many bytes all of them brought.
"""

import socket
import sys
import threading
import time
from pathlib import Path

_PAUSE = 0.005
_CHUNK = 1 << 20


def _drain(path: Path, counts: list[int]) -> None:
    while not path.exists():
        time.sleep(_PAUSE)
    room, total = bytearray(_CHUNK), 0
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        while count := connection.recv_into(room):
            total += count
    counts.append(total)


def main() -> None:
    """Reads all sockets at once."""
    counts: list[int] = []
    threads = [threading.Thread(target=_drain, args=(Path(path), counts)) for path in sys.argv[1:]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(sum(counts))


if __name__ == "__main__":
    main()
