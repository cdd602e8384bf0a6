"""The gate: validate a staged delivery, quarantine its bad rows, write the result."""

from __future__ import annotations

import datetime as dt
import json
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from onestop.errors import OneStopError, first_line
from onestop.gate.evaluation import (
    EXAMPLES,
    BrokenRuleError,
    Outcome,
    RuleResult,
    evaluate,
    fill,
    load_engine,
    readable,
)
from onestop.gate.masking import masked, masked_key
from onestop.gate.results import write_result
from onestop.gate.suite import FEED_SUITES, Suite, load_suite
from onestop.gate.verdict import GateVerdict, UsualVolume
from onestop.progress import advance, working
from onestop.said import said, said_both
from onestop.schema.feeds import FEEDS, Feed
from onestop.schema.masked_text import masked_name
from onestop.schema.personal import put_tests
from onestop.schema.reference import REFERENCE_FOLDER, read_reference
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.schema.workdays import FIRST_DAY
from onestop.warehouse.duckdb_files import (
    OUTSIDE,
    named_when_disk_full,
    open_duckdb,
    remedy_of,
    roll_back,
)
from onestop.warehouse.duckdb_sqlalchemy import engine_on

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import duckdb
    import sqlalchemy as sa

    from onestop.gate.suite import Rule
    from onestop.intake.delivery import Delivery
    from onestop.schema.number_text import Language

#: How many failing rows a result lists; more than the messages name.
_LISTED_ROWS = 20


class NotCheckedError(OneStopError):
    """A delivery could not be checked for a cause outside of it and its rules, such as memory."""


def validate_delivery(
    delivery: Delivery,
    staged: Path,
    results: Path,
    as_of: dt.date,
    *,
    usual: UsualVolume | None = None,
    expectations: Path = FEED_SUITES,
) -> GateVerdict:
    """Validate a staged delivery by its feed's suite.

    Writes the tables ``rejected_row``, ``rule_result`` and ``gate_summary`` and the view
    ``accepted_row`` into the staged file, in one transaction, and the result as a write-once file.
    Validating again changes nothing.

    Args:
        delivery: the delivery.
        staged: its staged file.
        results: folder of the validation results.
        as_of: the night that is being run; a delivery of a later night is refused.
        usual: how many rows such a delivery usually has; None when unknown.
        expectations: folder of the suites.

    Returns:
        The verdict; a refusal is returned, not raised.

    Raises:
        BrokenRuleError: a rule could not be evaluated.
        DiskFullError: the staged file or the result cannot be written.
        NotCheckedError: there is too little memory, or the disk fails.
        SuiteError: the suite is not usable.
    """
    suite = load_suite(delivery.feed, expectations)
    checking = working("checking", delivery.file_name, unit="rows")
    try:
        with checking, named_when_disk_full(staged), _opened(staged) as (connection, engine):
            gate = _Gate(delivery, suite, connection, engine)
            verdict = gate.judge(as_of, usual)
            document = gate.document(verdict, usual)
    except OUTSIDE as error:
        raise NotCheckedError(
            said("its rows cannot be checked: {cause}", cause=first_line(error)),
            subject=delivery.file_name,
            remedy=remedy_of(error),
        ) from error
    path = write_result(results / delivery.night.isoformat(), delivery.delivery_id, document)
    return GateVerdict(**{**vars(verdict), "result_file": str(path.relative_to(results))})


def keep_unread(
    delivery: Delivery, results: Path, rule_code: str, reason_vi: str, reason_en: str
) -> Path:
    """Write the validation result of a file that was refused before its rows were validated.

    Args:
        delivery: the delivery, as far as known.
        results: folder of the validation results.
        rule_code: the rule that refused it (``FILE-F01`` …).
        reason_vi: what was found and what to do.
        reason_en: the same in English.

    Returns:
        The file of the result.
    """
    verdict = GateVerdict(
        delivery_id=delivery.delivery_id,
        file_name=delivery.file_name,
        verdict="refused",
        refused_rule=rule_code,
        reason_vi=reason_vi,
        reason_en=reason_en,
        rows_read=0,
        rows_blank=0,
        rows_repeated=0,
        rows_rejected=0,
        rows_accepted=0,
        warnings=0,
    )
    document: dict[str, Any] = {
        "delivery": _delivery_facts(delivery),
        "read": {},
        "usual": None,
        "verdict": _verdict_facts(verdict),
        "rules": [],
        "results": [],
    }
    return write_result(results / delivery.night.isoformat(), delivery.delivery_id, document)


