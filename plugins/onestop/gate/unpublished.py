"""Nights that were run and are not published, for the pages.

They are in ``audit.night_run``, but not in the readers' copy, which only a publication makes. So a
small file lists them.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from onestop.files import write_whole
from onestop.said import said_both

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from onestop.said import Said
    from onestop.schema.number_text import Language


class NightRun(TypedDict):
    """How a night ended: columns of ``audit.night_run``."""

    as_of_date: dt.date
    state: str
    message: Said


#: How a night ended, for people.
NIGHT_STATES: dict[str, dict[Language, str]] = {
    "published": {"vi": "Đã công bố", "en": "Published"},
    "missing_delivery": {
        "vi": "Chưa công bố: thiếu tệp của đêm",
        "en": "Not published: a file of the night is missing",
    },
    "refused_delivery": {
        "vi": "Chưa công bố: tệp cần có của đêm bị từ chối",
        "en": "Not published: an expected file of the night was refused",
    },
    "exports_unread": {
        "vi": "Chưa công bố: không đọc được thư mục xuất dữ liệu",
        "en": "Not published: the exports could not be read",
    },
    "checks_failed": {
        "vi": "Chưa công bố: số liệu không qua kiểm tra",
        "en": "Not published: the figures failed their checks",
    },
}
#: The states of a night that waits for an expected file.
WAITING_FOR_FILES = frozenset({"missing_delivery", "refused_delivery"})


@dataclass(frozen=True)
class UnpublishedNight:
    """A night that readers do not see.

    Attributes:
        as_of_date: the night.
        state: how it ended, as in ``audit.night_run``.
        message: why, and what to do.
    """

    as_of_date: dt.date
    state: str
    message: Said


def note_unpublished(path: Path, runs: Iterable[NightRun]) -> None:
    """Write down the unpublished nights after the last published one.

    Args:
        path: the file to write.
        runs: how nights ended, the latest first.
    """
    waiting = []
    for run in runs:
        if run["state"] == "published":
            break
        night = run["as_of_date"].isoformat()
        message = run["message"]
        waiting.append(
            {
                "as_of_date": night,
                "state": run["state"],
                "message": str(message),
                "message_vi": message.in_language("vi"),
            }
        )
    write_whole(path, json.dumps(waiting, ensure_ascii=False, indent=1))


def unpublished_nights(path: Path) -> list[UnpublishedNight]:
    """Nights after the last published one that ended without a publication, the latest first.

    Args:
        path: written by :func:`note_unpublished`; an absent file means none.
    """
    if not path.is_file():
        return []
    return [
        UnpublishedNight(
            dt.date.fromisoformat(row["as_of_date"]),
            row["state"],
            # a file of an earlier release has the English alone
            said_both(vi=row.get("message_vi", row["message"]), en=row["message"]),
        )
        for row in json.loads(path.read_text(encoding="utf-8"))
    ]
