"""Which nights, sources, feeds, rules and states exist, to refuse questions about others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onestop.marts.published import QuestionError, UnknownNameError
from onestop.readers import FILE_RULES
from onestop.said import said, said_text
from onestop.schema.feeds import FEEDS

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Collection, Mapping

    from onestop.warehouse import Warehouse

#: What a filter selects by.
_KINDS = {
    "rule_code": said_text("rule code"),
    "delivery_id": said_text("delivery id"),
    "feed": said_text("feed"),
    "state": said_text("state"),
    "source": said_text("source"),
}
#: Where the names of a kind are listed that has many.
_LISTED = {
    "rule_code": said_text("all are listed in docs/feeds.md"),
    "delivery_id": said_text("all are listed by `onestop deliveries`"),
}


def refuse_unknown(
    warehouse: Warehouse,
    filters: Mapping[str, Any],
    *,
    states: Collection[str] = (),
    sources: Collection[str] = (),
) -> None:
    """Refuse a filter value that does not exist: its empty table would read as "all is well".

    Args:
        warehouse: open.
        filters: what was asked for: ``night``, ``source``, ``feed``, ``rule_code``, ``state``,
            ``delivery_id``; None where everything is.
        states: the existing states.
        sources: the sources that have a mapping; those in the record are known too.

    Raises:
        QuestionError: names the values that exist.
    """
    if filters.get("night") is not None:
        _refuse_unknown_night(warehouse, filters["night"])
    known: dict[str, Callable[[], Collection[str]]] = {
        "source": lambda: _recorded(warehouse, "source") | set(sources),
        "feed": lambda: set(FEEDS),
        "rule_code": lambda: _rule_codes() | _recorded_rules(warehouse),
        "state": lambda: states,
        "delivery_id": lambda: _recorded(warehouse, "delivery_id"),
    }
    for name, there_are in known.items():
        asked = filters.get(name)
        if asked is not None and asked not in (there := there_are()):
            raise UnknownNameError(
                said("there is no {kind} {asked}", kind=_KINDS[name], asked=asked),
                asked,
                sorted(there),
                see=_LISTED.get(name, ""),
                listed=sorted(_recorded_rules(warehouse)) if name == "rule_code" else None,
            )


def _refuse_unknown_night(warehouse: Warehouse, night: dt.date) -> None:
    [spans] = warehouse.rows(
        "select min(night) as first, max(night) as last,"
        " count(case when night = :night then 1 end) as deliveries from audit.delivery",
        {"night": night},
    )
    if not spans["deliveries"]:
        there_are = said(
            "there are deliveries from {first} to {last}", first=spans["first"], last=spans["last"]
        )
        raise QuestionError(
            said("nothing was delivered for night {night}", night=night),
            remedy=there_are if spans["first"] else "",
            there_is=there_are if spans["first"] else "",
        )


def _recorded(warehouse: Warehouse, column: str) -> set[str]:
    rows = warehouse.rows(f"select distinct {column} as name from audit.delivery")
    return {row["name"] for row in rows}


def _recorded_rules(warehouse: Warehouse) -> set[str]:
    """Rule codes in the record; those of earlier releases are among them."""
    rows = warehouse.rows(
        "select distinct rule_code from audit.rejected_row"
        " union select distinct refused_rule from audit.delivery where refused_rule is not null"
    )
    return {row["rule_code"] for row in rows}


def _rule_codes() -> set[str]:
    from onestop.gate import all_suites  # noqa: PLC0415 - imports slowly

    return {rule.code for suite in all_suites() for rule in suite.rules} | set(FILE_RULES)
