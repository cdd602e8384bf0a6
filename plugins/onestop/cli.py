"""The console command ``onestop``: the functions that the DAG's tasks run, by hand."""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import errno
import getpass
import io
import logging
import os
import re
import signal
import sys
import tempfile
import threading
import traceback
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from onestop.errors import OneStopError, SettingsError
from onestop.files import FULL, remove_unfinished, room_left
from onestop.language import LANGUAGES, chosen_language, shown_language
from onestop.progress import working
from onestop.said import (
    Language,
    Said,
    said,
    said_count,
    said_list,
    said_number,
    said_text,
    translated,
)
from onestop.settings import Settings
from onestop.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from onestop.night import NightReport
    from onestop.upkeep.backup import Backup
    from onestop.upkeep.verify import Verification

_DEBUG = "--debug"
_PROGRESS = "--progress"


class _Command(TyperCommand):
    """A command whose help is in the language of LANG_UI."""

    @cached_property
    def _common(self) -> list[Any]:
        return _common_options()

    def get_params(self, ctx: typer.Context) -> list[Any]:  # type: ignore[override] # its own context
        """Its arguments and options, the options of every command, and ``--help``."""
        *own, helping = super().get_params(ctx)
        return [*own, *self._common, helping]

    def get_help(self, ctx: typer.Context) -> str:  # type: ignore[override] # its own context
        """The help, translated before it is laid out."""
        return _in_own_language(self, ctx, lambda: super(_Command, self).get_help(ctx))


class _Group(TyperGroup):
    """Commands whose help is in the language of LANG_UI."""

    @cached_property
    def _common(self) -> list[Any]:
        return _common_options()

    def get_params(self, ctx: typer.Context) -> list[Any]:  # type: ignore[override] # its own context
        """Its options, the options of every command, and ``--help``."""
        *own, helping = super().get_params(ctx)
        return [*own, *self._common, helping]

    def get_help(self, ctx: typer.Context) -> str:  # type: ignore[override] # its own context
        """The help, translated before it is laid out."""
        return _in_own_language(self, ctx, lambda: super(_Group, self).get_help(ctx))

    def main(self, *args: Any, **named: Any) -> Any:  # noqa: ANN401 - as the parser has it
        """Run a command; what the parser refuses is shown in the language, too."""
        is_standalone = named.get("standalone_mode", True)
        named["standalone_mode"] = False
        if not is_standalone:
            return super().main(*args, **named)
        try:
            status = super().main(*args, **named)
        except _ParserError as error:
            text = io.StringIO()
            error.show(text)
            typer.echo(_of_parser(text.getvalue().rstrip()), err=True)
            status = error.exit_code
        except typer.Abort:
            status = 1
        sys.exit(status if isinstance(status, int) else 0)


def _everywhere(
    is_debugging: Annotated[
        bool, typer.Option(_DEBUG, help="On an error, show the whole traceback.")
    ] = False,
    shows_progress: Annotated[
        bool,
        typer.Option(
            _PROGRESS, help="Show the progress of long work also where there is no terminal."
        ),
    ] = False,
) -> None:
    """Have the options that stand before and after the name of every command."""
    del is_debugging, shows_progress  # main() reads them


def _common_options() -> list[Any]:
    """The options of :func:`_everywhere`; commands get no values of them."""
    only = typer.Typer(add_completion=False)
    only.command()(_everywhere)
    options = typer.main.get_command(only).params
    for option in options:
        option.expose_value = False
    return options


#: What the parser raises for a wrong command line.
_ParserError: Any = typer.BadParameter.__mro__[2]


#: How the help names the values of options, by the parser's own name of their type.
_VALUES = {
    "<int>": "N",
    "<int range>": "N",
    "<float range>": "N",
    "<path>": "PATH",
    "<str>": "TEXT",
}


def _in_own_language(
    command: _Command | _Group, ctx: typer.Context, laid_out: Callable[[], str]
) -> str:
    """The help of a command in the language, with its examples at the end."""
    from onestop.help_texts import COMMANDS, PARAMETERS, examples_of

    command.epilog = examples_of(ctx.command_path.partition(" ")[2], chosen_language())
    for parameter in command.params:
        shown: Any = parameter
        if isinstance(parameter, TyperOption):
            kind = shown.display_type(typer.Context(command)) or ""
            shown.metavar = shown.metavar or _VALUES.get(kind, kind.strip("<>")) or None
        else:
            shown.display_type_rich = lambda ctx: None  # noqa: ARG005 - its name says it
    if chosen_language() == "en":
        return laid_out()
    for one in (command, *(command.commands.values() if isinstance(command, _Group) else ())):
        found = COMMANDS.get((one.help or "").partition("\n\n")[0])
        if found:
            one.help, one.short_help = found, found.partition("\n\n")[0]
    for parameter in command.get_params(typer.Context(command)):
        text = getattr(parameter, "help", None)
        if text in PARAMETERS:
            parameter.help = PARAMETERS[text]
    return _of_parser(laid_out())


def _of_parser(text: str) -> str:
    """What the parser writes, in the language."""
    text = text.replace("Value error, ", "")
    if shown_language() == "en":
        return text
    from onestop.help_texts import PARSER

    for english, own in PARSER:
        text = re.sub(english, own, text)
    return text


