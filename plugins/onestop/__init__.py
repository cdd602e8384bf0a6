"""Counts one-stop offices' dossiers every night against Hải Phòng's 2022 reform plan.

The library does the work; ``dags/`` says when, ``sql/`` says what the numbers are,
``expectations/`` says what good data is, and ``sql/reference/`` says what was promised.

:func:`open_published` gives analysts the published figures as pandas data frames.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from onestop.version import __version__

if TYPE_CHECKING:
    from onestop.frames import PublishedFigures, open_published

__all__ = ["PublishedFigures", "__version__", "open_published"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    """Import what analysts use when it is used: pandas takes half a second."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("onestop.frames"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
