"""The published marts, opened read-only, and the published nights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onestop.errors import OneStopError
from onestop.record.reference_versions import keeps_reference
from onestop.said import said, said_text
from onestop.schema.did_you_mean import did_you_mean
from onestop.warehouse import NoWarehouseError, engine_of, open_warehouse

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection

    from onestop.settings import Settings
    from onestop.warehouse import Warehouse


#: How many published nights are listed near one that is not published.
_NEAR = 5


#: As many names are listed on a page.
_ON_PAGES = 60


class QuestionError(OneStopError):
    """A question has no answer; names what exists.

    Attributes:
        there_is: what exists, in words that fit a page as well: they name no command and no file.

    Args:
        what: as of any other error.
        subject: idem.
        remedy: idem.
        there_is: see above; empty where only the remedy says it.
    """

    def __init__(
        self, what: str, *, subject: str = "", remedy: str = "", there_is: str = ""
    ) -> None:
        super().__init__(what, subject=subject, remedy=remedy)
        self.there_is = said_text(there_is)


class UnknownNameError(QuestionError):
    """A question about a name that does not exist.

    Args:
        what: as of any other question.
        asked: the name.
        known: the names that exist.
        see: where they are listed, for a reader of the terminal.
        listed: those that a page lists; defaults to all.
    """

    def __init__(
        self,
        what: str,
        asked: str,
        known: Collection[str],
        *,
        see: str = "",
        listed: Collection[str] | None = None,
    ) -> None:
        super().__init__(
            what,
            remedy=did_you_mean(asked, known, see=see),
            there_is=did_you_mean(asked, known if listed is None else listed, most=_ON_PAGES),
        )


class EarlierReleaseError(QuestionError):
    """A question that only a night published by this release has an answer to."""


class NothingPublishedError(QuestionError):
    """The night asked for is not published."""


def open_published(settings: Settings) -> Warehouse:
    """Open the published marts, read-only.

    Args:
        settings: of this installation.

    Raises:
        NothingPublishedError: no night was published yet.
    """
    address = engine_of(settings.warehouse).readers_address(settings.warehouse, settings.published)
    try:
        return open_warehouse(address, read_only=True)
    except NoWarehouseError as error:
        raise NothingPublishedError(
            said("no night is published yet ({error})", error=error),
            remedy="run `onestop night` for a night that has its exports",
        ) from error


def refuse_earlier_release(warehouse: Warehouse) -> None:
    """Refuse to count dossiers on marts and reference rows of another release.

    Args:
        warehouse: from :func:`open_published`.

    Raises:
        EarlierReleaseError: an earlier release published last.
    """
    if not keeps_reference(warehouse):
        raise EarlierReleaseError(
            "an earlier release published the last night, with other reference rows",
            remedy="publish a night with this release, then ask again",
        )


def published_nights(warehouse: Warehouse) -> list[dt.date]:
    """All published nights, first to last."""
    rows = warehouse.rows("select distinct as_of_date from audit.publication order by as_of_date")
    return [row["as_of_date"] for row in rows]


def find_night(warehouse: Warehouse, as_of: dt.date | None) -> dt.date:
    """The published night to read; defaults to the last one.

    Args:
        warehouse: from :func:`open_published`.
        as_of: a published night, or None.

    Raises:
        NothingPublishedError: that night was not published.
    """
    nights = published_nights(warehouse)
    if not nights and has_national(warehouse):
        raise NothingPublishedError(
            "this national office has no night of a city of its own",
            remedy="see the nation's figures with `onestop nation`",
        )
    if not nights:
        raise NothingPublishedError("no night is published yet", remedy="run `onestop night` first")
    if as_of is None:
        return nights[-1]
    if as_of not in nights:
        raise NothingPublishedError(
            said("night {as_of} is not published", as_of=as_of),
            remedy=near_nights_text(nights, as_of),
        )
    return as_of


def has_national(warehouse: Warehouse) -> bool:
    """Whether a warehouse is that of a national office, which adds up packages of provinces."""
    return "publication" in warehouse.tables("national")


def near_nights_text(nights: list[dt.date], day: dt.date) -> str:
    """A sentence with the published nights that are nearest to a day.

    Args:
        nights: all published nights, at least one, first to last.
        day: any day.
    """
    near = sorted(sorted(nights, key=lambda night: abs((night - day).days))[:_NEAR])
    listed = ", ".join(map(str, near))
    if len(nights) <= _NEAR:
        return said("published: {nights}", nights=listed)
    return said(
        "published near it: {nights} (of {count} from {first} to {last})",
        nights=listed,
        count=len(nights),
        first=nights[0],
        last=nights[-1],
    )
