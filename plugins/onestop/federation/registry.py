"""The national office's registry: provinces, their public keys, and how late is late.

A CSV file of the national office, one row for each key (``ONESTOP_PROVINCES``):

- ``province_code``: as packages name it.
- ``name_vi``, ``name_en``: the province's names.
- ``public_key``: of Ed25519: ``ed25519:`` and base64; base64 alone is read, too.
- ``key_from``, ``key_to``: the days on which packages signed with it are taken in, by the clock of
  the national office; the second is the first day on which they are not. A revoked key gets the day
  of its revocation.
- ``late_after_days``: how many days a province's last night may lie before the nation's night.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from onestop.federation.refusal import FederationError
from onestop.federation.signing import key_id, public_key
from onestop.said import said, said_list

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from onestop.said import Said

COLUMNS = (
    "province_code",
    "name_vi",
    "name_en",
    "public_key",
    "key_from",
    "key_to",
    "late_after_days",
)
#: What a province's code may be: it is part of file names and of Airflow's partition keys.
PROVINCE_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_SHOWN = 10


@dataclass(frozen=True)
class Key:
    """A province's public key.

    Attributes:
        public: the key.
        first_day: from which packages signed with it are taken in.
        end_day: from which they are not any more; None while there is no such day.
    """

    public: Ed25519PublicKey = field(compare=False)
    key_id: str
    first_day: dt.date
    end_day: dt.date | None

    def is_valid_on(self, day: dt.date) -> bool:
        """Whether packages received on a day may be signed with it."""
        return self.first_day <= day and (self.end_day is None or day < self.end_day)


@dataclass(frozen=True)
class Province:
    """A province of the registry, with all of its keys."""

    province_code: str
    name_vi: str
    name_en: str
    late_after_days: int
    keys: tuple[Key, ...]


class _RowError(Exception):
    """A row of the registry that cannot be used."""

    def __init__(self, why: Said) -> None:
        super().__init__(why)
        self.why = why


#: The provinces by their codes.
Registry = dict[str, Province]


def read_registry(path: Path) -> Registry:
    """Read the registry.

    Raises:
        FederationError: it is not there, or rows of it cannot be used; names the lines.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FederationError(
            said("the registry of provinces cannot be read ({why})", why=type(error).__name__),
            subject=str(path),
            remedy="write it as docs/federation.md says, and set ONESTOP_PROVINCES",
        ) from None
    found: Registry = {}
    problems: list[Said] = []
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if tuple(reader.fieldnames or ()) != COLUMNS:
        columns = said("the columns are to be {columns}", columns=",".join(COLUMNS))
        problems.append(said("line {line}: {problem}", line=1, problem=columns))
    else:
        for row in reader:
            try:
                _add(found, row)
            except _RowError as unusable:
                problem = said("line {line}: {problem}", line=reader.line_num, problem=unusable.why)
                problems.append(problem)
    if not found and not problems:
        problems.append(said("it lists no province"))
    if problems:
        raise FederationError(
            said(
                "the registry of provinces needs correcting:\n  {problems}",
                problems=said_list(problems[:_SHOWN], "\n  "),
            ),
            subject=str(path),
        )
    return found


def _add(found: Registry, row: Mapping[str, str | None]) -> None:
    """Add a row to the provinces.

    Raises:
        _RowError: it cannot be used.
    """
    if None in row or None in row.values():
        raise _RowError(said("it does not have {count} cells", count=len(COLUMNS)))
    cells = {name: str(value).strip() for name, value in row.items()}
    code = cells["province_code"]
    if not PROVINCE_CODE.fullmatch(code):
        raise _RowError(
            said("{code} is no province_code; use letters, digits, '.', '_' and '-'", code=code)
        )
    if not cells["name_vi"] or not cells["name_en"]:
        raise _RowError(said("name_vi or name_en is empty"))
    if not cells["late_after_days"].isascii() or not cells["late_after_days"].isdigit():
        raise _RowError(said("late_after_days is no number of days"))
    province = Province(
        code,
        cells["name_vi"],
        cells["name_en"],
        int(cells["late_after_days"]),
        (_key(cells),),
    )
    known = found.setdefault(code, province)
    if known is province:
        return
    if (known.name_vi, known.name_en, known.late_after_days) != (
        province.name_vi,
        province.name_en,
        province.late_after_days,
    ):
        raise _RowError(
            said("{code} has other names or another late_after_days in a line before", code=code)
        )
    keys = (*known.keys, *province.keys)
    if len({key.key_id for key in keys}) < len(keys):
        raise _RowError(said("{code} has this key in a line before", code=code))
    found[code] = Province(code, known.name_vi, known.name_en, known.late_after_days, keys)


def _key(cells: Mapping[str, str]) -> Key:
    try:
        public = public_key(cells["public_key"])
    except ValueError:
        raise _RowError(
            said("public_key is no Ed25519 key; copy what `onestop package --new-key` prints")
        ) from None
    days = []
    for name in ("key_from", "key_to"):
        try:
            days.append(dt.date.fromisoformat(cells[name]) if cells[name] else None)
        except ValueError:
            raise _RowError(
                said("{column} is no date; write it as 2022-11-24", column=name)
            ) from None
    first, end = days
    if first is None:
        raise _RowError(said("key_from is empty"))
    return Key(public, key_id(public), first, end)


def registry_rows(registry: Registry) -> Iterator[dict[str, object]]:
    """The provinces without their keys, in order of their codes, for the warehouse."""
    for code in sorted(registry):
        province = registry[code]
        yield {
            "province_code": code,
            "name_vi": province.name_vi,
            "name_en": province.name_en,
            "late_after_days": province.late_after_days,
        }
