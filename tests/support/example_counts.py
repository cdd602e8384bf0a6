"""Numbers of Hypothesis examples, for the profile that ``tests/conftest.py`` loads."""

from __future__ import annotations

from hypothesis import settings

_LONGER = 10


def examples(count: int, *, in_long: int | None = None) -> int:
    """Number of examples for a costly property.

    Args:
        count: in the profiles ``dev`` and ``ci``.
        in_long: in the profile ``long``; defaults to ten times as many.
    """
    if settings.get_current_profile_name() == "long":
        return in_long or _LONGER * count
    return count
