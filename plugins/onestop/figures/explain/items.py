"""The items behind a figure: counted or left out, each with its reason and its evidence.

Dossiers, tickets, procedures, units and declarations have one form: what the item adds to the
numerator and to the denominator, why, and the delivery and row it was read from. What differs
between them is in :class:`Kind`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from onestop.schema.number_text import day
from onestop.schema.time_zone import LOCAL_ZONE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from onestop.marts.earlier_nights import FoundUnit, NightMarts
    from onestop.schema.number_text import Language
    from onestop.warehouse import Warehouse

Role = Literal["numerator", "denominator", "left_out"]
ROLES: tuple[Role, ...] = ("numerator", "denominator", "left_out")
Fact = str | int | dt.date | dt.datetime | None

#: The file of each loaded delivery.
DELIVERIES = "select distinct delivery_id, file_name from audit.delivery where state = 'loaded'"

#: What a item adds to numerator and denominator, unless its kind says otherwise.
_ONE: Mapping[Role, tuple[int, int]] = {
    "numerator": (1, 1),
    "denominator": (0, 1),
    "left_out": (0, 0),
}


@dataclass(frozen=True)
class Kind:
    """What is counted, and what is told of each.

    Attributes:
        name: of all of them in JSON, and in messages: ``dossiers``.
        code: name of the column that tells which one: ``dossier_code``.
        facts: names of what else is told of each.
        shown: columns of the page for people, between code and reason.
    """

    name: str
    code: str
    facts: tuple[str, ...]
    shown: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all that is written of each one, in order."""
        own = () if self.code == "unit_code" else ("unit_code",)
        return (
            self.code,
            *own,
            "role",
            "reason_code",
            "reason_vi",
            "reason_en",
            *self.facts,
            "delivery_id",
            "file_name",
            "row_number",
            "numerator",
            "denominator",
        )


@dataclass(frozen=True)
class Reason:
    """Why a item counts as it does.

    Attributes:
        code: for machines.
        vi: in Vietnamese.
        en: in English.
    """

    code: str
    vi: str
    en: str


@dataclass(frozen=True)
class CountedItem:
    """One item and what it counted as.

    Attributes:
        code: which one.
        unit_code: where it is counted.
        role: in the numerator (and so in the denominator), in the denominator only, or left out.
        reason_code: why, as a code: its class at the end of the span, or what keeps it out.
        reason_vi: why, in Vietnamese.
        reason_en: why, in English.
        facts: what else its kind tells of it, by name.
        delivery_id: the delivery it was last read in.
        file_name: that delivery's file.
        row_number: the row in that file.
        numerator: what it adds to the figure's numerator; None where it was declared without one.
        denominator: what it adds to the denominator, likewise.
    """

    code: str
    unit_code: str | None
    role: Role
    reason_code: str
    reason_vi: str
    reason_en: str
    facts: Mapping[str, Fact]
    delivery_id: str | None
    file_name: str | None
    row_number: int | None
    numerator: int | None
    denominator: int | None

    def cells(self, kind: Kind) -> dict[str, Fact]:
        """All that is written of it, by the names of its kind's columns."""
        own = {kind.code: self.code, **self.facts}
        return {name: own[name] if name in own else getattr(self, name) for name in kind.columns}


@dataclass(frozen=True)
class Explanation:
    """A figure with what is behind it.

    Attributes:
        kind: what is counted.
        indicator_code: which figure.
        method_code: how it is counted.
        unit_code: whose; a unit, a level (``DISTRICT``) or ``CITY``.
        unit_name: its name.
        first: first day of the span.
        last: last day of the span.
        as_of: the published night it is told from.
        items: all that touch the span, numerator first.
        published: numerator and denominator that were published for exactly this span, if any.
        no_data_reason_vi: why there is no figure, in Vietnamese; None where there is one.
        no_data_reason_en: the same in English.
    """

    kind: Kind
    indicator_code: str
    method_code: str
    unit_code: str
    unit_name: str
    first: dt.date
    last: dt.date
    as_of: dt.date
    items: tuple[CountedItem, ...]
    published: tuple[int | None, int | None] | None
    no_data_reason_vi: str | None
    no_data_reason_en: str | None

    @property
    def numerator(self) -> int | None:
        """What the items add up to in the numerator, such as dossiers or seconds."""
        return total(item.numerator for item in self.items)

    @property
    def denominator(self) -> int | None:
        """What they add up to in the denominator, such as dossiers or visits."""
        return total(item.denominator for item in self.items)

    @property
    def agrees(self) -> bool | None:
        """Whether it adds up to the published figure; None when none was published for the span."""
        if self.published is None:
            return None
        return self.published == (self.numerator, self.denominator)