app = typer.Typer(
    cls=_Group,
    help=(
        "Count one-stop dossiers against the city's 2022 reform plan.\n\n"
        "A night takes in the exported files of a day, checks them, and publishes the figures:"
        " exports → landing → validation → warehouse → marts → published. Environment variables"
        " set where things are (ONESTOP_VAR and others, see README); by default everything is"
        " under var/."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # a formatted help takes three times as long
)
report_app = typer.Typer(
    cls=_Group, help="The plan's periodic reports, and the statistics form.", no_args_is_help=True
)
app.add_typer(report_app, name="report")


class Format(StrEnum):
    """For people or for programs."""

    table = "table"
    json = "json"
    csv = "csv"


class Role(StrEnum):
    """How an item counts in a figure."""

    denominator = "denominator"
    numerator = "numerator"
    left_out = "left_out"


#: How commands, pages and reports print dates in both languages, and how people type them.
_DAY_FORMATS = ("%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%d %b %Y", "%Y%m%d")


def _wrong(what: Said) -> typer.BadParameter:
    """An argument that cannot be used."""
    return typer.BadParameter(what.in_language(shown_language()))


def _day(text: str) -> dt.date:
    for form in _DAY_FORMATS:
        with contextlib.suppress(ValueError):
            return dt.datetime.strptime(text.strip(), form).date()  # noqa: DTZ007 - a calendar date
    raise _wrong(said("{text} is not a date; write it as 2022-11-24 or 24/11/2022", text=text))


def _date_option(name: str, says: str) -> Any:  # noqa: ANN401 - as typer.Option
    return typer.Option(name, parser=_day, metavar="DATE", help=says)


def _language(text: str) -> Language:
    try:
        return chosen_language(text)
    except SettingsError as error:
        raise typer.BadParameter(
            said("{what}; {remedy}", what=error.what, remedy=error.remedy).in_language(
                shown_language()
            )
        ) from None


def _speak(lang: Language) -> Language:
    """Let messages, logs and progress be in the language of the option, too."""
    os.environ["LANG_UI"] = lang
    return lang


def _codes_of(*columns: str) -> Callable[[str], list[str]]:
    """Completes codes of reference files.

    Args:
        columns: each as ``file.column``.
    """

    def complete(incomplete: str) -> list[str]:
        from onestop.schema.project import PROJECT_ROOT

        found: dict[str, None] = {}
        for file, _, column in (name.partition(".") for name in columns):
            path = PROJECT_ROOT / "sql" / "reference" / f"{file}.csv"
            with path.open(encoding="utf-8", newline="") as rows:
                found |= dict.fromkeys(row[column] for row in csv.DictReader(rows))
        return [code for code in found if code.startswith(incomplete)]

    return complete


def _words(*words: str) -> Callable[[str], list[str]]:
    """Completes one of these words."""
    return lambda incomplete: [word for word in words if word.startswith(incomplete)]


def _units(incomplete: str) -> list[str]:
    """Completes units of the last published night."""
    from onestop.marts.published import open_published

    with contextlib.suppress(OneStopError), open_published(Settings.from_environment()) as marts:
        found = marts.rows("select unit_code from mart.unit order by unit_scope, unit_code")
        return [row["unit_code"] for row in found if row["unit_code"].startswith(incomplete)]
    return []


_INDICATORS = _codes_of("indicator.indicator_code")
_METHODS = _codes_of("method.method_code", "reading.reading_code")
_FEEDS = _words("dossiers", "visits", "procedures", "units", "declarations")
Night = Annotated[
    dt.date,
    typer.Argument(parser=_day, metavar="DATE", help="The night: 2022-11-24 or 24/11/2022."),
]
To = Annotated[dt.date | None, _date_option("--to", "Last night of a range.")]
AsOf = Annotated[
    dt.date | None,
    _date_option("--as-of", "A published night; defaults to the last one."),
]
From_ = Annotated[dt.date, _date_option("--from", "First day.")]
Until = Annotated[dt.date, _date_option("--to", "Last day.")]
LangOption = Annotated[
    Language,
    typer.Option(
        "--lang",
        callback=_speak,
        metavar="vi|en",
        parser=_language,
        help="Language; defaults to that of LANG_UI, else of LANG, else vi.",
        default_factory=chosen_language,
        show_default=False,
        autocompletion=_words(*LANGUAGES),
    ),
]
FormatOption = Annotated[
    Format, typer.Option("--format", help="A table for people; json or csv for programs.")
]
Unit = Annotated[
    str,
    typer.Option(
        "--unit",
        help="Unit code, DEPARTMENT, DISTRICT, COMMUNE or CITY.",
        autocompletion=_units,
    ),
]
Feed = Annotated[
    str | None,
    typer.Option(
        "--feed",
        help="Only dossiers, visits, procedures, units or declarations.",
        autocompletion=_FEEDS,
    ),
]
OneNight = Annotated[dt.date | None, _date_option("--night", "Only this night.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="Maximum number of rows.")]


def _show_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"onestop {__version__}")
        raise typer.Exit


@report_app.callback()
def _report_options(lang: LangOption) -> None:
    del lang  # LangOption sets it for the commands


@app.callback()
def _options(
    lang: LangOption,
    has_version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    del lang, has_version  # their callbacks did all


@app.command()
def sample(  # noqa: PLR0913, PLR0917 - one option each
    first: From_,
    last: Until,
    out: Annotated[Path, typer.Option("--out", help="Folder to write into.")],
    lang: LangOption,
    since: Annotated[
        dt.date | None,
        _date_option(
            "--since", "The first night also gets a snapshot of everything since this day."
        ),
    ] = None,
    per_day: Annotated[
        int, typer.Option("--per-day", min=1, help="Dossiers per working day.")
    ] = 120,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same files.")] = 3818,
    dirt: Annotated[
        float, typer.Option("--dirt", min=0, max=50, help="Per cent of rows made faulty.")
    ] = 1.0,
    communes: Annotated[
        int | None,
        typer.Option("--communes", min=1, help="Maximum number of communes of a district."),
    ] = None,
) -> None:
    """Write realistic exports of all feeds for some nights."""
    from onestop.sample import write_sample

    summary = write_sample(
        out,
        first,
        last,
        since=since,
        per_day=per_day,
        seed=seed,
        dirt_percent=dirt,
        communes=communes,
    )
    _say(
        said(
            "{files} in {folder}: {rows} of {dossiers}, {tickets}, {bad} made faulty on purpose",
            files=said_count(len(summary.files), "file"),
            folder=out,
            rows=said_count(summary.dossier_rows, "dossier row"),
            dossiers=said_count(summary.dossiers, "dossier"),
            tickets=said_count(summary.visits, "ticket"),
            bad=said_count(sum(summary.bad_rows.values()), "row"),
        ),
        lang,
    )


@app.command()
def night(
    first: Night,
    lang: LangOption,
    to: To = None,
    accepted: Annotated[
        list[str] | None,
        typer.Option(
            "--accept-volume",
            metavar="SOURCE/FEED",
            help="Accept this feed's unusual number of rows, or its snapshot that lacks a whole"
            " unit; needs --because.",
        ),
    ] = None,
    because: Annotated[
        str, typer.Option("--because", help="The reason of the decision, kept with your login.")
    ] = "",
) -> None:
    """Run nights: land → read → validate → load → compute → check → publish.

    Running a night again is always safe. Exit status 1 when a night was not published.
    """
    from onestop.decisions import accept_volumes
    from onestop.night import run_night
    from onestop.schema.time_zone import LOCAL_ZONE

    last = to or first
    _require_order(first, last)
    if last > dt.datetime.now(LOCAL_ZONE).date():
        raise _wrong(said("night {night} is in the future; correct the date", night=last))
    settings = Settings.from_environment()
    if accepted and first != last:
        raise _wrong(said_text("--accept-volume decides about one night; leave out --to"))
    if accepted:
        accept_volumes(settings, first, accepted, because, getpass.getuser())
    good = True
    day = first
    while day <= last:
        typer.secho(said("night {night}", night=day).in_language(lang), bold=True)
        report = run_night(settings, day, lambda line: typer.echo(f"  {translated(line, lang)}"))
        for line in _what_to_look_at(settings, report):
            typer.echo(f"  {line.in_language(lang)}")
        message = translated(report.message, lang)
        typer.secho(f"  {message}", fg=None if report.is_good else "red")
        good = good and report.is_good
        day += dt.timedelta(days=1)
    if not good:
        raise typer.Exit(1)


def _require_order(first: dt.date | None, last: dt.date | None) -> None:
    if first and last and last < first:
        raise _wrong(
            said("the range ends ({last}) before it begins ({first})", last=last, first=first)
        )


def _what_to_look_at(settings: Settings, report: NightReport) -> Iterator[Said]:
    """Where the rejected rows and the warnings of a night are shown."""
    for night in sorted({one.night for one in report.deliveries if one.rows_rejected}):
        yield said("the rejected rows: onestop rejected --night {night}", night=night)
    if any(one.warnings for one in report.deliveries):
        page = settings.folders.reports / "index.html"
        yield said("the warnings: {page}", page=page)


@app.command()
def scorecard(lang: LangOption, as_of: AsOf = None, form: FormatOption = Format.table) -> None:
    """Show the plan's indicators against their targets."""
    from onestop.figures.scorecard import print_scorecard

    print_scorecard(Settings.from_environment(), lang, as_of, form.value)


@app.command()
def explain(  # noqa: PLR0913, PLR0917 - a figure has this many coordinates
    indicator: Annotated[
        str,
        typer.Argument(
            metavar="INDICATOR",
            help="As in ref.indicator: on_time_rate, counter_waiting_time, …; or a check, as in"
            " ref.decree_check: extended_twice, closed_out_overdue, …",
            autocompletion=_codes_of("indicator.indicator_code", "decree_check.check_code"),
        ),
    ],
    unit: Unit,
    first: From_,
    last: Until,
    lang: LangOption,
    method: Annotated[
        str | None,
        typer.Option(
            "--method",
            help="As in ref.method or ref.reading, such as form_06, due or cohort_ended_only;"
            " defaults to the scorecard's.",
            autocompletion=_METHODS,
        ),
    ] = None,
    as_of: AsOf = None,
    role: Annotated[
        Role | None,
        typer.Option("--role", help="List only these items; the figure is that of all."),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            min=1,
            help="At most so many items of each role; defaults to 200 in a table, else to all.",
        ),
    ] = None,
    form: FormatOption = Format.table,
) -> None:
    """List the items behind a figure, counted or left out, with reason, delivery and row.

    Dossiers of a rate, tickets of the waiting time, procedures, One-Stop desks, declarations. Those
    that failed (in the denominator only) come first.
    """
    from onestop.figures.explain import explain as explain_figure
    from onestop.figures.explain import print_explanation

    settings = Settings.from_environment()
    with working("computing", indicator, unit="rows"):
        explanation = explain_figure(settings, indicator, unit, first, last, method, as_of)
    print_explanation(
        settings,
        explanation,
        lang,
        form.value,
        role=None if role is None else role.value,
        limit=limit,
    )


@app.command()
def diff(  # noqa: PLR0913, PLR0917 - a figure has this many coordinates
    previous: Annotated[
        dt.date,
        typer.Argument(parser=_day, metavar="NIGHT", help="The earlier night: 2022-11-23."),
    ],
    as_of: Annotated[
        dt.date, typer.Argument(parser=_day, metavar="NIGHT", help="The later night: 2022-11-24.")
    ],
    lang: LangOption,
    unit: Unit = "CITY",
    indicator: Annotated[
        str | None,
        typer.Option(
            "--indicator",
            help="As in ref.indicator: on_time_rate, …; lists the dossiers of each cause, too.",
            autocompletion=_INDICATORS,
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            "--method",
            help="As in ref.method; defaults to the scorecard's.",
            autocompletion=_METHODS,
        ),
    ] = None,
    first: Annotated[
        dt.date | None,
        _date_option(
            "--from",
            "First day; defaults to that of the scorecard's period, with --to to 1 January.",
        ),
    ] = None,
    last: Annotated[
        dt.date | None,
        _date_option(
            "--to", "Last day; defaults to each night, or to the end of the scorecard's period."
        ),
    ] = None,
    form: FormatOption = Format.table,
) -> None:
    """Show why figures moved between two published nights: causes that add up to the change.

    In a figure, each dossier, ticket, procedure, desk or declaration has one cause: newly received,
    closed in time, closed late, fell overdue, late file, register changed, … (ref.change_cause).
    The causes add up to the change of numerator and denominator. The command also shows where
    target, verdict or firmness differ, and the known issues of the data.

    If the reference rows changed between the nights, --indicator lists the dossiers that now count
    otherwise. If the release changed, it cannot: the earlier SELECTs are not kept.

    mart.night_change holds the causes of every night, unit, indicator and period.
    """
    from onestop.figures.difference import compare_nights
    from onestop.figures.difference.output import print_difference

    settings = Settings.from_environment()
    with working("comparing", unit="tables"):
        difference = compare_nights(
            settings, previous, as_of, unit, indicator, method, (first, last)
        )
    print_difference(settings, difference, lang, form.value)


@report_app.command("form-06a")
def form_06a(
    unit: Unit,
    first: From_,
    last: Until,
    out: Annotated[Path, typer.Option("-o", "--out", help="The .xlsx file to write.")],
    lang: LangOption,
    as_of: AsOf = None,
    basis: Annotated[str, typer.Option("--basis", help="calendar or government.")] = "calendar",
) -> None:
    """Write the statistics form II.06a/VPCP/KSTT as an XLSX file."""
    from onestop.figures.form_06a import write_form_06a

    if out.suffix.lower() != ".xlsx":
        raise _wrong(said("the form is an XLSX file; let the name {file} end in .xlsx", file=out))
    write_form_06a(Settings.from_environment(), unit, first, last, as_of, basis, out)
    _say(said("{file} is written", file=out), lang)


def _may_ask() -> bool:
    """Whether a person sits at the terminal."""
    return sys.stdin.isatty()


@report_app.command("issue")
def issue_report(
    code: Annotated[
        str,
        typer.Argument(
            metavar="CODE",
            help="q1, half_year, q3 or year.",
            autocompletion=_codes_of("report_calendar.report_code"),
        ),
    ],
    lang: LangOption,
    as_of: AsOf = None,
    because: Annotated[
        str,
        typer.Option(
            "--because",
            help="Why it is issued before its period is over; kept with your login.",
        ),
    ] = "",
) -> None:
    """Issue a periodic report: numbered files that never change.

    If the night and its figures are those of an earlier issue, that issue is named and nothing is
    written. A later night, or another reason (--because), makes a new issue with the next number. A
    report whose period is not over needs a reason; on a terminal the command asks for it.

    The command also says how much the figures of earlier periods still changed when they were as
    old as these.
    """
    from onestop.decisions import checked_reason
    from onestop.figures.issued import issue_line, lacks_reason, provisional_lines
    from onestop.figures.issued import issue_report as issue
    from onestop.marts.published import QuestionError, find_night, open_published
    from onestop.schema.time_zone import LOCAL_ZONE

    settings = Settings.from_environment()
    with open_published(settings) as published:
        night = find_night(published, as_of)  # another may be published while a person answers
    if not because and lacks_reason(settings, code, night):
        if not _may_ask():
            raise QuestionError(
                "before its period is over, a report is issued with a reason only",
                subject=said("report {report_code}", report_code=code),
                remedy="state it with --because",
            )
        why = said_text("Its period is not over yet. Why is it issued now?")
        because = typer.prompt(why.in_language(lang), err=True)
    reason = checked_reason(because) if because else ""
    now = dt.datetime.now(LOCAL_ZONE)
    issued = issue(settings, code, night, now, because=reason, decided_by=getpass.getuser())
    _say(issue_line(settings, issued, now), lang)
    for line in provisional_lines(settings, issued, lang):
        typer.echo(line)


@report_app.command("list")
def list_reports(lang: LangOption, form: FormatOption = Format.table) -> None:
    """List issued reports, whether their files are unchanged, and the reports still due."""
    from onestop.figures.issued import print_issued_reports

    print_issued_reports(Settings.from_environment(), lang, form.value)


@app.command()
def verify(lang: LangOption, as_of: AsOf = None) -> None:
    """Recompute the published figures from landing/ alone and compare; exit 0 when identical.

    landing/ keeps the exported files as they came. In a national office, the nation's last
    publication is also added up again, from the kept packages.
    """
    from onestop.marts.published import has_national, open_published, published_nights
    from onestop.upkeep.verify import verify as verify_night

    settings = Settings.from_environment()
    with open_published(settings) as published:
        is_office, has_nights = has_national(published), bool(published_nights(published))
    has_nation = is_office and as_of is None
    is_identical = not has_nation or _is_nation_identical(settings, lang)
    if has_nights or not has_nation:
        is_identical &= _is_night_identical(verify_night(settings, as_of), lang)
    if not is_identical:
        raise typer.Exit(1)


def _is_night_identical(result: Verification, lang: Language) -> bool:
    """Print what the verification of a night found."""
    for sentence in result.notes:
        typer.secho(translated(sentence, lang), fg="yellow", err=True)
    for sentence in result.differences:
        typer.echo(translated(sentence, lang))
    if more := result.difference_count - len(result.differences):
        _say(said("… and {differences}", differences=said_count(more, "more difference")), lang)
    for sentence in result.reasons:
        typer.echo(translated(sentence, lang))
    if result.is_identical:
        _say(
            said(
                "night {night}: all published figures are identical ({figures}) when recomputed"
                " from {files}",
                night=result.night,
                figures=said_number(result.figures),
                files=said_count(result.deliveries, "landed file"),
            ),
            lang,
        )
        return True
    differences = said_count(result.difference_count, "difference")
    _warn(said("night {night}: {differences}", night=result.night, differences=differences), lang)
    return False


def _is_nation_identical(settings: Settings, lang: Language) -> bool:
    """Verify the nation's last publication, and print what was found."""
    from onestop.upkeep.verify_nation import verify_nation

    result = verify_nation(settings)
    facts = {"night": result.night, "number": result.publication_id}
    for sentence in result.differences:
        _say(sentence, lang)
    if result.differences:
        _warn(
            said(
                "the nation's night {night}, publication {number}: {differences}",
                differences=said_count(result.difference_count, "difference"),
                **facts,
            ),
            lang,
        )
        return False
    _say(
        said(
            "the nation's night {night}, publication {number}: all figures are identical"
            " ({figures}) when added up from {packages}",
            figures=said_number(result.figures),
            packages=said_count(result.packages, "kept package"),
            **facts,
        ),
        lang,
    )
    return True


@app.command()
def replay(  # noqa: PLR0913, PLR0917 - one filter each
    lang: LangOption,
    first: Annotated[
        dt.date | None,
        _date_option("--from", "Only this night and later ones."),
    ] = None,
    last: Annotated[
        dt.date | None,
        _date_option("--to", "Only this night and earlier ones."),
    ] = None,
    source: Annotated[str | None, typer.Option("--source", help="Only this source.")] = None,
    feed: Feed = None,
    rule: Annotated[
        str | None, typer.Option("--rule", help="Only what this rule refused, such as DOS-R07.")
    ] = None,
    delivery: Annotated[
        str | None, typer.Option("--delivery", help="Only this delivery_id.")
    ] = None,
    has_superseded: Annotated[
        bool,
        typer.Option(
            "--superseded",
            help="Also refused files, and files with rejected rows, that later files replaced.",
        ),
    ] = False,
    is_trial: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be loaded.")
    ] = False,
) -> None:
    """Read refused rows and files again after a rule, mapping or reference file was corrected.

    They are read from landing/; the exports are not needed. Rows that now pass are loaded and
    appear from the next night on; published nights do not change.
    """
    from onestop.replay import ReplayFilter, replay_summary
    from onestop.replay import replay as replay_refused

    _require_order(first, last)
    wanted = ReplayFilter(first, last, source, feed, rule, delivery, has_superseded)
    results = replay_refused(
        Settings.from_environment(),
        wanted,
        is_trial=is_trial,
        echo=lambda result: typer.echo(result.in_language(lang)),
    )
    typer.secho(replay_summary(results, is_trial=is_trial).in_language(lang), bold=True)


@app.command()
def deliveries(
    lang: LangOption,
    night: OneNight = None,
    feed: Feed = None,
    state: Annotated[
        str | None,
        typer.Option(
            "--state", help="loaded or refused.", autocompletion=_words("loaded", "refused")
        ),
    ] = None,
    limit: Limit = 50,
    form: FormatOption = Format.table,
) -> None:
    """List the files received, and their state."""
    from onestop.figures.listing import print_deliveries

    print_deliveries(
        Settings.from_environment(),
        lang=lang,
        night=night,
        feed=feed,
        state=state,
        limit=limit,
        form=form.value,
    )


@app.command()
def nights(
    lang: LangOption,
    night: Annotated[
        dt.date | None,
        _date_option("--night", "Show how long each step of this night took, instead of the list."),
    ] = None,
    limit: Limit = 30,
    form: FormatOption = Format.table,
) -> None:
    """List the nights that were run, how each ended, and how long it took."""
    from onestop.figures.listing import print_nights, print_steps

    settings = Settings.from_environment()
    if night is not None:
        print_steps(settings, night, lang=lang, form=form.value)
    else:
        print_nights(settings, lang=lang, limit=limit, form=form.value)


@app.command()
def rejected(
    lang: LangOption,
    night: OneNight = None,
    feed: Feed = None,
    rule: Annotated[str | None, typer.Option("--rule", help="Rule code, such as DOS-R07.")] = None,
    state: Annotated[
        str | None,
        typer.Option(
            "--state",
            help="open, replayed, superseded or left_out.",
            autocompletion=_words("open", "replayed", "superseded", "left_out"),
        ),
    ] = None,
    limit: Limit = 50,
    form: FormatOption = Format.table,
) -> None:
    """List rejected rows with rule and reason."""
    from onestop.figures.listing import print_rejected

    print_rejected(
        Settings.from_environment(),
        lang=lang,
        night=night,
        feed=feed,
        rule=rule,
        state=state,
        limit=limit,
        form=form.value,
    )


@app.command()
def alerts(
    lang: LangOption,
    night: Annotated[
        dt.date | None,
        _date_option("--night", "The night; defaults to the last one that was run."),
    ] = None,
    form: FormatOption = Format.table,
) -> None:
    """Show a night's alerts, and when each was sent; nothing is sent."""
    from onestop.alerts import print_alerts

    print_alerts(Settings.from_environment(), night, lang, form.value)


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the backups.")],
    lang: LangOption,
    keep: Annotated[int, typer.Option("--keep", min=1, help="How many warehouses to keep.")] = 3,
) -> None:
    """Back up the warehouse, and the files landed since the last backup."""
    from onestop.upkeep.backup import make_backup

    settings = Settings.from_environment()
    made = make_backup(settings, target.absolute(), keep=keep)
    _say(
        said(
            "{folder}: the warehouse ({nights}), {files} ({new} new)",
            folder=made.folder,
            nights=_nights_held(made),
            files=said_count(made.files, "landed file"),
            new=made.new_files,
        ),
        lang,
    )


