"""Faults of real exports, planted on purpose and counted by kind.

A share of the exported changes is faulty: the row in the nightly file is wrong in one way, but the
dossier's life is not affected. The office corrects most of these rows within days (the right row
is exported again); the others stay wrong until the dossier's next change, or for ever. Faults are
drawn independently of the lives, so a clean sample and a faulty one have the same dossiers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onestop.sample.chance import comes_up
from onestop.sample.life import ONLINE, RESOLVED, RETURNED, Life, Version
from onestop.sample.workdays import OPENING, SECONDS_PER_DAY, WorkingDays, stamp

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from onestop.sample.records import Record

_CORRECTED_SHARE = 0.7
_LATEST_CORRECTION_WORKDAYS = 5
#: A mistyped year, in the future of any later snapshot too.
_WRONG_YEARS = 3 * 365 * SECONDS_PER_DAY


def _days_off(record: Record, most: int) -> int:
    """A number of days, from 1, that depends on the dossier's code only."""
    code: str = record["MaHoSo"]
    return 1 + sum(code.encode()) % most


def _is_done(_life: Life, version: Version) -> bool:
    return version.status in (RESOLVED, RETURNED)


def _is_open(_life: Life, version: Version) -> bool:
    return version.received is not None and version.resolved is None


def _is_received(_life: Life, version: Version) -> bool:
    return version.received is not None


def _has_due(_life: Life, version: Version) -> bool:
    return version.due is not None


def _is_done_after_due_passed(life: Life, version: Version) -> bool:
    is_passed = version.due is not None and version.due < version.modified
    return is_passed and _is_done(life, version) and not version.edit


def _is_any(_life: Life, _version: Version) -> bool:
    return True


def _is_online(life: Life, _version: Version) -> bool:
    return life.channel == ONLINE


def _end_before_received(record: Record, version: Version) -> None:
    received = version.received or 0
    record["NgayKetThucXuLy"] = stamp(received - _days_off(record, 9) * SECONDS_PER_DAY)


def _due_before_received(record: Record, version: Version) -> None:
    received = version.received or 0
    record["NgayHenTra"] = stamp(received - _days_off(record, 30) * SECONDS_PER_DAY)


def _received_in_future(record: Record, version: Version) -> None:
    record["NgayTiepNhan"] = stamp((version.received or 0) + _WRONG_YEARS)
    record["NgayHenTra"] = stamp(version.due and version.due + _WRONG_YEARS)


def _ended_in_future(record: Record, version: Version) -> None:
    record["NgayKetThucXuLy"] = stamp((version.resolved or 0) + _WRONG_YEARS)


def _unknown_status(record: Record, _version: Version) -> None:
    record["TrangThaiHoSo"] = ("11", "99", "Đang xử lý")[_days_off(record, 3) - 1]


def _done_without_end(record: Record, _version: Version) -> None:
    record["NgayKetThucXuLy"] = ""


def _unreadable_date(record: Record, _version: Version) -> None:
    text = record["NgayTiepNhan"]
    record["NgayTiepNhan"] = f"{text[:4]}13{text[6:]}"


def _missing_channel(record: Record, _version: Version) -> None:
    record["KenhThucHien"] = ""


def _level_2_online(record: Record, _version: Version) -> None:
    record["MucDo"] = "2"


def _end_equals_due(record: Record, _version: Version) -> None:
    record["NgayKetThucXuLy"] = record["NgayHenTra"]


def _same_row(record: Record, _version: Version) -> None:
    """Change nothing: the row is written once more."""


def _other_content(record: Record, version: Version) -> None:
    """The same code and the same last change, but another deadline."""
    due = (version.due or version.modified) + _days_off(record, 9) * SECONDS_PER_DAY
    record["NgayHenTra"] = stamp(due)


@dataclass(frozen=True)
class Kind:
    """One way in which a row can be wrong.

    Attributes:
        applies: whether the row of this version can be wrong in this way.
        spoil: changes the record.
        is_further_row: whether the faulty record is a further one beside the right one.
    """

    applies: Callable[[Life, Version], bool]
    spoil: Callable[[Record, Version], None]
    is_further_row: bool = False


KINDS: dict[str, Kind] = {
    "end_before_received": Kind(_is_done, _end_before_received),
    "due_before_received": Kind(_has_due, _due_before_received),
    "received_in_future": Kind(_is_open, _received_in_future),
    "ended_in_future": Kind(_is_done, _ended_in_future),
    "unknown_status": Kind(_is_any, _unknown_status),
    "done_without_end": Kind(_is_done, _done_without_end),
    "unreadable_date": Kind(_is_received, _unreadable_date),
    "missing_channel": Kind(_is_any, _missing_channel),
    "level_2_online": Kind(_is_online, _level_2_online),
    "end_equals_due": Kind(_is_done_after_due_passed, _end_equals_due),
    "exact_repeat": Kind(_is_any, _same_row, is_further_row=True),
    "conflicting_duplicate": Kind(_is_received, _other_content, is_further_row=True),
}


def spoil_lives(
    lives: list[Life], rng: random.Random, percent: float, workdays: WorkingDays
) -> None:
    """Decide which versions of these dossiers are exported wrongly, and corrected later."""
    share = percent / 100
    if not share:
        return
    for life in lives:
        spoilt = [index for index in range(len(life.versions)) if comes_up(rng, share)]
        for index in reversed(spoilt):  # from the end: a correction is inserted behind
            _spoil_version(life, index, rng, workdays)


def _spoil_version(life: Life, index: int, rng: random.Random, workdays: WorkingDays) -> None:
    version = life.versions[index]
    kinds = [name for name, kind in KINDS.items() if kind.applies(life, version)]
    name = rng.choice(kinds)
    life.versions[index] = version._replace(spoilt=name)
    is_corrected = comes_up(rng, _CORRECTED_SHARE)
    day = workdays.after(version.night, rng.randint(1, _LATEST_CORRECTION_WORKDAYS))
    clock = OPENING + rng.randrange(8 * 3600)
    if not is_corrected or name == "exact_repeat":
        return
    is_last = index + 1 == len(life.versions)
    if is_last or day < life.versions[index + 1].night:
        corrected = version._replace(modified=day * SECONDS_PER_DAY + clock, edit="")
        life.versions.insert(index + 1, corrected)


def exported_rows(record: Record, version: Version) -> tuple[Record, Record | None]:
    """The row that is exported for this version, and a further one if it is a doubled one."""
    if not version.spoilt:
        return record, None
    kind = KINDS[version.spoilt]
    if kind.is_further_row:
        other = dict(record)
        kind.spoil(other, version)
        return record, other
    kind.spoil(record, version)
    return record, None
