"""Comparing headers and codes the way a person would: same words, whatever their bytes."""

from __future__ import annotations

import functools
import re
import unicodedata

_SPACES = re.compile(r"[\s\u00a0\u00ad\u2000-\u200f\u202f\u2060\u3000\ufeff]+")
_EDGES = " *:.;\"'="
#: Two ways of placing the tone over the same rhyme; neither is wrong, Unicode keeps both.
_TONES = dict(
    pair.split()
    for pair in (
        *("oà òa", "oá óa", "oả ỏa", "oã õa", "oạ ọa"),
        *("oè òe", "oé óe", "oẻ ỏe", "oẽ õe", "oẹ ọe"),
        *("uỳ ùy", "uý úy", "uỷ ủy", "uỹ ũy", "uỵ ụy"),
    )
)
_TONE = re.compile("|".join(_TONES))


def tidy(text: str) -> str:
    """Composed accents, one kind of space, none at the ends; ``Ð`` (eth) becomes ``Đ``."""
    composed = unicodedata.normalize("NFC", text).replace("Ð", "Đ").replace("ð", "đ")
    return _SPACES.sub(" ", composed).strip()


def fold_code(text: str) -> str:
    """What two spellings of the same code have in common; the staging SQL folds alike."""
    return tidy(text).lower()


@functools.lru_cache(maxsize=8192)
def fold_header(text: str) -> str:
    """What two spellings of the same header have in common.

    Case, composition of accents, placement of tones, spaces, underscores between words and
    closing marks such as ``*`` or ``:`` make no difference.
    """
    folded = tidy(text).strip(_EDGES).lower().replace(" ", "").replace("_", "")
    return _TONE.sub(lambda match: _TONES[match.group()], folded)