@app.command()
def restore(
    target: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the backups.")],
    lang: LangOption,
    at: Annotated[
        str | None,
        typer.Option("--at", help="Name of the backup; defaults to the one with the latest night."),
    ] = None,
) -> None:
    """Restore a backup into an empty installation; then run `onestop verify`."""
    from onestop.upkeep.backup import restore_backup

    settings = Settings.from_environment()
    restored = restore_backup(settings, target.absolute(), at=at)
    _say(
        said(
            "{backup} is restored ({nights}), {files}; run `onestop verify` to check its figures",
            backup=restored.folder.name,
            nights=_nights_held(restored),
            files=said_count(restored.files, "landed file"),
        ),
        lang,
    )


def _nights_held(backup: Backup) -> Said:
    """The last nights of a backup."""
    own = said("night {night}", night=backup.night)
    nation = said("the nation's night {night}", night=backup.national_night)
    if backup.night and backup.national_night:
        return said_list([own, nation])
    if backup.national_night:
        return nation
    return own if backup.night else said("no night is published yet")


@app.command()
def rebuild(lang: LangOption) -> None:
    """Rebuild a lost warehouse from landing/: every night that landing/ lists.

    Takes about as long as those nights took; an interrupted rebuild resumes. Exit status 1 when
    a night's figures differ from those that were published.
    """
    from onestop.night import complete_publication
    from onestop.upkeep.rebuild import rebuild as rebuild_warehouse

    settings = Settings.from_environment()
    done = rebuild_warehouse(settings)
    complete_publication(settings.warehouse, settings.folders)
    for sentence in done.differences:
        typer.echo(translated(sentence, lang))
    if not done.nights:
        _say(said("the warehouse holds every night that landing/ lists"), lang)
        return
    _say(
        said(
            "published again: {nights}, {first} to {last}; run the next night: files that came"
            " after the last one are loaded from the exports",
            nights=said_count(len(done.nights), "night"),
            first=done.nights[0],
            last=done.nights[-1],
        ),
        lang,
    )
    if done.differences:
        raise typer.Exit(1)


