"""Ed25519 keys and signatures of packages, by the library ``cryptography``.

The private key is a PEM file (PKCS #8) that only its owner may read. The public key is written as
``ed25519:`` and the base64 text of its 32 bytes; its number (``key_id``) is the beginning of their
SHA-256.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import stat
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from onestop.federation.refusal import FederationError
from onestop.files import PRIVATE, write_new
from onestop.said import said

if TYPE_CHECKING:
    from pathlib import Path

ALGORITHM = "Ed25519"
#: Comes before the manifest in what is signed, so that a signature fits nothing else.
_CONTEXT = b"onestop-package/1\n"
_KEY_BYTES = 32
#: Begins the text of a public key: base64 alone may begin with "+", which a spreadsheet that opens
#: the registry takes for a formula.
_PREFIX = "ed25519:"
_ID_LETTERS = 16


def make_key(path: Path) -> str:
    """Write a new private key, which only its owner may read.

    Args:
        path: the new file.

    Returns:
        The public key for the national office, as :func:`public_text` writes it.

    Raises:
        FederationError: the file exists.
    """
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    try:
        write_new(path, text, mode=PRIVATE)
    except FileExistsError:
        raise FederationError(
            "there is a file already; a key is never replaced",
            subject=str(path),
            remedy="name a new file, and keep the earlier key until the national office has the"
            " new one",
        ) from None
    return public_text(key.public_key())


def read_key(path: Path) -> Ed25519PrivateKey:
    """Read a private key.

    Raises:
        FederationError: it is not there, others may read it, or it is no Ed25519 key.
    """
    try:
        mode = path.stat().st_mode
        text = path.read_bytes()
    except OSError as error:
        raise FederationError(
            said("the key cannot be read ({why})", why=error.strerror),
            subject=str(path),
            remedy="make one with `onestop package --new-key FILE`, or set ONESTOP_PACKAGE_KEY",
        ) from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise FederationError(
            said("others may read the private key ({mode})", mode=stat.filemode(mode)),
            subject=str(path),
            remedy=said("run `chmod 600 {path}`; if others had access, make a new key", path=path),
        )
    try:
        key = serialization.load_pem_private_key(text, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise FederationError(
            "is no unencrypted Ed25519 key in PEM",
            subject=str(path),
            remedy="make one with `onestop package --new-key FILE`",
        )
    return key


def public_text(key: Ed25519PublicKey) -> str:
    """A public key as the registry has it: ``ed25519:`` and base64."""
    return _PREFIX + base64.b64encode(_raw(key)).decode("ascii")


def public_key(text: str) -> Ed25519PublicKey:
    """The public key of a text.

    Args:
        text: as :func:`public_text` writes it; also without ``ed25519:``, as earlier releases
            wrote it.

    Raises:
        ValueError: it is none.
    """
    try:
        raw = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
    if len(raw) != _KEY_BYTES:
        raise ValueError(f"{len(raw)} bytes instead of {_KEY_BYTES}")
    return Ed25519PublicKey.from_public_bytes(raw)


def key_id(key: Ed25519PublicKey) -> str:
    """The short number of a key, for people and lists."""
    return hashlib.sha256(_raw(key)).hexdigest()[:_ID_LETTERS]


def sign(key: Ed25519PrivateKey, manifest: bytes) -> bytes:
    """The signature of a package with this manifest."""
    return key.sign(_CONTEXT + manifest)


def is_signed_by(key: Ed25519PublicKey, manifest: bytes, signature: bytes) -> bool:
    """Whether a signature of a manifest was made with this key."""
    try:
        key.verify(signature, _CONTEXT + manifest)
    except InvalidSignature:
        return False
    return True


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
