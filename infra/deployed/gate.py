"""The functions' way out: a proxy that leads the one name of the model provider to the scripted one, over TLS, and
nothing else anywhere. Settings of a deployment must name an https address that is not of this machine; so they do.
"""

from __future__ import annotations

import argparse
import asyncio
import ssl
from pathlib import Path

_LARGEST_HEAD = 65_536
_REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
_OPEN = b"HTTP/1.1 200 Connection Established\r\n\r\n"

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


class Gate:
    def __init__(self, name: str, provider: int) -> None:
        self._target = f"CONNECT {name}:443 ".encode()
        self._provider = provider
        self._tls_port = 0

    async def serve(self, port: int, certificate: Path, key: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        tls = await asyncio.start_server(self._decrypted, "127.0.0.1", 0, ssl=context)
        self._tls_port = tls.sockets[0].getsockname()[1]
        proxy = await asyncio.start_server(self._asked, "127.0.0.1", port)
        async with tls, proxy:
            await proxy.serve_forever()

    async def _asked(self, reader: Reader, writer: Writer) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            writer.close()
            return
        if head.startswith(self._target):
            writer.write(_OPEN)
            await _joined(reader, writer, self._tls_port)
        else:
            line = head.split(b"\r\n")[0].decode(errors="replace")
            print(f"refused: {line}", flush=True)
            writer.write(_REFUSED)
            writer.close()

    async def _decrypted(self, reader: Reader, writer: Writer) -> None:
        await _joined(reader, writer, self._provider)


async def _joined(reader: Reader, writer: Writer, port: int) -> None:
    """Passes on in both directions until both have ended."""
    try:
        there, back = await asyncio.open_connection("127.0.0.1", port)
    except OSError as error:
        print(f"nothing listens on {port}: {error}", flush=True)
        writer.close()
        return
    await asyncio.gather(_passed_on(reader, back), _passed_on(there, writer))


async def _passed_on(source: Reader, sink: Writer) -> None:
    try:
        while data := await source.read(_LARGEST_HEAD):
            sink.write(data)
            await sink.drain()
    except OSError:
        pass
    finally:
        # The whole connection: neither side of HTTP goes on without the other.
        sink.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--provider", type=int, required=True)
    parser.add_argument("--certificate", type=Path, required=True)
    parser.add_argument("--key", type=Path, required=True)
    options = parser.parse_args()
    gate = Gate(options.name, options.provider)
    asyncio.run(gate.serve(options.port, options.certificate, options.key))


if __name__ == "__main__":
    main()