@app.command()
def migrate(
    lang: LangOption,
    is_national: Annotated[
        bool,
        typer.Option(
            "--national",
            help="Also create the schema of the nation's figures; one that exists is upgraded in"
            " any case.",
        ),
    ] = False,
) -> None:
    """Bring the warehouse's schema up to this release; on PostgreSQL, with its owner's login."""
    from onestop.marts.descriptions import describe_tables
    from onestop.marts.published import has_national
    from onestop.warehouse import open_warehouse

    with open_warehouse(Settings.from_environment().warehouse) as warehouse:
        is_office = is_national or has_national(warehouse)
        if is_office:
            from onestop.federation.national_warehouse import migrate_national

            national = migrate_national(warehouse)
        with warehouse.as_owner():
            describe_tables(warehouse)
        _say(said("the warehouse has schema {version}", version=warehouse.schema_version()), lang)
        if is_office:
            _say(said("the nation's figures have schema {version}", version=national), lang)


@app.command()
def housekeeping(
    lang: LangOption,
    is_trial: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be deleted.")
    ] = False,
    airflow_database: Annotated[
        bool,
        typer.Option(
            "--airflow-database", help="Also old runs of Airflow; only on the scheduler's machine."
        ),
    ] = False,
) -> None:
    """Delete files past their retention; never those that a published night needs."""
    from onestop.upkeep.housekeeping import clean_airflow_database, housekeep

    done = housekeep(Settings.from_environment(), is_trial=is_trial)
    for rule, found in done.summary().items():
        facts = {
            "rule": rule,
            "count": said_number(found["count"]),
            "size": said_number(found["size_bytes"] / 1e6, 1),
        }
        if is_trial:
            _say(said("{rule}: {count} would be deleted, {size} MB", **facts), lang)
        else:
            _say(said("{rule}: {count} deleted, {size} MB", **facts), lang)
    if not done.removals:
        _say(said("nothing is past its retention"), lang)
    if airflow_database and (arguments := clean_airflow_database(is_trial=is_trial)):
        typer.echo(f"airflow {' '.join(arguments)}")


