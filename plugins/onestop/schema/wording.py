"""Comparing headers and codes by their words, regardless of case, accents' encoding and spaces."""

from __future__ import annotations

import functools
import re
import unicodedata

_SPACES = re.compile(r"[\s\u00a0\u00ad\u2000-\u200f\u202f\u2060\u3000\ufeff]+")
_EDGES = " *:.;\"'="
#: Two usual placements of the tone mark on the same rhyme, which Unicode keeps apart.
_TONES = dict(
    pair.split()
    for pair in (
        *("oà òa", "oá óa", "oả ỏa", "oã õa", "oạ ọa"),
        *("oè òe", "oé óe", "oẻ ỏe", "oẽ õe", "oẹ ọe"),
        *("uỳ ùy", "uý úy", "uỷ ủy", "uỹ ũy", "uỵ ụy"),
    )
)
_TONE = re.compile("|".join(_TONES))
#: A unit's code, as H24.14 or 000.00.15.H24: a regular expression that SQL reads, too.
UNIT_CODE = r"(\d{3}\.\d{2}\.\d{2}\.H\d{2}|H\d{2}(\.\d{1,3}){0,3})"


def tidy(text: str) -> str:
    """The text with composed accents, plain spaces, none at the ends; ``Ð`` (eth) as ``Đ``."""
    composed = unicodedata.normalize("NFC", text).replace("Ð", "Đ").replace("ð", "đ")
    return _SPACES.sub(" ", composed).strip()


def fold_code(text: str) -> str:
    """The form in which two spellings of a code are equal; the staging SQL folds the same way."""
    return tidy(text).lower()


@functools.lru_cache(maxsize=8192)
def fold_header(text: str) -> str:
    """The form in which two spellings of a header are equal.

    Case, composition of accents, placement of tones, spaces, underscores between words and
    closing marks such as ``*`` or ``:`` make no difference.
    """
    folded = tidy(text).strip(_EDGES).lower().replace(" ", "").replace("_", "")
    return _TONE.sub(lambda match: _TONES[match.group()], folded)


def unit_code(text: str) -> str:
    """A unit's code in capitals and without blanks; a text of another form as it is."""
    spelled = re.sub(" ?([.-]) ?", r"\1", text).upper()
    return spelled if re.fullmatch(UNIT_CODE, spelled, re.ASCII) else text
