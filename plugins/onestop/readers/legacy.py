"""Signs of the old Vietnamese font encodings TCVN3 (.VnTime) and VNI.

Such text is legible only in its own font. It is recognised, never converted: a wrong guess would
change names and codes unnoticed.
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
#: Characters of those encodings that never occur beside a letter in Vietnamese.
_SIGNS = "µ¸¶·¹¨»¾¼½©®ª«¬øåäëïûöñæî÷þßØÅÄËÏÛÖÑÆÎÞ×"
_SIGN = re.compile(f"[A-Za-z][{_SIGNS}]|[{_SIGNS}][A-Za-z]")
_LEAST_TEXTS = 5
_LEAST_SHARE = 0.3


def as_unicode(text: str) -> tuple[str, str]:
    """The text decoded as TCVN3, and as VNI."""
    lower = text.lower()
    return (
        "".join(_TCVN3.get(letter, letter) for letter in text),
        _VNI_PAIR.sub(lambda match: _VNI[match.group()], lower),
    )


def looks_legacy(texts: Iterable[str | None]) -> bool:
    """Whether too many of these texts have signs of an old encoding for a coincidence."""
    given = {text for text in texts if text and not text.isascii()}
    signed = sum(1 for text in given if _SIGN.search(text))
    return signed >= _LEAST_TEXTS and signed >= _LEAST_SHARE * len(given)