@app.command()
def doctor(
    lang: LangOption,
    form: FormatOption = Format.table,
    night: Annotated[
        dt.date | None,
        _date_option("--night", "The night that should be published; defaults to yesterday."),
    ] = None,
    is_quiet: Annotated[
        bool, typer.Option("--quiet", help="Only show warnings and failures.")
    ] = False,
) -> None:
    """Check whether the installation is healthy, and what to do; exit 1 on a failure."""
    from onestop.upkeep.doctor import print_examination

    settings = Settings.from_environment()
    if not print_examination(settings, form.value, night, is_quiet=is_quiet, lang=lang):
        raise typer.Exit(1)


@app.command()
def package(
    lang: LangOption,
    night: Annotated[
        dt.date | None,
        typer.Argument(
            parser=_day,
            metavar="DATE",
            help="A published night; defaults to the last one.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder to write into.")] = Path(),
    province: Annotated[
        str,
        typer.Option(
            "--province",
            metavar="CODE",
            help="As in the national registry; defaults to the variable ONESTOP_PROVINCE.",
        ),
    ] = "",
    key: Annotated[
        Path | None,
        typer.Option(
            "--key", help="The private key; defaults to the variable ONESTOP_PACKAGE_KEY."
        ),
    ] = None,
    new_key: Annotated[
        Path | None,
        typer.Option(
            "--new-key",
            metavar="FILE",
            help="Only make a private key in this new file, and print the public key.",
        ),
    ] = None,
) -> None:
    """Write a published night as a signed package for the national office.

    It holds the published integers, by indicator, unit and period, and nothing of any dossier. The
    same night gives the same bytes. docs/federation.md describes keys and format.
    """
    from onestop.federation.packaging import package_night
    from onestop.federation.signing import make_key

    if new_key is not None:
        typer.echo(make_key(new_key.absolute()))
        return
    written = package_night(
        Settings.from_environment(), night, out.absolute(), province_code=province, key=key
    )
    _say(
        said(
            "{file}: night {night}, {size} KB",
            file=written.path,
            night=written.as_of_date,
            size=said_number(max(written.size_bytes >> 10, 1)),
        ),
        lang,
    )


