"""Signs of the old Vietnamese font encodings TCVN3 (.VnTime) and VNI.

Such text reads well only in its own font. It is recognised, never converted: a wrong guess would
change names and codes in silence.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_TCVN3 = dict(
    zip(
        "µ¸¶·¹¨»¾¼½Æ©ÇÊÈÉË®ÌÐÎÏÑªÒÕÓÔÖ×ÝØÜÞßãáâä«åèæçé¬êíëìîïóñòô\u00adõøö÷ùúýûüþ¡¢§£¤¥¦",
        "àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵĂÂĐÊÔƠƯ",
        strict=True,
    )
)
_VNI = {
    **{
        base + mark: marked
        for base, marks, accented in (
            ("a", "ùøûõïêéèúüëâáàåãä", "áàảãạăắằẳẵặâấầẩẫậ"),
            ("e", "ùøûõïâáàåãä", "éèẻẽẹêếềểễệ"),
            ("o", "ùøûõïâáàåãä", "óòỏõọôốồổỗộ"),
            ("ô", "ùøûõï", "ớờởỡợ"),
            ("u", "ùøûõï", "úùủũụ"),
            ("ö", "ùøûõï", "ứừửữự"),
            ("y", "ùøûõ", "ýỳỷỹ"),
        )
        for mark, marked in zip(marks, accented, strict=True)
    },
    **dict(zip("ôöñæóòî", "ơưđỉĩịỵ", strict=True)),
}
_VNI_PAIR = re.compile("|".join(sorted(map(re.escape, _VNI), key=len, reverse=True)))
#: Letters of those encodings that no Vietnamese word has, beside a letter.
_SIGNS = "µ¸¶·¹¨»¾¼½©®ª«¬øåäëïûöñæî÷þßØÅÄËÏÛÖÑÆÎÞ×"
_SIGN = re.compile(f"[A-Za-z][{_SIGNS}]|[{_SIGNS}][A-Za-z]")
_LEAST_TEXTS = 5
_LEAST_SHARE = 0.3


def as_unicode(text: str) -> tuple[str, str]:
    """What a text says if it is TCVN3, and if it is VNI."""
    lower = text.lower()
    return (
        "".join(_TCVN3.get(letter, letter) for letter in text),
        _VNI_PAIR.sub(lambda match: _VNI[match.group()], lower),
    )


def looks_legacy(texts: Iterable[str | None]) -> bool:
    """Whether so many of these texts bear signs of an old encoding that it is no coincidence."""
    given = {text for text in texts if text and not text.isascii()}
    signed = sum(1 for text in given if _SIGN.search(text))
    return signed >= _LEAST_TEXTS and signed >= _LEAST_SHARE * len(given)
