"""The offices of the sample: departments, districts by name, communes by number.

The fifteen districts and the number of communes in each are those of 2022; communes carry
neutral numbers instead of names, and how well an office works is drawn from the seed, so that
no figure can be read as a statement about a real office.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from onestop.sample.catalogue import PROCEDURES, Procedure
from onestop.sample.chance import Lots, comes_up

if TYPE_CHECKING:
    from collections.abc import Sequence

DEPARTMENTS = (
    "Văn phòng Ủy ban nhân dân thành phố",
    "Sở Nội vụ",
    "Sở Tư pháp",
    "Sở Thông tin và Truyền thông",
    "Sở Tài chính",
    "Sở Khoa học và Công nghệ",
    "Sở Kế hoạch và Đầu tư",
    "Thanh tra thành phố",
    "Sở Công Thương",
    "Sở Giáo dục và Đào tạo",
    "Sở Giao thông vận tải",
    "Sở Lao động - Thương binh và Xã hội",
    "Sở Nông nghiệp và Phát triển nông thôn",
    "Sở Ngoại vụ",
    "Sở Tài nguyên và Môi trường",
    "Sở Văn hóa và Thể thao",
    "Sở Du lịch",
    "Sở Xây dựng",
    "Sở Y tế",
    "Ban Quản lý Khu kinh tế",
)

#: District, then its number of phường, xã and thị trấn.
DISTRICTS = (
    ("quận Hồng Bàng", 9, 0, 0),
    ("quận Lê Chân", 15, 0, 0),
    ("quận Ngô Quyền", 12, 0, 0),
    ("quận Kiến An", 10, 0, 0),
    ("quận Hải An", 8, 0, 0),
    ("quận Đồ Sơn", 6, 0, 0),
    ("quận Dương Kinh", 6, 0, 0),
    ("huyện An Dương", 0, 15, 1),
    ("huyện An Lão", 0, 15, 2),
    ("huyện Bạch Long Vĩ", 0, 0, 0),
    ("huyện Cát Hải", 0, 10, 2),
    ("huyện Kiến Thụy", 0, 17, 1),
    ("huyện Tiên Lãng", 0, 20, 1),
    ("huyện Thủy Nguyên", 0, 35, 2),
    ("huyện Vĩnh Bảo", 0, 29, 1),
)

#: Share of all dossiers that each level receives.
LEVEL_SHARES = {"department": 0.17, "district": 0.36, "commune": 0.47}

_FIRST_DISTRICT = 31
_EXISTS_SINCE = dt.date(2010, 1, 1)
#: Share of offices with a queue machine, and with digitisation in use by the end of 2022.
_QUEUE_SHARES = {"department": 0.6, "district": 0.93, "phường": 0.4, "xã": 0.03, "thị trấn": 0.3}
_DIGITISED_SHARES = {"department": 0.85, "district": 0.55, "commune": 0.33}


@dataclass(frozen=True, slots=True, eq=False)
class Office:
    """One receiving office and its habits.

    Attributes:
        code: unit code below H24 (Hải Phòng).
        name: as in the register of units.
        level: ``department``, ``district`` or ``commune``.
        parent: the district of a commune.
        has_queue: whether visitors draw tickets from a machine.
        digitised_on: when the digitisation process came into use, or None.
        weight: its share of the dossiers of its level, relative.
        late_share: how often it finishes late.
        wait_minutes: its median waiting time at the counter.
        code_prefix: what its dossier codes begin with; some still use the older form.
        pool: the procedures that it handles.
        online_pool: those of them that can be submitted online.
    """

    code: str
    name: str
    level: str
    parent: Office | None
    has_queue: bool
    digitised_on: dt.date | None
    weight: float
    late_share: float
    wait_minutes: float
    code_prefix: str
    pool: Lots[Procedure]
    online_pool: Lots[Procedure]
    exists_since: dt.date = field(default=_EXISTS_SINCE)


def _late_share(rng: random.Random, level: str) -> float:
    """Most offices keep their promises; a quarter of the communes misses 98 % clearly."""
    if level == "department":
        return rng.uniform(0.003, 0.014)
    if level == "district":
        return rng.uniform(0.004, 0.03)
    return rng.uniform(0.03, 0.09) if comes_up(rng, 0.25) else rng.uniform(0.002, 0.012)


def _lots(procedures: Sequence[Procedure]) -> Lots[Procedure]:
    return Lots(procedures, (p.weight for p in procedures))


def _older_prefix(code: str) -> str:
    """``H24.14`` → ``000.00.14.H24``; ``H24.31.05`` → ``000.05.31.H24``."""
    province, unit, *below = code.split(".")
    return f"000.{below[0] if below else '00'}.{unit}.{province}"


def _office(
    seed: int,
    code: str,
    name: str,
    kind: str,
    procedures: tuple[Procedure, ...],
    *,
    parent: Office | None = None,
) -> Office:
    rng = random.Random(f"{seed}:office:{code}")
    level = kind if kind in LEVEL_SHARES else "commune"
    is_digitised = comes_up(rng, _DIGITISED_SHARES[level])
    first_step = dt.date(2021, 7, 1) if level == "department" else dt.date(2022, 3, 1)
    digitised_on = first_step + dt.timedelta(days=7 * rng.randrange(42))
    has_queue = comes_up(rng, _QUEUE_SHARES[kind])
    is_slow = comes_up(rng, 0.1)
    return Office(
        code=code,
        name=name,
        level=level,
        parent=parent,
        has_queue=has_queue,
        digitised_on=digitised_on if is_digitised else None,
        weight=rng.lognormvariate(0, 0.5),
        late_share=_late_share(rng, level),
        wait_minutes=rng.uniform(26, 38) if is_slow else rng.uniform(6, 14),
        code_prefix=_older_prefix(code) if comes_up(rng, 0.06) else code,
        pool=_lots(procedures),
        online_pool=_lots([p for p in procedures if p.is_online]),
    )


def offices(seed: int, communes: int | None = None) -> tuple[Office, ...]:
    """The receiving offices: 20 departments, 15 districts, 217 communes.

    Args:
        seed: their habits are drawn from it.
        communes: at most so many communes of each district, for a small city; all when None.
    """
    served = {
        level: tuple(p for p in PROCEDURES if p.level == level and not p.is_internal)
        for level in LEVEL_SHARES
    }
    found = [
        _office(
            seed,
            f"H24.{number:02d}",
            name,
            "department",
            tuple(p for p in served["department"] if p.owner == number),
        )
        for number, name in enumerate(DEPARTMENTS, start=1)
    ]
    for number, (name, *sizes) in enumerate(DISTRICTS, start=_FIRST_DISTRICT):
        code = f"H24.{number}"
        district = _office(seed, code, f"UBND {name}", "district", served["district"])
        found.append(district)
        for kind, size in zip(("phường", "xã", "thị trấn"), sizes, strict=True):
            before = sum(office.parent is district for office in found)
            wanted = size if communes is None else min(size, communes - before)
            found += [
                _office(
                    seed,
                    f"{code}.{before + n:02d}",
                    f"UBND {kind} {n:02d}, {name}",
                    kind,
                    served["commune"],
                    parent=district,
                )
                for n in range(1, wanted + 1)
            ]
    return tuple(found)