class NationalList(StrEnum):
    """What ``nation`` lists."""

    scorecard = "scorecard"
    publications = "publications"
    provinces = "provinces"
    packages = "packages"
    restated = "restated"


@app.command()
def federate(
    lang: LangOption,
    places: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FOLDER|URL",
            help="Files, folders, sftp:// and s3:// folders, https:// files; defaults to the"
            " variable ONESTOP_PACKAGES.",
            show_default=False,
        ),
    ] = None,
    registry: Annotated[
        Path | None,
        typer.Option(
            "--registry",
            help="The provinces with their keys; defaults to the variable ONESTOP_PROVINCES.",
        ),
    ] = None,
    night: Annotated[
        dt.date | None,
        _date_option("--night", "The nation's night; defaults to the latest one of the provinces."),
    ] = None,
    at_least: Annotated[
        int,
        typer.Option(
            "--at-least", min=0, help="Publish only when packages of so many provinces are in."
        ),
    ] = 0,
    has_retries: Annotated[
        bool, typer.Option("--retry", help="Also check again the kept packages that were refused.")
    ] = False,
    has_scorecard: Annotated[
        bool, typer.Option("--scorecard", help="Show the nation's scorecard at the end.")
    ] = False,
) -> None:
    """Take in packages of provinces, and publish the nation's figures.

    Signatures, digests and sums are checked again; every package is kept. Running it again is
    always safe. Exit status 1 when a package is refused for the first time.
    """
    from onestop.federation.configuration import packages_from_environment, registry_file
    from onestop.federation.federating import Wanted
    from onestop.federation.federating import federate as take_in
    from onestop.federation.registry import read_registry
    from onestop.federation.sentences import federated_sentences

    settings = Settings.from_environment()
    done = take_in(
        settings,
        read_registry(registry or registry_file()),
        # what is checked again is kept here
        places or packages_from_environment(is_needed=not has_retries),
        Wanted(night, at_least, has_retries=has_retries),
    )
    for sentence in federated_sentences(done):
        typer.echo(sentence.in_language(lang))
    if has_scorecard:
        from onestop.federation.scorecard import print_nation

        print_nation(settings, lang)
    if done.unreachable:
        raise done.unreachable[0]
    if any(not outcome.is_known for outcome in done.refused):
        raise typer.Exit(1)


