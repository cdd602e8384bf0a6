"""The settings of a national office, read from the environment where they are needed."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

from onestop.federation.refusal import FederationError
from onestop.said import said
from onestop.schema.time_zone import LOCAL_ZONE


def registry_file() -> Path:
    """The file of the registry of provinces (``ONESTOP_PROVINCES``).

    Raises:
        FederationError: the variable is not set.
    """
    named = os.environ.get("ONESTOP_PROVINCES")
    if not named:
        raise FederationError(
            "no registry of provinces is named",
            subject="ONESTOP_PROVINCES",
            remedy="set it to the CSV file that docs/federation.md describes",
        )
    return Path(named).expanduser().absolute()


def packages_from_environment(*, is_needed: bool = True) -> list[str]:
    """Where packages are looked for (``ONESTOP_PACKAGES``, separated by blanks).

    Args:
        is_needed: whether there has to be a place.

    Raises:
        FederationError: the variable is not set, and a place is needed.
    """
    places = os.environ.get("ONESTOP_PACKAGES", "").split()
    if is_needed and not places:
        raise FederationError(
            "no place of packages is named",
            subject="ONESTOP_PACKAGES",
            remedy="set it to folders and addresses, or name them after the command",
        )
    return places


def fewest_provinces(of: int) -> int:
    """How many provinces the nation's figures wait for (``ONESTOP_NATION_MINIMUM``).

    Args:
        of: the provinces of the registry, which are the default.

    Raises:
        FederationError: the variable holds no such number.
    """
    text = os.environ.get("ONESTOP_NATION_MINIMUM") or str(of)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= of:
        raise FederationError(
            said("{text} is no number of provinces from 1 to {most}", text=text, most=of),
            subject="ONESTOP_NATION_MINIMUM",
            remedy="write it as 60",
        )
    return int(text)


def nation_publishes_by(night: dt.date) -> dt.datetime:
    """When the nation's figures are published even if provinces are missing.

    It is ``ONESTOP_NATION_BY`` (default 09:00) of the following day.

    Raises:
        FederationError: the variable is no time of day.
    """
    text = os.environ.get("ONESTOP_NATION_BY") or "09:00"
    try:
        clock = dt.time.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise FederationError(
            said("{text} is no time of day", text=text),
            subject="ONESTOP_NATION_BY",
            remedy="write it as 09:00",
        ) from None
    return dt.datetime.combine(night + dt.timedelta(days=1), clock, LOCAL_ZONE)
