"""The language of what people read: Vietnamese, or English by a switch."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from onestop.errors import OneStopError, SettingsError
from onestop.said import said, said_either, translated

if TYPE_CHECKING:
    import logging

    from onestop.said import Language

LANGUAGES: tuple[Language, ...] = ("vi", "en")
#: The variables of the operating system for the language of messages, the strongest first.
_LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")
_LOCALE_NAME = re.compile(r"\s*([a-z]{2})([_-][a-z]{2})?(\.[\w-]+)?(@\w+)?\s*", re.IGNORECASE)


def chosen_language(text: str | None = None) -> Language:
    """The language of what is shown: as asked for, else by ``LANG_UI``, else by ``LANG``.

    Args:
        text: ``vi`` or ``en``, also as the name of a locale such as ``en_US.UTF-8``; letters may be
            capital ones. Without it, the variable ``LANG_UI`` decides in the same form, then the
            operating system's ``LC_ALL``, ``LC_MESSAGES`` and ``LANG``; a locale of another
            language, such as ``C.UTF-8``, means Vietnamese.

    Raises:
        SettingsError: ``text`` or ``LANG_UI`` is another language.
    """
    if asked := text or os.environ.get("LANG_UI"):
        found = _language_of(asked)
        if found is None:
            raise SettingsError(
                said("{asked} is no language that texts are shown in", asked=asked),
                subject="lang" if text else "LANG_UI",
                remedy=said(
                    "write {languages}, or a locale such as vi_VN.UTF-8",
                    languages=said_either(LANGUAGES),
                ),
            )
        return found
    locale = next(filter(None, map(os.environ.get, _LOCALE)), "")
    return _language_of(locale) or "vi"


def shown_language() -> Language:
    """As :func:`chosen_language`; Vietnamese where ``LANG_UI`` is wrong, which others report."""
    try:
        return chosen_language()
    except OneStopError:
        return "vi"


def log(logger: logging.Logger, level: int, sentence: str) -> None:
    """Log a sentence in the language that is chosen.

    Args:
        logger: of the module.
        level: such as ``logging.WARNING``.
        sentence: from :func:`onestop.said.said`, or a text of the code.
    """
    if logger.isEnabledFor(level):
        logger.log(level, "%s", translated(sentence, shown_language()), stacklevel=2)


def _language_of(text: str) -> Language | None:
    found = _LOCALE_NAME.fullmatch(text)
    return next((one for one in LANGUAGES if found and found[1].lower() == one), None)
