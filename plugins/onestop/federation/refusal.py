"""Why a package is refused: a stable code, and a sentence in both languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onestop.errors import OneStopError
from onestop.said import said_text

if TYPE_CHECKING:
    from onestop.said import Said

#: The file is no package: no ZIP file, other entries, too large, twice the same entry, encrypted.
NO_PACKAGE = "PKG-F01"
#: A format or a version of it that this release does not read.
UNKNOWN_VERSION = "PKG-F02"
#: The registry has no such province.
UNKNOWN_PROVINCE = "PKG-F03"
#: No valid key of the province gives the signature.
BAD_SIGNATURE = "PKG-F04"
#: Content that is not what the signed manifest lists, or not of the types of the format.
DAMAGED = "PKG-F05"
#: Units, levels and city do not add up, or another identity of the figures is broken.
BROKEN_SUMS = "PKG-F06"
#: The figures' digest is not that of the publication.
OTHER_DIGEST = "PKG-F07"
#: A later night, or a later publication of the same night, is held.
OLDER = "PKG-F08"
#: The same publication with other content.
CONTRADICTION = "PKG-F09"
#: A night that is not over yet.
FUTURE = "PKG-F10"
#: The file could not be read, or not in time.
UNREADABLE = "PKG-F11"

_SEND_AGAIN = said_text("ask the province to send the package again")
_PACKAGE_ANEW = said_text("ask the province to run `onestop verify` and to package the night again")
_CORRECT_REGISTRY = said_text(
    "ask the province, by a second way, for its code and key; if the registry is wrong, correct it"
    " and run `onestop federate --retry`"
)
#: What the national office does about each reason.
REASONS: dict[str, Said] = {
    NO_PACKAGE: _SEND_AGAIN,
    UNKNOWN_VERSION: said_text("install the release that reads this version"),
    UNKNOWN_PROVINCE: _CORRECT_REGISTRY,
    BAD_SIGNATURE: _CORRECT_REGISTRY,
    DAMAGED: _SEND_AGAIN,
    BROKEN_SUMS: _PACKAGE_ANEW,
    OTHER_DIGEST: _PACKAGE_ANEW,
    OLDER: said_text("nothing needs to be done: the later figures count"),
    CONTRADICTION: said_text("ask the province which one is right"),
    FUTURE: said_text(
        "compare this machine's clock with that of the province; once the night is over, run"
        " `onestop federate --retry`"
    ),
    UNREADABLE: said_text("if it is refused again, check the place and the rights to read it"),
}


class PackageRefusedError(OneStopError):
    """A package that is not taken in.

    Args:
        code: one of :data:`REASONS`.
        why: the reason, for people.
    """

    def __init__(self, code: str, why: Said) -> None:
        super().__init__(why, subject=code, remedy=REASONS[code])
        self.code = code
        self.why = why


class FederationError(OneStopError):
    """A key, a registry or a place of packages that cannot be used."""
