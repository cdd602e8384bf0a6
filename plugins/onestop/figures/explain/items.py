"""The items behind a figure: counted or left out, each with its reason and its evidence.

Dossiers, tickets, procedures, units and declarations have the same form: the amounts in numerator
and denominator, the reason, and the delivery and row. :class:`Kind` holds the differences.

:func:`read_items` reads them from the step of ``sql/mart`` that ``ref.indicator.item_step`` names.
Its columns:

- ``indicator_code`` and ``method_code`` (null: of all of them);
- the code of the item, such as ``dossier_code``: the next column;
- ``unit_code``, and ``unit_level`` by which it counts in a level and the city (null: it counts for
  ``unit_code`` alone);
- ``role``: ``numerator``, ``denominator`` (only) or ``left_out``;
- ``reason_code``, ``reason_vi``, ``reason_en``; a ``{name}`` in the texts stands for the column of
  that name, or for ``reason_<name>``, which nothing else shows;
- ``numerator``, ``denominator``: what it adds, if it is not one;
- ``delivery_id``, ``row_number``: the row it was read from;
- all others are shown as they are.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from onestop.figures.unit_names import LEVELS, label_column, unit_label
from onestop.marts.published import QuestionError
from onestop.progress import BATCH, counted_off
from onestop.said import said, said_text
from onestop.schema.number_text import day
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.warehouse.base import quoted_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from onestop.figures.known_issues import KnownIssue
    from onestop.marts.earlier_nights import FoundUnit, NightMarts
    from onestop.schema.number_text import Language
    from onestop.warehouse import Warehouse

Role = Literal["numerator", "denominator", "left_out"]
#: As they are listed: what is in the denominator only is what failed.
ROLES: tuple[Role, ...] = ("denominator", "numerator", "left_out")
Fact = str | int | dt.date | dt.datetime | None

#: The file of each loaded delivery.
DELIVERIES = "select distinct delivery_id, file_name from audit.delivery where state = 'loaded'"

#: What an item adds to numerator and denominator by default.
_ONE: Mapping[Role, tuple[int, int]] = {
    "numerator": (1, 1),
    "denominator": (0, 1),
    "left_out": (0, 0),
}


@dataclass(frozen=True)
class Kind:
    """A kind of items, and their columns.

    Attributes:
        name: plural, in JSON and messages: ``dossiers``.
        code: name of the identifying column: ``dossier_code``.
        facts: names of the further columns.
    """

    name: str
    code: str
    facts: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all columns, in order."""
        own = () if self.code == "unit_code" else ("unit_code", "unit_name")
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
    """Why an item counts as it does.

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
    """One item and its role in the figure.

    Attributes:
        code: its code.
        unit_code: the unit that it counts for.
        role: in the numerator (and so in the denominator), in the denominator only, or left out.
        reason_code: its class at the end of the span, or why it is left out.
        reason_vi: the reason, in Vietnamese.
        reason_en: the reason, in English.
        facts: its further columns, by name.
        delivery_id: the delivery it was last read in.
        file_name: that delivery's file.
        row_number: the row in that file.
        numerator: what it adds to the numerator; None if it was declared without one.
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

    def cells(self, kind: Kind, unit_names: Mapping[str, str]) -> dict[str, Fact]:
        """All its values, by the names of its kind's columns.

        Args:
            kind: of the item.
            unit_names: names of units, levels and the city by code, from :func:`unit_names_in`.
        """
        name = unit_names.get(self.unit_code or "")
        own = {"unit_name": name, kind.code: self.code, **self.facts}
        return {name: own[name] if name in own else getattr(self, name) for name in kind.columns}


