"""Suites: the rules for good data in ``expectations/``, in Great Expectations' JSON.

``feeds/`` holds one suite per feed, ``marts/`` one per mart, and ``common.json`` the rules that
several suites share (:mod:`onestop.gate.common_rules`).

Great Expectations evaluates the expectations; their ``meta`` holds a stable code, a severity, a
sentence in Vietnamese and English, and the clause that the rule comes from.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Literal

from onestop.errors import OneStopError
from onestop.gate.common_rules import CommonRuleError, completed
from onestop.said import said
from onestop.schema.project import PROJECT_ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Severity = Literal["critical", "error", "warning"]
Scope = Literal["row", "file"]

FEED_SUITES = PROJECT_ROOT / "expectations" / "feeds"
MART_SUITES = PROJECT_ROOT / "expectations" / "marts"
COMMON_RULES = PROJECT_ROOT / "expectations" / "common.json"

#: Our severities in Great Expectations' own field, which Data Docs show.
GX_SEVERITIES: dict[str, str] = {"critical": "critical", "error": "warning", "warning": "info"}

_CODE = re.compile(r"^[A-Z0-9]{3}-[FRW]\d{2}$")
_REQUIRED = ("rule_code", "severity", "scope", "message_vi", "message_en", "clause", "columns")
_LIMITS = ("rejected_rows", "rejected_percent", "all_rejected_rows", "volume_percent")
_JOIN = re.compile(r"\bjoin\b", re.IGNORECASE)


class SuiteError(OneStopError):
    """A suite file that cannot be used.

    Args:
        file_name: the suite's file.
        what: what is wrong.
        remedy: what to write instead.
        rule: code of the rule that it is about, or the name of the limit.
    """

    def __init__(self, file_name: str, what: str, remedy: str, *, rule: str = "") -> None:
        super().__init__(
            what,
            subject=said("{file}: {rule}", file=file_name, rule=rule) if rule else file_name,
            remedy=remedy,
        )


@dataclass(frozen=True)
class Rule:
    """One expectation and what its failure means.

    Attributes:
        code: stable, as in ``DOS-R07``; F for files, R for rows, W for warnings.
        severity: ``critical`` stops the delivery, ``error`` rejects the row, ``warning`` counts.
        scope: ``row`` checks rows, ``file`` the delivery as a whole.
        message_vi: the sentence for people; in file rules ``{column}`` is replaced by a value
            that the rule's query returns.
        message_en: the same in English.
        remedy_vi: what to do about it.
        remedy_en: the same in English.
        clause: the decree, plan or system that the rule comes from.
        columns: the columns that it checks.
        sources: the only source systems it applies to; empty for all.
        expectation: the expectation as in the file.
        reads: what it reads of a mart that a night changes in part: its changed ``rows``, the
            ``sums`` that must add up, the ``differences`` of its sums, or the ``whole`` of it.
    """

    code: str
    severity: Severity
    scope: Scope
    message_vi: str
    message_en: str
    clause: str
    columns: tuple[str, ...]
    expectation: dict[str, Any] = field(compare=False)
    remedy_vi: str = ""
    remedy_en: str = ""
    sources: tuple[str, ...] = ()
    reads: str = "rows"

    @property
    def expectation_type(self) -> str:
        """Great Expectations' name of the expectation."""
        return str(self.expectation["type"])

    @property
    def query(self) -> str | None:
        """The rule's own predicate; None for expectations that are not written as SQL."""
        query = self.expectation["kwargs"].get("unexpected_rows_query")
        return None if query is None else str(query)

    def predicate(self, batch: str) -> str | None:
        """The rule's query on a batch, built as Great Expectations builds it."""
        if self.query is None:
            return None
        alias = "" if _JOIN.search(self.query) else " as subselect"
        return self.query.format(batch=f"({batch}){alias}")


@dataclass(frozen=True)
class Suite:
    """All rules of one feed or one mart.

    Attributes:
        name: the file's name without its ending.
        rules: in the file's order, which is the order in which refusals are reported.
        limits: how many rejected rows a delivery may have (``rejected_rows``,
            ``rejected_percent``, ``all_rejected_rows``), and how far its volume may be from the
            usual (``volume_percent``).
        text: the suite with its common rules filled in, as Great Expectations' JSON.
        sha256: of the text; results name it as the rules they were made with.
        where: SQL condition on the rows that all rules read; empty for all rows. A view over all
            published nights is checked for some of its rows.
    """

    name: str
    rules: tuple[Rule, ...]
    limits: dict[str, int]
    text: str = field(repr=False)
    sha256: str
    where: str = ""

    def of(self, scope: Scope, source: str | None = None) -> tuple[Rule, ...]:
        """The rules of a scope that apply to a source."""
        return tuple(
            rule
            for rule in self.rules
            if rule.scope == scope and (not rule.sources or source in rule.sources)
        )

    def as_expectations(self, rules: Iterable[Rule]) -> dict[str, Any]:
        """Those rules as one suite in Great Expectations' JSON."""
        return {
            "name": self.name,
            "expectations": [rule.expectation for rule in rules],
            "meta": {"suite_sha256": self.sha256},
        }


