"""Real SFTP and S3 servers in the test's process, and a connection that breaks."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncssh

if TYPE_CHECKING:
    from pathlib import Path

USER = "collector"
PASSWORD = "not-a-secret-of-anyone"  # pragma: allowlist secret


@dataclass(frozen=True)
class SFTPServer:
    """A running SFTP server: its port, folder and public key."""

    port: int
    host_key: str


class _Login(asyncssh.SSHServer):
    def password_auth_supported(self):
        return True

    def validate_password(self, username, password):
        return (username, password) == (USER, PASSWORD)


@contextlib.contextmanager
def sftp_server(root: Path):
    """An SFTP server (of asyncssh) whose ``/`` is a local folder."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    key = asyncssh.generate_private_key("ssh-ed25519")

    async def start():
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=_Login,
            server_host_keys=[key],
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(root)),
        )

    server = asyncio.run_coroutine_threadsafe(start(), loop).result(20)
    try:
        yield SFTPServer(server.get_port(), key.export_public_key().decode().strip())
    finally:

        async def stop():
            server.close()
            await server.wait_closed()

        asyncio.run_coroutine_threadsafe(stop(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()


@contextlib.contextmanager
def s3_server(host="127.0.0.1"):
    """An S3 server (of moto) at an address of this machine; yields its port."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - slow to import

    server = ThreadedMotoServer(ip_address=host, port=0, verbose=False)
    server.start()
    try:
        yield server.get_host_and_port()[1]
    finally:
        server.stop()


class BreakingConnection:
    """A TCP proxy that cuts connections after a number of bytes from the server, a few times.

    Args:
        port: port of the server.
        after_bytes: bytes from the server that pass before a connection is cut.
        times: number of connections that are cut; later ones are not.
    """

    def __init__(self, port: int, after_bytes: int, times: int) -> None:
        self._to = port
        self._after = after_bytes
        self.left = times
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.close()

    def _serve(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            server = socket.create_connection(("127.0.0.1", self._to))
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for source, target, limit in (
                (client, server, None),
                (server, client, self._after),
            ):
                threading.Thread(
                    target=self._pump, args=(source, target, limit), daemon=True
                ).start()

    def _pump(self, source, target, limit):
        passed = 0
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                passed += len(data)
                if limit is not None and passed > limit and self.left > 0:
                    self.left -= 1
                    break
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
