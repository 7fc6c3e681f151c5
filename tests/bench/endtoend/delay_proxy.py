"""A server on the way to Trino that adds a delay to every request: delay_proxy.py TARGET_PORT MILLISECONDS.

Prints the port that it listens on, then works until it is ended. It passes bytes on as they are; Trino makes
`nextUri` from the Host header of the request, so clients stay with the proxy. A client sends a request only
after the answer to the one before, so what arrives from it at once is one request, and waits once.
"""

import asyncio
import sys

_CHUNK = 1 << 20


async def _pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter, delay: float) -> None:
    try:
        while data := await source.read(_CHUNK):
            if delay:
                await asyncio.sleep(delay)
            target.write(data)
            await target.drain()
    except ConnectionError:
        pass
    finally:
        target.close()


async def main() -> None:
    """Serves until the process is ended."""
    port, delay = int(sys.argv[1]), float(sys.argv[2]) / 1000

    async def serve(from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        from_trino, to_trino = await asyncio.open_connection("127.0.0.1", port, limit=_CHUNK)
        await asyncio.gather(_pass_on(from_client, to_trino, delay), _pass_on(from_trino, to_client, 0))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=_CHUNK)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