@app.command()
def nation(
    lang: LangOption,
    night: Annotated[
        dt.date | None,
        _date_option(
            "--as-of", "A published night of the nation; defaults to the last publication."
        ),
    ] = None,
    what: Annotated[
        NationalList,
        typer.Option(
            "--list",
            help="The scorecard, all publications, the provinces of one, all packages, or restated"
            " figures.",
        ),
    ] = NationalList.scorecard,
    form: FormatOption = Format.table,
) -> None:
    """Show the nation's scorecard: sums of the provinces, and who is missing or late."""
    from onestop.federation.scorecard import print_nation

    print_nation(Settings.from_environment(), lang, night, form.value, what.value)


@app.command()
def lineage(
    lang: LangOption,
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="TABLE[.COLUMN]",
            help="Such as form_06a or form_06a.received_total; defaults to all tables.",
            show_default=False,
        ),
    ] = None,
    form: FormatOption = Format.table,
) -> None:
    """Show what a table or column of mart is derived from, down to the exports' columns."""
    from onestop.marts.lineage import print_lineage

    print_lineage(Settings.from_environment(), what, form.value, lang)


# Lists of commands show the first sentence of each whole.
for _command in (*app.registered_commands, *report_app.registered_commands):
    _command.cls = _Command
    _command.short_help = (_command.callback.__doc__ or "").partition("\n\n")[0]


def _say(sentence: Said, lang: Language) -> None:
    typer.echo(sentence.in_language(lang))