@dataclass(frozen=True)
class Explanation:
    """A figure with its items.

    Attributes:
        kind: the kind of the items.
        indicator_code: the indicator.
        method_code: the method.
        unit_code: a unit, a level (``DISTRICT``) or ``CITY``.
        unit_name: its name.
        first: first day of the span.
        last: last day of the span.
        as_of: the published night.
        items: all items that concern the span, those of the denominator only first: they failed.
        published: the published numerator and denominator for this span, if any.
        runs_until: the last day of the published figure's period, if that still ran on the night
            and the figure is that of its days so far; else None.
        no_data_reason_vi: why there is no figure, in Vietnamese; None if there is one.
        no_data_reason_en: the same in English.
        known_issues: the known faults of the data that affect it.
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
    known_issues: tuple[KnownIssue, ...] = ()
    runs_until: dt.date | None = None

    @cached_property
    def numerator(self) -> int | None:
        """The items' sum in the numerator, such as dossiers or seconds."""
        return total(item.numerator for item in self.items)

    @cached_property
    def denominator(self) -> int | None:
        """The items' sum in the denominator, such as dossiers or visits."""
        return total(item.denominator for item in self.items)

    @property
    def agrees(self) -> bool | None:
        """Whether it adds up to the published figure; None when none was published for the span."""
        if self.published is None:
            return None
        return self.published == (self.numerator, self.denominator)

    def chosen(self, role: Role | None = None, limit: int | None = None) -> list[CountedItem]:
        """The items to list, those that failed first.

        Args:
            role: only those of this role; defaults to all.
            limit: at most so many of each role; defaults to all.
        """
        return [
            item
            for one in ROLES
            if role in {None, one}
            for item in islice((each for each in self.items if each.role == one), limit)
        ]

    def require_agreement(self) -> None:
        """Refuse items that do not add up to the published figure.

        Raises:
            QuestionError: names both sums.
        """
        if self.agrees is not False or self.published is None:
            return
        published = "/".join(map(_number, self.published))
        sums = f"{_number(self.numerator)}/{_number(self.denominator)}"
        raise QuestionError(
            said(
                "the {name} add up to {sums}, but {published} is published for this span, so"
                " they are not listed",
                name=said_text(self.kind.name),
                sums=sums,
                published=published,
            ),
            remedy=said(
                "tell the engineer on duty, who runs `onestop verify --as-of {night}`",
                night=self.as_of,
            ),
        )


def unit_names_in(warehouse: Warehouse, lang: Language) -> dict[str, str]:
    """The names of all units by code; those of levels and of the city in a language."""
    rows = warehouse.rows(f"select unit_code, {label_column(warehouse)} as label from mart.unit")
    names = {row["unit_code"]: unit_label(row["unit_code"], row["label"], lang) for row in rows}
    return {**names, **{code: unit_label(code, None, lang) for code in LEVELS}}


def _number(amount: int | None) -> str:
    return "—" if amount is None else str(amount)