@dataclass(frozen=True)
class Question:
    """One figure that is asked about.

    Attributes:
        warehouse: the published marts, open.
        marts: the marts of the night, over the span.
        indicator: indicator code.
        method: method code.
        unit: whose figure.
        first: first day of the span.
        last: last day of the span.
        night: the published night it is told from.
    """

    warehouse: Warehouse
    marts: NightMarts
    indicator: str
    method: str
    unit: FoundUnit
    first: dt.date
    last: dt.date
    night: dt.date

    @property
    def until(self) -> dt.date:
        """The last day of the span that the night knows of."""
        return min(self.last, self.night)


@dataclass(frozen=True)
class Explainer:
    """How the items behind an indicator are found.

    Attributes:
        kind: what is counted.
        methods: codes of the ways of counting that it knows.
        items: finds them; raises QuestionError where there is no such figure for the unit.
    """

    kind: Kind
    methods: tuple[str, ...]
    items: Callable[[Question], Iterable[CountedItem]]


def reason(texts: Mapping[str, tuple[str, str]], code: str, **values: Fact) -> Reason:
    """The reason of that code, in both languages.

    Args:
        texts: Vietnamese and English for each code, with ``{name}`` for values.
        code: which.
        values: what stands for the names; dates are written as each language does.
    """
    vi, en = texts[code]
    return Reason(
        code, vi.format(**_fact_texts(values, "vi")), en.format(**_fact_texts(values, "en"))
    )


def _fact_texts(values: Mapping[str, Fact], lang: Language) -> dict[str, str]:
    return {name: fact_text(value, lang) for name, value in values.items()}


def fact_text(value: Fact, lang: Language) -> str:
    """A fact as people read it; a dash where there is none."""
    if value is None:
        return "—"
    if isinstance(value, dt.datetime):
        return f"{day(value, lang)} {value:%H:%M:%S}"
    if isinstance(value, dt.date):
        return day(value, lang)
    return str(value)


def counted(
    kind: Kind,
    row: Mapping[str, Any],
    role: Role,
    why: Reason,
    amounts: tuple[int | None, int | None] | None = None,
) -> CountedItem:
    """A row of a query as a item that counts.

    Args:
        kind: what it is; the row has its code, its facts, ``unit_code`` and the place it was read.
        row: from the warehouse.
        role: what it counts as.
        why: the reason.
        amounts: what it adds to numerator and denominator; one each, by its role, unless told.
    """
    numerator, denominator = _ONE[role] if amounts is None else amounts
    return CountedItem(
        code=row[kind.code],
        unit_code=row["unit_code"],
        role=role,
        reason_code=why.code,
        reason_vi=why.vi,
        reason_en=why.en,
        facts={name: _local(row[name]) for name in kind.facts},
        delivery_id=row["delivery_id"],
        file_name=row["file_name"],
        row_number=row["row_number"],
        numerator=numerator,
        denominator=denominator,
    )


def _local(value: Fact) -> Fact:
    return value.astimezone(LOCAL_ZONE) if isinstance(value, dt.datetime) else value


def total(amounts: Iterable[int | None]) -> int | None:
    """The sum; None where one of them was declared without a number."""
    whole = 0
    for amount in amounts:
        if amount is None:
            return None
        whole += amount
    return whole
