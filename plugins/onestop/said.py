"""Sentences for people: written in English where they arise, translated where they are shown.

A sentence is a template with its values. It is the English text wherever a text is expected: in the
record, JSON and CSV. Where people read it (terminal, task logs, pages), it is shown in their
language. All translations are in the package :mod:`onestop.vietnamese`; a test holds that none is
missing. A dictionary serves this better than gettext: sentences are nested, one process shows both
languages at the same time, and nothing has to be compiled.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: The languages of what people read.
Language = Literal["vi", "en"]

#: Between thousands, and before decimals.
_MARKS: dict[Language, tuple[str, str]] = {"vi": (".", ","), "en": (",", ".")}


def whole(number: int, lang: Language) -> str:
    """A count with thousands marks: ``12.345`` or ``12,345``."""
    return f"{number:,}".replace(",", _MARKS[lang][0])


def decimal_text(number: Decimal, lang: Language) -> str:
    """A decimal number with the language's marks: ``1.234,5`` or ``1,234.5``."""
    thousands, point = _MARKS[lang]
    return f"{number:,f}".translate({ord(","): thousands, ord("."): point})


def counted(number: int, noun: str, plural: str = "") -> str:
    """A count with its English noun: ``1 dossier``, ``2 dossiers``, ``1,000 dossiers``.

    Args:
        number: the count.
        noun: in the singular.
        plural: defaults to the noun with ``s``.
    """
    return f"{whole(number, 'en')} {noun if number == 1 else plural or noun + 's'}"


class Said(str):
    """An English sentence that can be said in Vietnamese, too.

    Attributes:
        template: the English sentence with ``{name}`` for values.
        values: the values; those that are such sentences are translated with it.
    """

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, object]

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        """A copy, or what another process reads, is the English text."""
        return str, (str(self),)

    def in_language(self, lang: Language) -> str:
        """The sentence in a language; in English where it has no translation."""
        if lang == "en":
            return str(self)
        values = {name: in_language(value, lang) for name, value in self.values.items()}
        return _translations().get(self.template, self.template).format(**values)


def said(template: str, **values: object) -> Said:
    """A sentence from its English template.

    Args:
        template: with ``{name}`` for values.
        values: the values.
    """
    text = Said(template.format(**values))
    text.template, text.values = template, values
    return text


class SaidCount(Said):
    """A count with its noun: ``1 file``, ``2 files``; ``2 tệp``."""

    __slots__ = ()

    def in_language(self, lang: Language) -> str:
        """The count in a language."""
        if lang == "en":
            return str(self)
        from onestop.vietnamese.nouns import NOUNS  # noqa: PLC0415 - only for Vietnamese

        return f"{whole(int(str(self.values['number'])), lang)} {NOUNS[self.template]}"


def said_count(number: int, noun: str, plural: str = "") -> SaidCount:
    """A count.

    Args:
        number: how many.
        noun: in the English singular, one of :data:`onestop.vietnamese.nouns.NOUNS`.
        plural: in English; defaults to the noun with ``s``.
    """
    text = SaidCount(counted(number, noun, plural))
    text.template, text.values = noun, {"number": number}
    return text


class SaidNumber(Said):
    """A number with the marks of a language: ``12,345.6``; ``12.345,6``."""

    __slots__ = ()

    def in_language(self, lang: Language) -> str:
        """The number in a language."""
        return decimal_text(Decimal(str(self.values["number"])), lang)


def said_number(number: float, places: int = 0) -> SaidNumber:
    """A count, or another number that is compared with nothing, such as a size.

    Args:
        number: the number.
        places: decimals that it is rounded to.
    """
    rounded = Decimal(f"{number:.{places}f}")
    text = SaidNumber(decimal_text(rounded, "en"))
    text.template, text.values = "", {"number": rounded}
    return text


class SaidList(Said):
    """Several sentences with a mark between them."""

    __slots__ = ("parts",)

    parts: tuple[object, ...]

    def in_language(self, lang: Language) -> str:
        """Each of them in a language."""
        return self.template.join(str(in_language(part, lang)) for part in self.parts)


def said_list(parts: Iterable[object], mark: str = "; ") -> SaidList:
    """Several sentences or names in one text.

    Args:
        parts: the sentences.
        mark: stands between two of them.
    """
    given = tuple(parts)
    text = SaidList(mark.join(map(str, given)))
    text.template, text.values, text.parts = mark, {}, given
    return text


def said_either(names: Iterable[object]) -> Said:
    """Names of which one is meant: ``a, b or c``; empty without any."""
    given = list(names)
    if len(given) < 2:  # noqa: PLR2004 - nothing to choose from
        return said_list(given, ", ")
    return said("{several} or {last}", several=said_list(given[:-1], ", "), last=given[-1])


class SaidText(Said):
    """A text of the code without values; braces in it stand for themselves."""

    __slots__ = ()

    def in_language(self, lang: Language) -> str:
        """The text in a language; in English where it has no translation."""
        return str(self) if lang == "en" else _translations().get(self.template, str(self))


def said_text(text: str) -> Said:
    """A sentence as it is, or a text of the code as one."""
    if isinstance(text, Said):
        return text
    one = SaidText(text)
    one.template, one.values = str(text), {}
    return one


class SaidBoth(Said):
    """A text that is given in both languages, such as the sentence of a rule."""

    __slots__ = ()

    def in_language(self, lang: Language) -> str:
        """The text in a language."""
        return str(self) if lang == "en" else self.template


def said_both(*, vi: str, en: str) -> SaidBoth:
    """A text that is given in both languages.

    Args:
        vi: in Vietnamese.
        en: in English.
    """
    text = SaidBoth(en)
    text.template, text.values = vi, {}
    return text


class SaidBegun(Said):
    """A sentence with a capital first letter, as it stands after another one."""

    __slots__ = ("inner",)

    inner: Said

    def in_language(self, lang: Language) -> str:
        """The sentence in a language."""
        text = self.inner.in_language(lang)
        return text[:1].upper() + text[1:]


def said_begun(inner: Said) -> SaidBegun:
    """A sentence with a capital first letter."""
    text = SaidBegun(inner[:1].upper() + inner[1:])
    text.template, text.values, text.inner = "", {}, inner
    return text


@runtime_checkable
class _Translatable(Protocol):
    def in_language(self, lang: Language) -> str: ...


def in_language(text: object, lang: Language) -> object:
    """A sentence, or an error for people, in a language; any other value as it is."""
    return text.in_language(lang) if isinstance(text, _Translatable) else text


def translated(text: str, lang: Language) -> str:
    """A sentence, or a text of the code without values, in a language."""
    return said_text(text).in_language(lang)


def _translations() -> Mapping[str, str]:
    from onestop.vietnamese import SENTENCES  # noqa: PLC0415 - only for Vietnamese

    return SENTENCES
