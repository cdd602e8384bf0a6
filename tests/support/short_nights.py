"""Nights without mart suites, pages and lists of units, for tests that are about none of them.

They take a third of a small night. A test or a module with the marker
``whole_night`` runs them, and so does every command in a process of its own interpreter.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from onestop import night as night_module
from onestop.gate import MartsVerdict

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

_check_marts, _render_reports = night_module.check_marts, night_module.render_reports
_write_due_soon = night_module.write_due_soon
_whole = False


def install() -> None:
    """Make this process's nights short."""
    night_module.check_marts = _checked
    night_module.render_reports = _rendered
    night_module.write_due_soon = _listed


def set_whole(*, whole: bool) -> None:
    """Whether nights run their suites and write their pages from now on."""
    global _whole  # noqa: PLW0603 - one state per process
    _whole = whole


def is_whole() -> bool:
    """Whether nights run their suites and write their pages."""
    return _whole


@contextmanager
def whole_nights() -> Iterator[None]:
    """Run whole nights in this block."""
    before = _whole
    set_whole(whole=True)
    try:
        yield
    finally:
        set_whole(whole=before)


def _checked(source: object, as_of: dt.date, **named: object) -> MartsVerdict:
    return _check_marts(source, as_of, **named) if _whole else MartsVerdict(as_of, {})


def _rendered(*arguments: object, **named: object) -> object:
    return _render_reports(*arguments, **named) if _whole else None


def _listed(*arguments: object) -> None:
    if _whole:
        _write_due_soon(*arguments)
