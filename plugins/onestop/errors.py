"""The base class of all errors that people can act on."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from onestop.said import in_language, said_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onestop.said import Language


def first_line(error: Exception) -> str:
    """The first line of an error's message; its class where it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


class OneStopError(Exception):
    """An error whose cause lies outside of the code: a file, a setting, a server, a question.

    Commands print it as one message, without a traceback, and exit with a status. Any other
    exception is a fault of the code: one line with the place of its traceback.

    Args:
        what: what is wrong; the whole message where ``subject`` and ``remedy`` are empty. A text
            with values is from :func:`onestop.said.said`.
        subject: the file, setting or night that it is about.
        remedy: what to do; like ``what``.

    Attributes:
        language: of ``str(error)``: English, which is what the record keeps, except where
            :func:`errors_in` says otherwise.
    """

    #: Exit status of a command that ends with it.
    exit_status = 1
    language: Language = "en"

    def __init__(self, what: str, *, subject: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = said_text(what)
        self.subject = subject
        self.remedy = said_text(remedy)

    def __str__(self) -> str:
        """The message: ``subject: what; remedy``."""
        return self.in_language(self.language)

    def in_language(self, lang: Language) -> str:
        """The message in a language."""
        about = f"{in_language(self.subject, lang)}: " if self.subject else ""
        then = f"; {self.remedy.in_language(lang)}" if self.remedy else ""
        return f"{about}{self.what.in_language(lang)}{then}"


class SettingsError(OneStopError):
    """A variable of the environment whose value cannot be used."""


@contextmanager
def errors_in(lang: Language) -> Iterator[None]:
    """Let the message of an error that leaves this block be in a language."""
    try:
        yield
    except OneStopError as error:
        error.language = lang
        raise