def load_suite(name: str, folder: Path = FEED_SUITES) -> Suite:
    """Read one suite file and check that every rule is complete.

    Args:
        name: of the feed; of the mart with ``folder=MART_SUITES``.
        folder: folder of the suite file.

    Raises:
        SuiteError: the file is not a suite, or a rule in it is incomplete.
    """
    path = folder / f"{name}.json"
    data = _read_json(path)
    if not isinstance(data.get("expectations"), list):
        raise SuiteError(
            path.name, 'there is no list "expectations"', "write the suite as an object with one"
        )
    data["expectations"] = _completed(path.name, data["expectations"])
    rules = tuple(_read_rule(path.name, item) for item in data["expectations"])
    codes = [rule.code for rule in rules]
    repeated = sorted({code for code in codes if codes.count(code) > 1})
    if repeated:
        raise SuiteError(
            path.name,
            said("rule codes used twice: {names}", names=", ".join(repeated)),
            "give each rule the next free number of its series",
        )
    limits = _read_limits(path.name, data)
    text = json.dumps(data, ensure_ascii=False, indent=2) + "\n"
    where = str((data.get("meta") or {}).get("where", ""))
    return Suite(name, rules, limits, text, hashlib.sha256(text.encode()).hexdigest(), where)


def suite_names(folder: Path = FEED_SUITES) -> list[str]:
    """Names of all suites in a folder, sorted."""
    return sorted(path.stem for path in folder.glob("*.json"))


def all_suites() -> list[Suite]:
    """The suites of all feeds and all marts."""
    folders = (FEED_SUITES, MART_SUITES)
    return [load_suite(name, folder) for folder in folders for name in suite_names(folder)]


@cache
def rules_of_files() -> frozenset[str]:
    """The codes of the feeds' rules that judge a delivery as a whole."""
    suites = (load_suite(name) for name in suite_names())
    return frozenset(rule.code for suite in suites for rule in suite.rules if rule.scope == "file")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SuiteError(
            path.name, said("not readable JSON: {error}", error=error), "correct the file"
        ) from error
    if not isinstance(data, dict):
        raise SuiteError(path.name, "it holds no JSON object", "write one")
    return data


def _completed(file_name: str, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The expectations of a suite, those with common rules filled in."""
    common = _read_json(COMMON_RULES)
    expectations = []
    for item in items:
        if not isinstance(item, dict):
            raise SuiteError(
                file_name,
                said("{shown!r} is no rule", shown=str(item)[:40]),
                "write a rule as an object",
            )
        try:
            expectations.append(completed(item, common))
        except CommonRuleError as error:
            code = item.get("rule_code", "?")
            raise SuiteError(
                file_name, str(error), "correct the entry", rule=said("rule {code}", code=code)
            ) from error
    return expectations


def _read_limits(file_name: str, data: dict[str, Any]) -> dict[str, int]:
    meta = data.get("meta") or {}
    limits = meta.get("limits") or {} if isinstance(meta, dict) else None
    if not isinstance(limits, dict):
        raise SuiteError(file_name, '"meta" or its "limits" is no object', "write both as objects")
    for name, limit in limits.items():
        if name not in _LIMITS or type(limit) is not int:
            raise SuiteError(
                file_name,
                said("{limit!r} is not usable", limit=limit),
                said("write a whole number, for one of {names}", names=", ".join(_LIMITS)),
                rule=said("limit {name}", name=name),
            )
    return limits


def _read_rule(file_name: str, item: dict[str, Any]) -> Rule:
    meta, kwargs = item.get("meta") or {}, item.get("kwargs") or {}
    if not isinstance(meta, dict) or not isinstance(kwargs, dict):
        raise SuiteError(
            file_name, '"meta" or "kwargs" of a rule is no object', "write both as objects"
        )
    code = str(meta.get("rule_code", "?"))
    fail = partial(SuiteError, file_name, rule=f"rule {code}")
    missing = [name for name in _REQUIRED if not meta.get(name)]
    if missing:
        raise fail(said("meta lacks {names}", names=", ".join(missing)), "add them")
    if not _CODE.match(code):
        raise fail("this is no rule code", "write a code like DOS-R07")
    if meta["severity"] not in GX_SEVERITIES or meta["scope"] not in ("row", "file"):
        raise fail(
            "unknown severity or scope",
            said("use one of {names}, and row or file", names=", ".join(GX_SEVERITIES)),
        )
    if item.get("severity") != GX_SEVERITIES[meta["severity"]]:
        raise fail(
            said(
                "the expectation's own severity does not match meta's {severity}",
                severity=meta["severity"],
            ),
            said('write "{severity}" in the expectation', severity=GX_SEVERITIES[meta["severity"]]),
        )
    query = kwargs.get("unexpected_rows_query")
    if query is not None and "{batch}" not in str(query):
        raise fail("its query does not read from {batch}", "select from {batch}")
    return Rule(
        code=code,
        severity=meta["severity"],
        scope=meta["scope"],
        message_vi=meta["message_vi"],
        message_en=meta["message_en"],
        clause=meta["clause"],
        columns=tuple(meta["columns"]),
        expectation=item,
        remedy_vi=meta.get("remedy_vi", ""),
        remedy_en=meta.get("remedy_en", ""),
        sources=tuple(meta.get("sources", ())),
        reads=_read_reads(file_name, code, meta),
    )


def _read_reads(file_name: str, code: str, meta: dict[str, Any]) -> str:
    reads = str(meta.get("reads", "rows"))
    if reads not in ("rows", "sums", "differences", "whole"):
        raise SuiteError(
            file_name,
            said('rule {code}: "reads" is {reads}', code=code, reads=reads),
            "give it rows, sums, differences or whole",
        )
    return reads
