"""Rules that several suites have in common, written once in ``expectations/common.json``.

A common rule is an expectation with placeholders such as ``${column}``. A suite uses it by an entry
``{"common": "<name>", "rule_code": "DOS-F01", …}`` that gives every placeholder its value. The
loader puts the finished expectation in the entry's place, so that Great Expectations, the kept
suites and the reports see complete rules only.
"""

from __future__ import annotations

import re
from typing import Any

from onestop.said import said

_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


class CommonRuleError(Exception):
    """An entry with a missing or unused value for its common rule."""


def completed(entry: dict[str, Any], common: dict[str, Any]) -> dict[str, Any]:
    """The expectation that an entry of a suite stands for.

    Values come from the entry. Two more are derived: ``${shown}`` is the entry's ``key`` followed
    by its other ``columns``; ``${any_column}`` is the common rule's condition of that name for each
    of the ``columns``, joined with "or". A list inside a text is joined with commas.

    Args:
        entry: as the suite has it; an entry without ``common`` is an expectation already.
        common: the common rules by name.

    Raises:
        CommonRuleError: no such common rule, a value is missing, or a value is not used.
    """
    if "common" not in entry:
        return entry
    given = {name: value for name, value in entry.items() if name != "common"}
    rule = common.get(entry["common"])
    if rule is None:
        raise CommonRuleError(said('no common rule "{common}"', common=entry["common"]))
    columns = given.get("columns", [])
    used: set[str] = set()
    values = {**given, "shown": list(dict.fromkeys([*given.get("key", ()), *columns]))}
    if "any_column" in rule:
        used.add("columns")
        conditions = (_filled(rule["any_column"], {"column": name}, set()) for name in columns)
        values["any_column"] = " or ".join(conditions)
    expectation: dict[str, Any] = _filled(rule["expectation"], values, used)
    if "shown" in used:
        used |= {"key", "columns"}
    unused = given.keys() - used
    if unused:
        raise CommonRuleError(
            said(
                '"{common}" does not use {names}',
                common=entry["common"],
                names=", ".join(sorted(unused)),
            )
        )
    return expectation


def _filled(
    template: Any,  # noqa: ANN401 - any JSON value
    values: dict[str, Any],
    used: set[str],
) -> Any:  # noqa: ANN401 - any JSON value
    """The template with its values; the names of the values used are added to ``used``."""
    if isinstance(template, dict):
        return {name: _filled(part, values, used) for name, part in template.items()}
    if isinstance(template, list):
        return [_filled(part, values, used) for part in template]
    if not isinstance(template, str):
        return template

    def value(name: str) -> Any:  # noqa: ANN401 - any JSON value
        if name not in values:
            raise CommonRuleError(said('the value "{name}" is missing', name=name))
        used.add(name)
        return values[name]

    if whole := _PLACEHOLDER.fullmatch(template):
        return value(whole[1])
    return _PLACEHOLDER.sub(lambda found: _as_text(value(found[1])), template)


def _as_text(value: str | list[str]) -> str:
    return ", ".join(value) if isinstance(value, list) else value
