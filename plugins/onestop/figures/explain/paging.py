"""One page of the items behind a figure, chosen and counted by the warehouse.

An explanation holds all items of a figure; a page of the browser shows a few of them. So here the
warehouse filters, sorts and counts the same items, by the same step of ``sql/mart``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from onestop.figures.explain.checks import CHECKED, find_checked, finding_texts
from onestop.figures.explain.items import (
    DELIVERIES,
    ROLES,
    CountedItem,
    Kind,
    Role,
    item_from,
    items_query,
    kind_of,
    total,
)
from onestop.warehouse.base import quoted, quoted_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from onestop.figures.explain.asking import Asked
    from onestop.figures.explain.items import Question

#: The roles as people ask for them: what failed first.
FAILING_FIRST: tuple[Role, ...] = ("denominator", "left_out", "numerator")
AMOUNTS_FIRST: tuple[Role, ...] = ("denominator", "numerator", "left_out")
#: Items of these kinds are dossiers, which can be searched by their procedure too.
_DOSSIER = "dossier_code"
_ITEMS = "asked_items"


@dataclass(frozen=True)
class ItemFilter:
    """Which items to show.

    Attributes:
        role: only these; None for all.
        reason_code: only those with this reason.
        text: only those whose code contains it, or whose procedure has this key.
    """

    role: Role | None = None
    reason_code: str | None = None
    text: str = ""


@dataclass(frozen=True)
class ReasonCount:
    """How many items have one role for one reason.

    Attributes:
        role: their role.
        reason_code: the reason.
        reason_vi: the reason in Vietnamese; ``…`` stands for what differs among them.
        reason_en: the same in English.
        items: their number.
        numerator: what they add to the numerator.
        denominator: likewise to the denominator.
    """

    role: Role
    reason_code: str
    reason_vi: str
    reason_en: str
    items: int
    numerator: int | None
    denominator: int | None


@dataclass(frozen=True)
class FoundItems:
    """The items of a figure, some of them.

    Attributes:
        kind: of the items.
        counts: all items of the figure by role and reason, what failed first.
        matching: number of items that the filter chooses.
        items: those of the page.
    """

    kind: Kind
    counts: tuple[ReasonCount, ...]
    matching: int
    items: tuple[CountedItem, ...]

    @property
    def numerator(self) -> int | None:
        """The sum of all items in the numerator."""
        return total(count.numerator for count in self.counts)

    @property
    def denominator(self) -> int | None:
        """The sum of all items in the denominator."""
        return total(count.denominator for count in self.counts)


def find_items(
    asked: Asked, chosen: ItemFilter, offset: int = 0, limit: int | None = None
) -> FoundItems:
    """The items of a figure that a filter chooses, what failed first.

    Args:
        asked: the question.
        chosen: which items.
        offset: number of items to skip.
        limit: at most so many items; None for all.
    """
    if asked.is_check:
        return _find_checked(asked, chosen, offset, limit)
    question = asked.question
    warehouse = question.warehouse
    warehouse.execute(f"create temporary table {_ITEMS} as {items_query(question, asked.step)}")
    try:
        columns = list(warehouse.arrow(f"select * from {_ITEMS} limit 0").column_names)
        kind = kind_of(columns)
        amounts = _amounts(columns)
        counts = _count(asked, amounts, _rank(columns))
        condition = _condition(asked, kind, chosen)
        matching = int(
            warehouse.value(f"select count(*) from {_ITEMS} as item where {condition}") or 0
        )
        rank = _rank(columns)
        rows = warehouse.arrow(
            "select item.*, delivery.file_name from"
            f" (select item.*, {rank} as role_rank, {amounts[0]} as counts_for"
            f" from {_ITEMS} as item where {condition}"
            f" order by role_rank, counts_for desc nulls last, {quoted(kind.code)},"
            " delivery_id, row_number, reason_code"
            + (f" limit {int(limit)}" if limit is not None else "")
            + f" offset {int(offset)}) as item"
            f" left join ({DELIVERIES}) as delivery on item.delivery_id = delivery.delivery_id"
            f" order by role_rank, counts_for desc nulls last, item.{quoted(kind.code)},"
            " item.delivery_id, row_number, reason_code"
        ).to_pylist()
    finally:
        warehouse.execute(f"drop table {_ITEMS}")
    items = tuple(item_from(kind, row) for row in rows)
    return FoundItems(kind, counts, matching, items)


def _amounts(columns: Sequence[str]) -> tuple[str, str]:
    """What an item adds to numerator and denominator, as SQL."""
    if "numerator" in columns:
        return "item.numerator", "item.denominator"
    return (
        "case when item.role = 'numerator' then 1 else 0 end",
        "case when item.role = 'left_out' then 0 else 1 end",
    )


def _rank(columns: Sequence[str]) -> str:
    """The order of roles as SQL: what failed first; of amounts such as waits, the counted ones."""
    order = AMOUNTS_FIRST if "numerator" in columns else FAILING_FIRST
    ranks = " ".join(f"when {quoted_text(role)} then {rank}" for rank, role in enumerate(order))
    return f"case item.role {ranks} end"


def _count(asked: Asked, amounts: tuple[str, str], rank: str) -> tuple[ReasonCount, ...]:
    rows = asked.question.warehouse.rows(
        "select role, reason_code, min(reason_vi) as reason_vi, min(reason_en) as reason_en,"
        f" count(*) as items, sum({amounts[0]}) as numerator, count({amounts[0]}) as numerators,"
        f" sum({amounts[1]}) as denominator, count({amounts[1]}) as denominators"
        f" from {_ITEMS} as item group by role, reason_code"
        f" order by min({rank}), count(*) desc, reason_code"
    )
    return tuple(
        ReasonCount(
            role=row["role"],
            reason_code=row["reason_code"],
            reason_vi=(row["reason_vi"] or row["reason_code"]).format_map(_Ellipses()),
            reason_en=(row["reason_en"] or row["reason_code"]).format_map(_Ellipses()),
            items=row["items"],
            numerator=_whole_sum(row, "numerator"),
            denominator=_whole_sum(row, "denominator"),
        )
        for row in rows
    )


def _whole_sum(row: Mapping[str, Any], amount: str) -> int | None:
    """The sum of an amount; None if one of them was declared without a number."""
    return int(row[amount]) if row[f"{amount}s"] == row["items"] else None


class _Ellipses(dict[str, str]):
    """An ellipsis for each name of a text."""

    def __missing__(self, _name: str) -> str:
        return "…"


def _condition(asked: Asked, kind: Kind, chosen: ItemFilter) -> str:
    conditions = ["true"]
    if chosen.role:
        conditions.append(f"item.role = {quoted_text(chosen.role)}")
    if chosen.reason_code:
        conditions.append(f"item.reason_code = {quoted_text(chosen.reason_code)}")
    if chosen.text:
        code = f"item.{quoted(kind.code)}"
        found = f"position({quoted_text(chosen.text.lower())} in lower({code})) > 0"
        if kind.code == _DOSSIER:
            dossiers = asked.question.marts.relation("mart.counted_dossier")
            found += (
                f" or {code} in (select dossier_code from {dossiers} as dossier"
                f" where dossier.procedure_key = {quoted_text(chosen.text)})"
            )
        conditions.append(f"({found})")
    return " and ".join(conditions)


def _find_checked(asked: Asked, chosen: ItemFilter, offset: int, limit: int | None) -> FoundItems:
    """The findings of a check; they are few, and their reasons are put together in Python."""
    found = sorted(
        find_checked(asked.question),
        key=lambda item: (
            ROLES.index(item.role),
            item.code,
            item.delivery_id or "",
            item.row_number or 0,
        ),
    )
    matching = [
        item
        for item in found
        if (chosen.role in (None, item.role))
        and (chosen.reason_code in (None, item.reason_code))
        and chosen.text.lower() in item.code.lower()
    ]
    end = None if limit is None else offset + limit
    return FoundItems(
        CHECKED,
        tuple(_count_items(asked.question, found)),
        len(matching),
        tuple(matching[offset:end]),
    )


def _count_items(question: Question, items: Iterable[CountedItem]) -> list[ReasonCount]:
    groups: dict[tuple[Role, str], list[CountedItem]] = {}
    for item in items:
        groups.setdefault((item.role, item.reason_code), []).append(item)
    texts = finding_texts(question, {reason for _, reason in groups})
    return [
        ReasonCount(
            role,
            reason,
            texts[reason][0].format_map(_Ellipses()),
            texts[reason][1].format_map(_Ellipses()),
            len(of_group),
            total(item.numerator for item in of_group),
            total(item.denominator for item in of_group),
        )
        for (role, reason), of_group in groups.items()
    ]


def procedures_of(asked: Asked, items: Sequence[CountedItem]) -> Mapping[str, str]:
    """The names of the procedures of dossiers, by dossier code.

    Args:
        asked: the question.
        items: dossiers, the few of a page.
    """
    if not items:
        return {}
    codes = ", ".join(quoted_text(item.code) for item in items)
    dossiers = asked.question.marts.relation("mart.counted_dossier")
    rows: list[dict[str, Any]] = asked.question.warehouse.rows(
        "select dossier.dossier_code, coalesce(named.procedure_name, dossier.procedure_key) as name"
        f" from {dossiers} as dossier left join (select procedure_key,"
        " min(procedure_name) as procedure_name from mart.catalogue where valid_to is null"
        " group by procedure_key) as named on dossier.procedure_key = named.procedure_key"
        f" where dossier.dossier_code in ({codes})"
    )
    return {row["dossier_code"]: row["name"] for row in rows}