def _warn(message: Said, lang: Language) -> None:
    typer.secho(message.in_language(lang), fg="red", err=True)


def main() -> None:
    """Run the command.

    An error that people can act on is printed as one message, and the command ends with a status.
    Any other exception is a fault of the code: one line says so, and names the file that has its
    traceback. With ``--debug`` every error shows its traceback.
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    arguments = sys.argv[1:]
    is_debugging = _DEBUG in arguments
    _read_language(arguments)
    try:
        chosen_language()
        with _ended_by_interrupts(), _shown_progress(is_asked=_PROGRESS in arguments):
            app(arguments)
    except Exception as error:  # noqa: BLE001 - each is reported, and ends the command
        if is_debugging:
            traceback.print_exc()
        message = _message(error, has_traceback=is_debugging)
        typer.secho(message.in_language(shown_language()), fg="red", err=True)
        sys.exit(error.exit_status if isinstance(error, OneStopError) else 1)


def _read_language(arguments: list[str]) -> None:
    """Read ``--lang`` before the parser does, so that its messages and helps are in it, too."""
    for at, argument in enumerate(arguments):
        name, _, value = argument.partition("=")
        if name == "--lang":
            asked = value or " ".join(arguments[at + 1 : at + 2])
            with contextlib.suppress(SettingsError):
                os.environ["LANG_UI"] = chosen_language(asked or "vi")


@contextlib.contextmanager
def _shown_progress(*, is_asked: bool) -> Iterator[None]:
    """Show the progress of long work on a terminal; elsewhere as lines, where that is asked for."""
    is_terminal = sys.stderr.isatty()
    if not is_terminal and not is_asked:
        yield
        return
    from onestop.console import LineProgress, TerminalProgress
    from onestop.progress import listening

    shown = TerminalProgress if is_terminal else LineProgress
    with listening(shown(sys.stderr, chosen_language())):
        yield


def _message(error: Exception, *, has_traceback: bool) -> Said:
    """What an error is about, and what to do."""
    if isinstance(error, OneStopError):
        return said("{error}", error=error)
    if isinstance(error, OSError) and error.errno in _DISK_OR_RIGHTS:
        is_known = error.errno in FULL and error.filename
        return said(
            "{where}{problem}{free}; {remedy}",
            where=f"{error.filename}: " if error.filename else "",
            problem=error.strerror,
            free=said(" ({room} free)", room=room_left(Path(error.filename))) if is_known else "",
            remedy=_DISK_OR_RIGHTS[error.errno],
        )
    return _fault(error, has_traceback=has_traceback)


def _fault(error: Exception, *, has_traceback: bool) -> Said:
    """A fault of the code in one line, with its place, and where its traceback is."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if f"{os.sep}onestop{os.sep}" in frame.filename]
    fault = said(
        "a fault of onestop {version}: {kind}: {what}{place}",
        version=__version__,
        kind=type(error).__name__,
        what=" ".join(str(error).split())[:_SHOWN],
        place=f" ({Path(own[-1].filename).name}:{own[-1].lineno})" if own else "",
    )
    if has_traceback:
        return fault
    lines = "".join(traceback.format_exception(error))
    try:
        number, path = tempfile.mkstemp(prefix="onestop-fault-", suffix=".txt")
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(lines)
    except OSError:
        return said("{traceback}{fault}", traceback=lines, fault=fault)
    return said(
        "{fault}; Traceback: {path}, or run it again with {option}",
        fault=fault,
        path=path,
        option=_DEBUG,
    )


#: Letters of a fault's message that are shown.
_SHOWN = 200
#: Errors of the operating system that are no fault of the code, and what to do.
_DISK_OR_RIGHTS = {
    errno.ENOSPC: said_text("make room on the disk, then run the command again"),
    errno.EDQUOT: said_text("make room or raise the quota, then run the command again"),
    errno.EROFS: said_text("choose another folder, or make this one writable"),
    errno.EACCES: said_text("give this user the right, or run the command as the pipeline's user"),
    errno.EPERM: said_text("give this user the right, or run the command as the pipeline's user"),
}
_INTERRUPTED = 128 + signal.SIGINT
_STDERR = 2
#: Shows the cursor again, which a progress line hides.
_SHOWN_CURSOR = b"\x1b[?25h"


@contextlib.contextmanager
def _ended_by_interrupts() -> Iterator[None]:
    """At Ctrl-C, end the process at once with status 130, also within a statement of a library.

    A library may turn KeyboardInterrupt into an error of its own, and code that reports errors
    would go on after it. So no exception is raised: a thread ends the process. The next run
    undoes or completes unfinished work, as after a kill.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:  # as under nohup
        yield
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    threading.Thread(target=_end_when_interrupted, args=(reading,), daemon=True).start()
    signal.signal(signal.SIGINT, lambda *_: None)
    earlier = signal.set_wakeup_fd(writing)
    try:
        yield
    finally:
        signal.set_wakeup_fd(earlier)
        signal.signal(signal.SIGINT, before)
        os.close(writing)  # which ends the thread


def _end_when_interrupted(signals: int) -> None:
    """End the process at SIGINT; return when the pipe is closed.

    Args:
        signals: a pipe that Python writes the number of each signal to.
    """
    while number := os.read(signals, 1):
        if number[0] == signal.SIGINT:
            remove_unfinished()
            if os.isatty(_STDERR):
                os.write(_STDERR, _SHOWN_CURSOR)
            os.write(_STDERR, f"\n{translated('interrupted', shown_language())}\n".encode())
            os._exit(_INTERRUPTED)
    os.close(signals)
