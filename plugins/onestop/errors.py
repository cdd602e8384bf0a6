"""The base class of all errors that people can act on."""

from __future__ import annotations


class OneStopError(Exception):
    """An error whose cause lies outside of the code: a file, a setting, a server, a question.

    Commands print it as one message, without a traceback, and exit with a status. Any other
    exception is a fault of the code: one line with the place of its traceback.

    Args:
        what: what is wrong; the whole message where ``subject`` and ``remedy`` are empty.
        subject: the file, setting or night that it is about.
        remedy: what to do.
    """

    #: Exit status of a command that ends with it.
    exit_status = 1

    def __init__(self, what: str, *, subject: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.subject = subject
        self.remedy = remedy

    def __str__(self) -> str:
        """The message: ``subject: what; remedy``."""
        about = f"{self.subject}: " if self.subject else ""
        then = f"; {self.remedy}" if self.remedy else ""
        return f"{about}{self.what}{then}"
