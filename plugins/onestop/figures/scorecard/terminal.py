"""The scorecard on the terminal, and for programs as JSON and CSV."""

from __future__ import annotations

import sys
from dataclasses import asdict, fields
from decimal import Decimal
from typing import TYPE_CHECKING, TextIO

from onestop.console import page_width, printed, write_csv, write_json
from onestop.figures.code_texts import CodeTexts
from onestop.figures.decisions import decision_notes
from onestop.figures.scorecard.values import (
    COUNTED_VERDICTS,
    ON_TIME,
    MethodFigure,
    ScorecardLine,
    count_verdicts,
    in_reading_order,
    main_line,
    read_lines,
    read_methods,
)
from onestop.marts.earlier_nights import NightMarts
from onestop.marts.published import find_night, open_published
from onestop.schema.number_text import (
    ROUNDING,
    amounts_text,
    day,
    measured,
    percent,
    target_text,
    whole,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator

    from rich.console import Console
    from rich.table import Table

    from onestop.console import OutputFormat
    from onestop.schema.number_text import Language
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

#: From this width on, numerator and denominator have a column of their own.
_WIDE = 108
#: Below this width, the verdict is so wide at most.
_NARROW, _STATUS_WIDTH = 90, 12


def print_scorecard(
    settings: Settings,
    lang: Language = "vi",
    as_of: dt.date | None = None,
    format: OutputFormat = "table",  # noqa: A002 - the name of the command's option
    file: TextIO | None = None,
    decisions: list[str] | None = None,
) -> None:
    """Write the scorecard of a published night.

    Args:
        settings: of this installation.
        lang: of labels and number marks in the table; the machine formats hold both languages.
        as_of: a published night; defaults to the last one.
        format: ``table`` for people, ``json`` or ``csv`` for programs.
        file: where to; defaults to standard output.
        decisions: sentences on what was decided; default to all decisions on that night.

    Raises:
        NothingPublishedError: that night is not published.
    """
    file = file or sys.stdout
    with open_published(settings) as warehouse:
        night = find_night(warehouse, as_of)
        lines = read_lines(warehouse, night)
        methods = read_methods(warehouse, night, lines) if format == "table" else []
        labels = _read_labels(warehouse, night)
        if decisions is None:
            decisions = decision_notes(warehouse, night, lang)
    if format == "json":
        _write_json(lines, night, decisions, file)
    elif format == "csv":
        _write_csv(lines, file)
    else:
        _ScorecardPage(lines, methods, labels, night, lang).print(file, decisions)


def _write_json(
    lines: list[ScorecardLine], night: dt.date, decisions: list[str], file: TextIO
) -> None:
    page = {
        "plan_code": lines[0].plan_code if lines else None,
        "as_of_date": night.isoformat(),
        "lines": [asdict(line) for line in lines],
        "decisions": decisions,
    }
    write_json(file, page)


def _write_csv(lines: list[ScorecardLine], file: TextIO) -> None:
    columns = [field.name for field in fields(ScorecardLine)]
    write_csv(file, columns, (asdict(line).values() for line in lines))


def _read_labels(warehouse: Warehouse, night: dt.date) -> dict[str, CodeTexts]:
    marts = NightMarts(warehouse, night, mark="labels")
    labels = {
        "status": CodeTexts(
            "figure_status",
            "status",
            warehouse.rows(
                f"select status, label_vi, label_en from {marts.relation('ref.figure_status')}"
            ),
        ),
        "method": CodeTexts(
            "method",
            "method_code",
            warehouse.rows(
                "select method_code, label_vi, label_en, used_by_vi, verified"
                f" from {marts.relation('ref.method')} order by position"
            ),
        ),
        "level": CodeTexts(
            "unit_level",
            "unit_code",
            warehouse.rows(
                "select unit_code, short_label_vi as label_vi, label_en"
                f" from {marts.relation('ref.unit_level')}"
                " where unit_level <> 'unregistered' order by position"
            ),
        ),
        "plan": CodeTexts(
            "plan",
            "plan_code",
            warehouse.rows(
                f"select plan_code, title_vi, title_en from {marts.relation('ref.plan')}"
            ),
        ),
    }
    marts.drop()
    return labels


_WORDS: dict[str, dict[Language, str]] = {
    "as_of": {
        "vi": "Số liệu đến hết ngày {as_of}, tính từ {start}",
        "en": "Data as of the end of {as_of}, counted from {start}",
    },
    "clause": {"vi": "Khoản", "en": "Clause"},
    "indicator": {"vi": "Chỉ tiêu", "en": "Indicator"},
    "result": {"vi": "Kết quả", "en": "Result"},
    "of": {"vi": "Tử số / mẫu số", "en": "Numerator / denominator"},
    "target": {"vi": "Mục tiêu", "en": "Target"},
    "status": {"vi": "Đánh giá", "en": "Verdict"},
    "decision": {"vi": "Quyết định {plan}", "en": "Decision {plan}"},
    "notes": {"vi": "Ghi chú", "en": "Notes"},
    "unverified": {
        "vi": "Mục tiêu hoặc cách đo chưa được đối chiếu với văn bản gốc.",
        "en": "Target or way of measuring not yet compared with the original text.",
    },
    "annex": {"vi": "PL-n: dòng n của Phụ lục.", "en": "PL-n: row n of the plan's annex."},
    "form_06": {
        "vi": "Biểu II.06a: {rate} ({counts})",
        "en": "By form II.06a: {rate} ({counts})",
    },
    "methods": {
        "vi": "Tỷ lệ đúng hạn theo các cách đếm đang dùng",
        "en": "On-time rate by the methods in use",
    },
    "method": {"vi": "Cách đếm", "en": "Method"},
    "chosen": {"vi": "bảng trên", "en": "table above"},
}
_STYLES = {"met": "bold green", "not_met": "bold red", "no_data": "dim", "no_target": "cyan"}
_SIGNS = {"met": "✓ ", "not_met": "✗ ", "no_data": "", "no_target": ""}


class _ScorecardPage:
    """The scorecard for a terminal."""

    def __init__(
        self,
        lines: list[ScorecardLine],
        methods: list[MethodFigure],
        labels: dict[str, CodeTexts],
        night: dt.date,
        lang: Language,
    ) -> None:
        self._lines = lines
        self._methods = methods
        self._labels = labels
        self._night = night
        self._lang: Language = lang
        self._reasons: list[str] = []

    def _word(self, name: str, **values: str) -> str:
        return _WORDS[name][self._lang].format(**values)

    def _label(self, kind: str, code: str) -> str:
        return str(self._labels[kind][code][f"label_{self._lang}"])

    def print(self, file: TextIO, decisions: Iterable[str] = ()) -> None:
        """Write the page, with the decisions below; colours only on a terminal."""
        width = page_width(file)
        with printed(file, width) as console:
            self._print_heading(console)
            console.print(self._table(width))
            self._print_summary(console)
            if any(figure.denominator for figure in self._methods):
                console.print(self._method_table())
            for decision in decisions:
                _print_note(console, "!", decision)
            self._print_notes(console)

    def _print_heading(self, console: Console) -> None:
        if not self._lines:
            return
        plan = self._labels["plan"][self._lines[0].plan_code]
        start = min(line.period_start for line in self._lines)
        console.print()
        console.print(f"[bold]{plan[f'title_{self._lang}']}[/bold]", markup=True)
        console.print(self._word("decision", plan=self._lines[0].plan_code))
        console.print(
            self._word("as_of", as_of=day(self._night, self._lang), start=day(start, self._lang))
        )

    def _table(self, width: int) -> Table:
        from rich import box  # noqa: PLC0415 - the machine formats do without it
        from rich.table import Table  # noqa: PLC0415 - the machine formats do without it
        from rich.text import Text  # noqa: PLC0415 - the machine formats do without it

        is_wide = width >= _WIDE
        table = Table(box=box.SIMPLE_HEAD, expand=True, pad_edge=False)
        table.add_column(self._word("clause"), no_wrap=True)
        table.add_column(self._word("indicator"), ratio=1, overflow="fold")
        table.add_column(self._word("result"), justify="right", overflow="fold")
        if is_wide:
            table.add_column(self._word("of"), justify="right", overflow="fold")
        table.add_column(self._word("target"), justify="right", no_wrap=True)
        table.add_column(self._word("status"), max_width=_STATUS_WIDTH if width < _NARROW else None)
        for clauses, of_indicator in self._shown_lines():
            for line in of_indicator:
                is_first = line is of_indicator[0]
                result, counts = self._result(line)
                notes = [self._name(line, is_first=is_first), *self._notes(line)]
                if counts and not is_wide and line.unit_of_measure == "seconds":
                    notes.insert(1, counts)
                    counts = ""
                cells = [
                    "\n".join(clauses) if is_first else "",
                    Text("\n· ".join(notes)),
                    *(
                        (result, counts)
                        if is_wide
                        else ("\n".join(filter(None, (result, counts))),)
                    ),
                    Text(self._target(line), style="" if line.verified else "yellow"),
                    Text(self._status(line), style=_STYLES[line.status]),
                ]
                table.add_row(*cells)
        return table

    def _shown_lines(self) -> Iterator[tuple[Iterable[str], list[ScorecardLine]]]:
        """Clauses and lines of each indicator; one line where no level has data."""
        for of_indicator in in_reading_order(self._lines):
            clauses = dict.fromkeys(line.clause_code for line in of_indicator)
            of_levels = list({line.unit_code: line for line in of_indicator}.values())
            has_data = main_line(of_levels).status != "no_data"
            yield clauses, of_levels if has_data else of_levels[:1]

    def _name(self, line: ScorecardLine, *, is_first: bool) -> str:
        title = line.text("title", self._lang)
        if line.unit_code == "CITY" or is_first:
            return title
        return "– " + line.text("unit_label", self._lang)

    def _notes(self, line: ScorecardLine) -> Iterator[str]:
        """The notes under a line's title: firmness, the form's rate, then those of the line."""
        if firmness := line.firmness_text(self._lang):
            yield firmness
        if line.form_06_numerator is not None and line.form_06_denominator:
            rate = Decimal(100 * line.form_06_numerator) / line.form_06_denominator
            numerator = whole(line.form_06_numerator, self._lang)
            denominator = whole(line.form_06_denominator, self._lang)
            yield self._word(
                "form_06", rate=percent(rate, self._lang), counts=f"{numerator}/{denominator}"
            )
        yield from line.notes(self._lang)

    def _result(self, line: ScorecardLine) -> tuple[str, str]:
        if line.status == "no_data":
            return "—", ""
        result = measured(
            line.numerator,
            line.denominator,
            line.value,
            line.unit_of_measure,
            self._lang,
            line.target,
        )
        if line.unit_of_measure == "rank" or line.numerator is None or line.denominator is None:
            return result, ""
        counts = line.numerator, line.denominator
        return result, amounts_text(*counts, line.unit_of_measure, self._lang, between="/")

    def _target(self, line: ScorecardLine) -> str:
        text = target_text(line.target, line.comparison, line.unit_of_measure, self._lang)
        return text if line.verified else (text or "—") + "*"

    def _status(self, line: ScorecardLine) -> str:
        text = _SIGNS[line.status] + self._label("status", line.status)
        if line.status in {"met", "not_met"} and not line.verified:
            text += "*"
        if line.status != "no_data":
            return text
        reason = line.text("no_data_reason", self._lang)
        if reason not in self._reasons:
            self._reasons.append(reason)
        return f"{text} ({self._reasons.index(reason) + 1})"

    def _print_summary(self, console: Console) -> None:
        console.print(COUNTED_VERDICTS[self._lang] + ":")
        counts = count_verdicts(self._lines)
        console.print(
            " · ".join(
                f"[{_STYLES[status]}]{self._label('status', status)}: {counts[status]}[/]"
                for status in _STYLES
            ),
            markup=True,
        )

    def _method_table(self) -> Table:
        from rich import box  # noqa: PLC0415 - the machine formats do without it
        from rich.table import Table  # noqa: PLC0415 - the machine formats do without it

        table = Table(
            box=box.SIMPLE_HEAD,
            pad_edge=False,
            title=self._word("methods"),
            title_justify="left",
            title_style="bold",
        )
        table.add_column(self._word("method"))
        levels = self._labels["level"]
        for row in levels.values():
            table.add_column(str(row[f"label_{self._lang}"]), justify="right", no_wrap=True)
        figures = {(figure.method_code, figure.unit_code): figure for figure in self._methods}
        chosen = next((x.method_code for x in self._lines if x.indicator_code == ON_TIME), None)
        counted = {figure.method_code for figure in self._methods}
        for method in filter(counted.__contains__, self._labels["method"]):
            label = self._label("method", method)
            if not self._labels["method"][method]["verified"]:
                label += "*"
            if method == chosen:
                label += f" ({self._word('chosen')})"
            table.add_row(
                label, *(self._rate(figures.get((method, unit_code))) for unit_code in levels)
            )
        return table

    def _rate(self, figure: MethodFigure | None) -> str:
        if figure is None or figure.numerator is None or not figure.denominator:
            return "—"
        return percent(Decimal(100 * figure.numerator) / figure.denominator, self._lang)

    def _print_notes(self, console: Console) -> None:
        for number, reason in enumerate(self._reasons, start=1):
            _print_note(console, f"({number})", reason)
        if any(not line.verified for line in self._lines):
            _print_note(console, "*", self._word("unverified"))
            for note in dict.fromkeys(self._unverified_notes()):
                _print_note(console, "", note)
        _print_note(console, "·", self._word("annex"))
        _print_note(console, "·", ROUNDING[self._lang])

    def _unverified_notes(self) -> Iterable[str]:
        for line in self._lines:
            if not line.verified and line.text("target_note", self._lang):
                yield f"{line.clause_code}: {line.text('target_note', self._lang)}."


def _print_note(console: Console, mark: str, text: str) -> None:
    from rich.padding import Padding  # noqa: PLC0415 - the machine formats do without it
    from rich.table import Table  # noqa: PLC0415 - the machine formats do without it
    from rich.text import Text  # noqa: PLC0415 - the machine formats do without it

    note = Table.grid(padding=(0, 1))
    note.add_column(width=4, justify="right")
    note.add_column()
    note.add_row(Text(mark), Text(text, style="dim"))
    console.print(Padding(note, 0))