@dataclass(frozen=True)
class Question:
    """The figure to explain.

    Attributes:
        warehouse: the published marts, open.
        marts: the marts of the night, over the span.
        indicator: indicator code.
        method: method code.
        unit: the unit, level or city.
        first: first day of the span.
        last: last day of the span.
        night: the published night.
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
        """The last day of the span, or the night if it is earlier."""
        return min(self.last, self.night)


def reason(texts: Mapping[str, tuple[str, str]], code: str, **values: Fact) -> Reason:
    """The reason of that code, in both languages.

    Args:
        texts: Vietnamese and English for each code, with ``{name}`` for values.
        code: the reason's code.
        values: the values for the names; dates are written as usual in each language.
    """
    vi, en = texts[code]
    return Reason(
        code, vi.format_map(_FactTexts(values, "vi")), en.format_map(_FactTexts(values, "en"))
    )


class _FactTexts(dict[str, str]):
    """Facts as text by their names; each text is made when it is asked for."""

    def __init__(self, values: Mapping[str, Fact], lang: Language) -> None:
        super().__init__()
        self._values, self._lang = values, lang

    def __missing__(self, name: str) -> str:
        return fact_text(self._values[name], self._lang)


def fact_text(value: Fact, lang: Language) -> str:
    """A fact as text for people; a dash for none."""
    if value is None:
        return "—"
    if isinstance(value, dt.datetime):
        return f"{day(value, lang)} {value:%H:%M:%S}"
    if isinstance(value, dt.date):
        return day(value, lang)
    return str(value)


#: Names of the kinds by their code; of others, the code without its ending.
_NAMES = {"unit_code": "units", "document_number": "declarations"}
#: Columns of an item step that are no facts.
_COMMON = {
    "indicator_code",
    "method_code",
    "unit_code",
    "unit_level",
    "role",
    "numerator",
    "denominator",
    "delivery_id",
    "file_name",
    "row_number",
}


def kind_of(columns: Sequence[str]) -> Kind:
    """The kind of the items of a step, by its columns."""
    code = columns[2]
    facts = tuple(
        name for name in columns if name not in {*_COMMON, code} and not name.startswith("reason_")
    )
    return Kind(_NAMES.get(code, f"{code.removesuffix('_code')}s"), code, facts)


def known_methods(question: Question, item_step: str) -> list[str]:
    """The methods that have items of the question's indicator."""
    file, _, step = item_step.rpartition(".")
    rows = question.warehouse.rows(
        "select distinct method_code from"
        f" ({question.marts.step_query(file, step)}) as item"
        f" where indicator_code = {quoted_text(question.indicator)} and method_code is not null"
        " order by method_code"
    )
    return [row["method_code"] for row in rows]


def read_items(question: Question, item_step: str) -> tuple[Kind, list[CountedItem]]:
    """The items of a step that concern the question's unit.

    Args:
        question: the figure.
        item_step: the step, as in ``ref.indicator``: ``indicator/declared.item``.
    """
    found = question.warehouse.arrow(
        f"select item.*, delivery.file_name from ({items_query(question, item_step)}) as item"
        f" left join ({DELIVERIES}) as delivery on item.delivery_id = delivery.delivery_id"
    )
    kind = kind_of(found.column_names)
    return kind, [item_from(kind, row) for row in counted_off(found.to_pylist(), every=BATCH)]


def items_query(question: Question, item_step: str) -> str:
    """The query of the items of a step that concern the question's unit.

    Args:
        question: the figure.
        item_step: the step, as in ``ref.indicator``: ``indicator/declared.item``.
    """
    file, _, step = item_step.rpartition(".")
    items = question.marts.step_query(file, step)
    return (
        f"select item.* from ({items}) as item"
        f" where coalesce(item.indicator_code, {quoted_text(question.indicator)})"
        f" = {quoted_text(question.indicator)}"
        f" and coalesce(item.method_code, {quoted_text(question.method)})"
        f" = {quoted_text(question.method)}"
        f" and {question.unit.counts('item')}"
    )


def item_from(kind: Kind, row: Mapping[str, Any]) -> CountedItem:
    """An item from a row of :func:`items_query`, with its ``file_name``."""
    values = {name.removeprefix("reason_"): value for name, value in row.items()}
    why = Reason(
        row["reason_code"],
        (row["reason_vi"] or row["reason_code"]).format_map(_FactTexts(values, "vi")),
        (row["reason_en"] or row["reason_code"]).format_map(_FactTexts(values, "en")),
    )
    amounts = (row["numerator"], row["denominator"]) if "numerator" in row else None
    return counted(kind, row, row["role"], why, amounts)


def counted(
    kind: Kind,
    row: Mapping[str, Any],
    role: Role,
    why: Reason,
    amounts: tuple[int | None, int | None] | None = None,
) -> CountedItem:
    """An item from a row of a query.

    Args:
        kind: the kind; the row has its code, its facts, ``unit_code``, delivery and row number.
        row: from the warehouse.
        role: its role.
        why: the reason.
        amounts: what it adds to numerator and denominator; defaults to one each, by its role.
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
    """The sum; None if one of them was declared without a number."""
    whole = 0
    for amount in amounts:
        if amount is None:
            return None
        whole += amount
    return whole