def _delivery_facts(delivery: Delivery) -> dict[str, Any]:
    left_out = ("file_modified_at", "landed_path")
    return {name: value for name, value in delivery.to_json().items() if name not in left_out}


def _verdict_facts(verdict: GateVerdict) -> dict[str, Any]:
    left_out = ("rules", "reason_lines", "result_file")
    return {name: value for name, value in vars(verdict).items() if name not in left_out}


@contextmanager
def _opened(staged: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, sa.Engine]]:
    connection = open_duckdb(staged)
    try:
        connection.execute(f"set timezone = '{LOCAL_ZONE.key}'")
        engine = engine_on(connection)
        try:
            yield connection, engine
        finally:
            engine.dispose()
    finally:
        connection.close()


class _Gate:
    """The validation of one delivery by one suite."""

    def __init__(
        self,
        delivery: Delivery,
        suite: Suite,
        connection: duckdb.DuckDBPyConnection,
        engine: sa.Engine,
    ) -> None:
        self._delivery = delivery
        self._feed = FEEDS[delivery.feed]
        self._suite = suite
        self._connection = connection
        self._engine = engine
        self._facts: dict[str, Any] = {}
        self._outcomes: list[Outcome] = []
        self._listed: dict[str, list[dict[str, Any]]] = {}
        self._results: list[RuleResult] = []

    def judge(self, as_of: dt.date, usual: UsualVolume | None) -> GateVerdict:
        """Evaluate the row rules first, since file rules may use the number of rejected rows."""
        self._put_reference()
        batch = self._row_batch()
        self._outcomes = self._judged(batch, self._suite.of("row", self._delivery.source))
        self._connection.execute("begin transaction")
        try:
            self._quarantine()
            self._facts = self._file_facts(as_of, usual)
            self._outcomes += evaluate(
                self._engine,
                self._file_batch(),
                self._suite,
                self._suite.of("file", self._delivery.source),
                [],
            )
            self._results = [self._result(outcome) for outcome in self._in_order()]
            verdict = self._verdict()
            self._put_results()
            self._put_summary(verdict)
        except BaseException:
            roll_back(self._connection)
            raise
        self._connection.execute("commit")
        return verdict

    def _judged(self, batch: str, rules: Iterable[Rule]) -> list[Outcome]:
        """Evaluate the row rules; a row with a read problem breaks no other rule."""
        count = self._one_row(
            f"select count(*) as judged, count(read_problem) as unread from ({batch}) as judged"
        )
        unread = count["unread"]
        rules = list(rules)
        readability = [rule for rule in rules if unread and "read_problem" in (rule.query or "")]
        others = [rule for rule in rules if rule not in readability]
        only_read = f"{batch} and read_problem is null" if unread else batch
        outcomes = [
            *evaluate(self._engine, batch, self._suite, readability, ["row_number"]),
            *evaluate(self._engine, only_read, self._suite, others, ["row_number"]),
        ]
        advance(count["judged"])
        return outcomes

    # -- the batches that the suite judges

    def _put_reference(self) -> None:
        """Attach ``gate`` in memory: the reference rows, the first day and the tests of rules."""
        self._connection.execute("attach ':memory:' as gate")
        put_tests(self._connection, "gate")
        self._connection.execute(
            f"create table gate.calendar as select {_literal(FIRST_DAY)} as first_day"
        )
        for table, columns in _REFERENCE.items():
            self._connection.execute(
                f"create table gate.{table} as select "
                + ", ".join(f"unnest(${name}) as {name}" for name in columns),
                _reference_columns(table),
            )

    def _row_batch(self) -> str:
        """SELECT of the rows without exact repeats, with the night.

        Columns that the source does not have are null.
        """
        present = {row[0] for row in self._connection.execute("describe staged_row").fetchall()}
        absent = [name for name in _text_columns(self._feed) if name not in present]
        nulls = "".join(f", cast(null as varchar) as {name}" for name in absent)
        return (
            f"SELECT s.*{nulls}, date '{self._delivery.night.isoformat()}' as night_date"
            " FROM staged_row as s WHERE not is_repeat"
        )

    def _file_facts(self, as_of: dt.date, usual: UsualVolume | None) -> dict[str, Any]:
        """The facts about the delivery as a whole, for file rules and their messages."""
        read = self._one_row(
            "select rows_read, rows_blank, rows_skipped, columns_missing, tables_left,"
            " columns_unknown, columns_dropped from read_summary"
        )
        for name in ("columns_unknown", "columns_dropped"):
            read[name] = self._shown(read[name] or ())
        counted = self._one_row(
            "select count(*) filter (where not is_repeat) as rows_judged,"
            " count(*) filter (where is_repeat) as rows_repeated,"
            " count(distinct row_number) as row_numbers from staged_row"
        )
        staged = counted["rows_judged"] + counted["rows_repeated"]
        apart = read["rows_blank"] + read["rows_skipped"]
        if counted.pop("row_numbers") != staged or read["rows_read"] != staged + apart:
            raise ValueError(f"{self._delivery.file_name}: the staged file does not add up")
        rejected = self._one_row(
            "select count(distinct row_number) as rows_rejected from rejected_row"
        )["rows_rejected"]
        return {
            **read,
            **counted,
            "columns_missing": list(read["columns_missing"] or ()),
            "tables_left": list(read["tables_left"] or ()),
            "count_columns_missing": len(read["columns_missing"] or ()),
            "count_columns_unknown": len(read["columns_unknown"]),
            "count_tables_left": len(read["tables_left"] or ()),
            "rows_staged": staged,
            "rows_rejected": rejected,
            "rows_accepted": counted["rows_judged"] - rejected,
            # raised, so that a share above the limit never looks like the limit
            "rejected_percent": -(-1000 * rejected // max(counted["rows_judged"], 1)) / 10,
            "kind": self._delivery.kind,
            "night_date": self._delivery.night,
            "as_of_date": as_of,
            "usual_rows": usual.rows if usual else None,
            "usual_basis_vi": usual.basis_vi if usual else "",
            "usual_basis_en": usual.basis_en if usual else "",
            **{f"limit_{name}": value for name, value in self._suite.limits.items()},
        }

    def _shown(self, headers: Sequence[str]) -> list[str]:
        """The headers, without what looks like a person's name, number or address."""
        if not headers:
            return []
        shown = self._one_row(
            f"select [{masked_name('name')} for name in $headers] as names",
            {"headers": list(headers)},
        )
        return list(shown["names"])

    def _file_batch(self) -> str:
        """The facts as a table of one row."""
        columns = [
            f"{_literal(value)} as {name}"
            for name, value in self._facts.items()
            if not isinstance(value, str | list)
        ]
        return f"SELECT '{self._delivery.kind}' as kind, {', '.join(columns)}"

    # -- the quarantine

    def _quarantine(self) -> None:
        """Fill ``rejected_row`` by the rules' own predicates, with all failing rows."""
        self._connection.execute("drop view if exists accepted_row")
        self._connection.execute(
            "create or replace table rejected_row (row_number bigint not null, key_text varchar,"
            " rule_code varchar not null, severity varchar not null, message_vi varchar not null,"
            " message_en varchar not null, offending varchar)"
        )
        for outcome in self._outcomes:
            if outcome.success:
                continue
            found = self._failing(outcome)
            if outcome.rule.severity != "warning":
                self._reject(outcome, found)
                found = (
                    "select row_number, offending from rejected_row"
                    f" where rule_code = '{outcome.rule.code}'"
                )
            self._listed[outcome.rule.code] = [
                {"row_number": number, **json.loads(offending)}
                for number, offending in self._connection.execute(
                    f"{found} order by row_number limit {_LISTED_ROWS}"
                ).fetchall()
            ]
        self._connection.execute(
            "create view accepted_row as select * from staged_row where not is_repeat"
            " and not exists (select 1 from rejected_row"
            " where rejected_row.row_number = staged_row.row_number)"
        )

    def _reject(self, outcome: Outcome, failing: str) -> None:
        rule = outcome.rule
        key = masked_key(self._feed, "s")
        self._connection.execute(
            "insert into rejected_row (row_number, key_text, rule_code, severity, message_vi,"
            f" message_en, offending) select f.row_number, {key}, $code, $severity, $message_vi,"
            " $message_en, f.offending"
            f" from ({failing}) as f inner join staged_row as s on f.row_number = s.row_number",
            {
                "code": rule.code,
                "severity": rule.severity,
                "message_vi": rule.message_vi,
                "message_en": rule.message_en,
            },
        )
        found = self._one_row(
            "select count(distinct row_number) as n from rejected_row"
            f" where rule_code = '{rule.code}'"
        )["n"]
        if found != outcome.failed:
            raise BrokenRuleError(
                said(
                    "{code}: Great Expectations counts {failed} rows, its predicate finds {found}",
                    code=rule.code,
                    failed=outcome.failed,
                    found=found,
                ),
                subject=said("suite {name}", name=self._suite.name),
            )

    def _failing(self, outcome: Outcome) -> str:
        """A SELECT of row_number and the rule's columns, masked, for every failing row."""
        if outcome.predicate is None:
            raise BrokenRuleError(
                said(
                    "{code}: {expectation_type} does not say which rows fail",
                    code=outcome.rule.code,
                    expectation_type=outcome.rule.expectation_type,
                ),
                subject=said("suite {name}", name=self._suite.name),
                remedy="write it as an UnexpectedRowsExpectation",
            )
        names = [
            row[0]
            for row in self._connection.execute(f"describe {outcome.predicate}").fetchall()
            if row[0] != "row_number"
        ]
        pairs = ", ".join(f"'{name}': {masked(name, self._feed)}" for name in names)
        return (
            f"select row_number, to_json({{{pairs}}}) as offending from ({outcome.predicate}) as p"
        )

    # -- the verdict

    def _in_order(self) -> list[Outcome]:
        found = {outcome.rule.code: outcome for outcome in self._outcomes}
        return [found[rule.code] for rule in self._suite.rules if rule.code in found]

    def _result(self, outcome: Outcome) -> RuleResult:
        rule = outcome.rule
        is_row = rule.scope == "row"
        listed = self._listed.get(rule.code, ())
        # the sentence of a passed rule shows … in place of figures
        facts = dict.fromkeys(self._facts, "…") if outcome.success else self._facts
        return RuleResult(
            rule_code=rule.code,
            severity=rule.severity,
            expectation_type=rule.expectation_type,
            success=outcome.success,
            rows_checked=self._facts["rows_judged"] if is_row else 1,
            rows_failed=outcome.failed,
            message_vi=rule.message_vi if is_row else fill(rule.message_vi, facts, "vi"),
            message_en=rule.message_en if is_row else fill(rule.message_en, facts, "en"),
            clause=rule.clause,
            examples=tuple(row["row_number"] for row in listed[:EXAMPLES]),
        )

    def _verdict(self) -> GateVerdict:
        broken = [
            item for item in self._results if item.severity == "critical" and not item.success
        ]
        first = broken[0] if broken else None
        facts = self._facts
        return GateVerdict(
            delivery_id=self._delivery.delivery_id,
            file_name=self._delivery.file_name,
            verdict="refused" if first else "passed",
            refused_rule=first.rule_code if first else None,
            reason_vi=" ".join(self._reason(first, "vi")) if first else None,
            reason_en=" ".join(self._reason(first, "en")) if first else None,
            reason_lines=tuple(
                said_both(vi=vi, en=en)
                for vi, en in zip(self._reason(first, "vi"), self._reason(first, "en"), strict=True)
            )
            if first
            else (),
            rows_read=facts["rows_read"],
            rows_blank=facts["rows_blank"],
            rows_skipped=facts["rows_skipped"],
            rows_repeated=facts["rows_repeated"],
            rows_rejected=facts["rows_rejected"],
            rows_accepted=facts["rows_accepted"],
            warnings=sum(item.rows_failed for item in self._results if item.severity == "warning"),
            rules=tuple(self._results),
        )

    def _reason(self, broken: RuleResult, language: Language) -> tuple[str, ...]:
        """Why the delivery is refused: the rule's sentence, the rows, what to do."""
        rule = next(rule for rule in self._suite.rules if rule.code == broken.rule_code)
        sentences = [broken.message_vi if language == "vi" else broken.message_en]
        worst = sorted(
            (item for item in self._results if item.examples and item.severity != "warning"),
            key=lambda item: -item.rows_failed,
        )
        for item in worst[:_WORST_RULES]:
            message = item.message_vi if language == "vi" else item.message_en
            sentences.append(
                f"{item.rule_code} ({message.rstrip('.')}): {_which_rows(item, language)}"
            )
        sentences.append(rule.remedy_vi if language == "vi" else rule.remedy_en)
        return tuple(f"{sentence.rstrip('.')}." for sentence in sentences if sentence)

    def _put_results(self) -> None:
        self._connection.execute(
            "create or replace table rule_result (rule_code varchar not null,"
            " severity varchar not null, expectation_type varchar not null,"
            " success boolean not null, rows_checked bigint, rows_failed bigint,"
            " message_vi varchar not null, message_en varchar not null, clause varchar,"
            " examples varchar)"
        )
        rows = [
            {**vars(item), "examples": json.dumps(list(item.examples))} for item in self._results
        ]
        places = ", ".join([f"({', '.join('?' * len(rows[0]))})"] * len(rows))
        self._connection.execute(
            f"insert into rule_result ({', '.join(rows[0])}) values {places}",
            [value for row in rows for value in row.values()],
        )

    def _put_summary(self, verdict: GateVerdict) -> None:
        self._connection.execute(
            "create or replace table gate_summary as select $verdict as verdict,"
            " cast($refused_rule as varchar) as refused_rule,"
            " cast($reason_vi as varchar) as reason_vi, cast($reason_en as varchar) as reason_en,"
            " cast($rows_read as bigint) as rows_read, cast($rows_blank as bigint) as rows_blank,"
            " cast($rows_skipped as bigint) as rows_skipped,"
            " cast($rows_repeated as bigint) as rows_repeated,"
            " cast($rows_rejected as bigint) as rows_rejected,"
            " cast($rows_accepted as bigint) as rows_accepted,"
            " cast($warnings as bigint) as warnings, $suite_sha256 as suite_sha256",
            {
                **{
                    name: value
                    for name, value in vars(verdict).items()
                    if name
                    not in ("delivery_id", "file_name", "rules", "reason_lines", "result_file")
                },
                "suite_sha256": self._suite.sha256,
            },
        )

    # -- what is kept

    def document(self, verdict: GateVerdict, usual: UsualVolume | None) -> dict[str, Any]:
        """The validation result for its file; without clock times, so that equal ones compare."""
        read = self._one_row("select * from read_summary")
        read |= {name: self._facts[name] for name in ("columns_unknown", "columns_dropped")}
        results = dict(zip((item.rule_code for item in self._results), self._results, strict=True))
        return {
            "delivery": _delivery_facts(self._delivery),
            "read": readable(read),
            "usual": vars(usual) if usual else None,
            "suite": {"name": self._suite.name, "sha256": self._suite.sha256},
            "great_expectations_version": load_engine().VERSION,
            "verdict": _verdict_facts(verdict),
            "rules": [item.to_json() for item in self._results],
            "results": [
                {
                    "success": outcome.success,
                    "expectation_config": {
                        **outcome.rule.expectation,
                        "meta": {
                            **outcome.rule.expectation["meta"],
                            "message_vi": results[outcome.rule.code].message_vi,
                            "message_en": results[outcome.rule.code].message_en,
                        },
                    },
                    "result": {
                        **outcome.result,
                        "listed_rows": self._listed.get(outcome.rule.code, []),
                    },
                }
                for outcome in self._in_order()
            ],
        }

    def _one_row(self, query: str, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
        cursor = self._connection.execute(query, values)
        names = [column[0] for column in cursor.description]
        row = cursor.fetchone()
        if row is None:
            raise ValueError(f"{self._delivery.file_name}: the staged file is not complete")
        return dict(zip(names, row, strict=True))


_WORST_RULES = 3
#: The files of ``sql/reference`` that rules may use, as ``gate.<file>``.
_REFERENCE = {
    "day_off": ("calendar_date", "day_kind"),
    "indicator": ("indicator_code",),
    "status": ("status", "is_received", "is_closed"),
    "unit_level": ("unit_code",),
}


def _which_rows(broken: RuleResult, language: Language) -> str:
    """The numbers of the rows that broke a rule; of many, how many and the first."""
    numbers = ", ".join(str(number) for number in broken.examples)
    if broken.rows_failed > len(broken.examples):
        return {
            "vi": f"{broken.rows_failed} dòng, các dòng đầu tiên: {numbers}",
            "en": f"{broken.rows_failed} rows, the first ones: {numbers}",
        }[language]
    rows = {"vi": "dòng", "en": "row" if broken.rows_failed == 1 else "rows"}
    return f"{rows[language]} {numbers}"


def _text_columns(feed: Feed) -> list[str]:
    """Columns that a staged file has only where they are mapped."""
    coded = [
        f"{column.name}_text"
        for column in feed.columns
        if column.derived_from is None and (column.type != "text" or column.codes)
    ]
    return [*coded, "read_problem"]


def _literal(value: Any) -> str:  # noqa: ANN401 - facts are of several types
    """A fact as a SQL literal; free texts, used in messages only, are not part of queries."""
    if isinstance(value, dt.date):
        return f"date '{value.isoformat()}'"
    return "cast(null as bigint)" if value is None else str(value)


@cache
def _reference_columns(table: str) -> dict[str, list[Any]]:
    """The columns of a reference file that rules use."""
    rows = read_reference(REFERENCE_FOLDER)[table]
    return {name: [row[name] for row in rows] for name in _REFERENCE[table]}
