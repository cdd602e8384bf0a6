"""SFTP: fsspec's filesystem, refusing servers with an unknown host key."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import paramiko
from fsspec.implementations.sftp import SFTPFileSystem

_KEEP_ALIVE_SECONDS = 30


class UnknownHostKeyError(paramiko.SSHException):  # type: ignore[misc] # it ships no types
    """The server's key is not among the known ones."""


class _RefuseUnknown(paramiko.MissingHostKeyPolicy):  # type: ignore[misc] # as above
    def missing_host_key(
        self,
        client: paramiko.SSHClient,  # noqa: ARG002 - paramiko's signature
        hostname: str,
        key: paramiko.PKey,  # noqa: ARG002 - paramiko's signature
    ) -> None:
        raise UnknownHostKeyError(hostname)


class SFTPFiles(SFTPFileSystem):  # type: ignore[misc] # fsspec ships none either
    """Files over SFTP.

    Args:
        host: name or address.
        known_hosts: file of the known servers' keys; defaults to OpenSSH's file of this user.
        host_key: the server's public key, ``ssh-ed25519 AAAA…``; replaces known_hosts.
        private_key: the private key itself, as text; replaces a key file.
        passphrase: of the private key.
        silence_timeout: seconds without an answer after which the server counts as gone.
        ssh_kwargs: what paramiko's ``SSHClient.connect`` takes.
    """

    def __init__(
        self,
        host: str,
        *,
        known_hosts: str | None = None,
        host_key: str | None = None,
        private_key: str | None = None,
        passphrase: str | None = None,
        silence_timeout: float = 60,
        **ssh_kwargs: Any,  # noqa: ANN401 - handed on
    ) -> None:
        self._known_hosts = known_hosts
        self._host_key = host_key
        self._silence_timeout = silence_timeout
        if private_key:
            ssh_kwargs["pkey"] = _read_key(private_key, passphrase)
        elif passphrase:
            ssh_kwargs["passphrase"] = passphrase
        has_secret = bool({"password", "pkey", "key_filename"} & ssh_kwargs.keys())
        ssh_kwargs.setdefault("look_for_keys", not has_secret)
        ssh_kwargs.setdefault("allow_agent", not has_secret)
        super().__init__(host, **ssh_kwargs)

    def _connect(self) -> None:
        self.client = paramiko.SSHClient()
        self.client.set_missing_host_key_policy(_RefuseUnknown())
        if self._host_key:
            kind, encoded = self._host_key.split()[:2]
            key = paramiko.PKey.from_type_string(kind, base64.b64decode(encoded))
            port = self.ssh_kwargs.get("port", 22)
            name = self.host if port == 22 else f"[{self.host}]:{port}"  # noqa: PLR2004 - SSH's port
            self.client.get_host_keys().add(name, kind, key)
        else:
            path = Path(self._known_hosts or "~/.ssh/known_hosts").expanduser()
            if path.is_file():
                self.client.load_host_keys(str(path))
        try:
            self.client.connect(self.host, **self.ssh_kwargs)
            self.ftp = self.client.open_sftp()
        except BaseException:
            self.client.close()
            raise
        self.ftp.get_channel().settimeout(self._silence_timeout)
        self.client.get_transport().set_keepalive(_KEEP_ALIVE_SECONDS)

    def close(self) -> None:
        """End the connection."""
        self.client.close()


def _read_key(text: str, passphrase: str | None) -> paramiko.PKey:
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(text), passphrase)
        except paramiko.PasswordRequiredException:
            raise
        except paramiko.SSHException:
            continue
    raise paramiko.AuthenticationException("the private key is in no known format")
