"""From a figure to its dossiers: each one counted or left out, why, and where it was read.

The dossiers come from the very SELECTs of ``sql/mart`` that the figures come from, asked about one
unit and one span of days; any span will do, and any published night. What each method counts is
in ``ref.method``; :data:`RULES` says it dossier by dossier.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import sys
from collections import Counter
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, TextIO

from onestop.figures import day, percent, whole
from onestop.night_marts import NightMarts
from onestop.page import page_width, printed, safe_cell
from onestop.published import QuestionError, find_night, open_published

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rich.console import Console

    from onestop.figures import Language
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

Role = Literal["numerator", "denominator", "left_out"]
OutputFormat = Literal["table", "json", "csv"]

_IN_TIME = ("early", "on_time")
#: Form II.06a counts these as on time: withdrawn, returned, and those without a due date.
_IN_TIME_ON_FORM = ("withdrawn", "returned_unprocessed", "resolved_no_due_date")


@dataclass(frozen=True)
class CountedDossier:
    """One dossier and what it counted as.

    Attributes:
        dossier_code: which one.
        unit_code: where it is counted.
        role: in the numerator (and so in the denominator), in the denominator only, or left out.
        reason_code: why, as a code: its class at the end of the span, or what keeps it out.
        reason_vi: why, in Vietnamese.
        reason_en: why, in English.
        received_date: the clock started.
        due_date: as it stood at the end of the span.
        closed_date: the clock stopped; empty while it was open at the end of the span.
        delivery_id: the delivery it was last read in.
        file_name: that delivery's file.
        row_number: the row in that file.
    """

    dossier_code: str
    unit_code: str | None
    role: Role
    reason_code: str
    reason_vi: str
    reason_en: str
    received_date: dt.date | None
    due_date: dt.date | None
    closed_date: dt.date | None
    delivery_id: str | None
    file_name: str | None
    row_number: int | None


@dataclass(frozen=True)
class Explanation:
    """A figure with its dossiers.

    Attributes:
        indicator_code: which figure.
        method_code: how it is counted.
        unit_code: whose; a unit, a level (``DISTRICT``) or ``CITY``.
        unit_name: its name.
        first: first day of the span.
        last: last day of the span.
        as_of: the published night it is told from.
        dossiers: all that touch the span, numerator first.
        published: numerator and denominator that were published for exactly this span, if any.
    """

    indicator_code: str
    method_code: str
    unit_code: str
    unit_name: str
    first: dt.date
    last: dt.date
    as_of: dt.date
    dossiers: tuple[CountedDossier, ...]
    published: tuple[int | None, int | None] | None

    @property
    def numerator(self) -> int:
        """Dossiers counted in the numerator."""
        return sum(dossier.role == "numerator" for dossier in self.dossiers)

    @property
    def denominator(self) -> int:
        """Dossiers counted in the denominator."""
        return sum(dossier.role != "left_out" for dossier in self.dossiers)

    @property
    def agrees(self) -> bool | None:
        """Whether it adds up to the published figure; None when none was published for the span."""
        if self.published is None:
            return None
        return self.published == (self.numerator, self.denominator)


@dataclass(frozen=True)
class _Dossier:
    """What a dossier was at the end of the span (``mart.dossier_period``)."""

    class_at_end: str
    is_received_in: bool
    is_carried_over: bool
    is_closed_in: bool
    is_open: bool
    is_due_in: bool


def _cohort(dossier: _Dossier) -> Role | None:
    if not dossier.is_received_in:
        return None
    if dossier.class_at_end in _IN_TIME:
        return "numerator"
    return "denominator" if dossier.class_at_end in ("late", "open_overdue") else "left_out"


def _form_06(dossier: _Dossier) -> Role | None:
    if dossier.is_open:
        return "left_out"
    if not dossier.is_closed_in:
        return None
    is_in_time = dossier.class_at_end in _IN_TIME + _IN_TIME_ON_FORM
    return "numerator" if is_in_time else "denominator"


def _qd_766(dossier: _Dossier) -> Role | None:
    if not dossier.is_received_in:
        return None
    is_in_time = dossier.class_at_end in (*_IN_TIME, *_IN_TIME_ON_FORM, "open_in_time")
    return "numerator" if is_in_time else "denominator"


def _load(dossier: _Dossier) -> Role | None:
    if not (dossier.is_received_in or dossier.is_carried_over):
        return None
    return "denominator" if dossier.class_at_end in ("late", "open_overdue") else "numerator"


def _due(dossier: _Dossier) -> Role | None:
    if not dossier.is_due_in:
        return None
    if dossier.class_at_end in ("withdrawn", "returned_unprocessed", "paused"):
        return "left_out"
    return "numerator" if dossier.class_at_end in _IN_TIME else "denominator"


#: For each method, what a dossier counts as; None when it has nothing to do with the figure.
RULES: Mapping[str, Callable[[_Dossier], Role | None]] = {
    "cohort": _cohort,
    "form_06": _form_06,
    "qd_766": _qd_766,
    "load": _load,
    "due": _due,
}

#: Why, for each class; ``{…}`` are the dossier's dates.
_REASONS: dict[str, tuple[str, str]] = {
    "early": (
        "Giải quyết xong ngày {closed}, trước hạn {due}",
        "Resolved {closed}, before {due}",
    ),
    "on_time": ("Giải quyết xong đúng ngày hẹn {due}", "Resolved on its due day {due}"),
    "late": ("Giải quyết xong ngày {closed}, sau hạn {due}", "Resolved {closed}, after {due}"),
    "open_overdue": (
        "Chưa giải quyết xong vào cuối kỳ, đã quá hạn {due}",
        "Not resolved at the end of the span, overdue since {due}",
    ),
    "open_in_time": (
        "Chưa giải quyết xong vào cuối kỳ, còn trong hạn {due}",
        "Not resolved at the end of the span, due {due}",
    ),
    "open_no_due_date": (
        "Chưa giải quyết xong vào cuối kỳ, không hẹn ngày trả",
        "Not resolved at the end of the span, without a due date",
    ),
    "paused": (
        "Đang chờ bổ sung, nghĩa vụ tài chính hoặc tạm dừng vào cuối kỳ",
        "Awaiting supplement or payment, or suspended, at the end of the span",
    ),
    "withdrawn": ("Người nộp rút hồ sơ ngày {closed}", "Withdrawn {closed}"),
    "returned_unprocessed": (
        "Trả lại, không giải quyết, ngày {closed}",
        "Returned unprocessed {closed}",
    ),
    "resolved_no_due_date": (
        "Giải quyết xong ngày {closed}, không hẹn ngày trả",
        "Resolved {closed}, without a due date",
    ),
    "refused_at_intake": (
        "Không được tiếp nhận: không tính ở mọi cách đếm",
        "Refused at intake: counted by no method",
    ),
    "by_online": ("Nộp trực tuyến", "Submitted online"),
    "by_counter": ("Nộp trực tiếp tại quầy", "Handed in at the counter"),
    "by_post": ("Nộp qua dịch vụ bưu chính", "Sent by post"),
    "by_other": ("Nộp qua kênh khác hoặc không rõ kênh", "By another or an unknown channel"),
    **{
        f"level_{level}": (f"Mức độ {level}: không thuộc chỉ tiêu", f"Level {level}: not looked at")
        for level in range(1, 5)
    },
    "level_unknown": ("Không rõ mức độ", "Its service level is not known"),
    "digitised": ("Kết quả ngày {closed} đã số hóa", "Result of {closed} is digitised"),
    "not_digitised": ("Kết quả ngày {closed} chưa số hóa", "Result of {closed} is not digitised"),
    "no_result_document": (
        "Thủ tục không có kết quả bằng văn bản",
        "The procedure has no result document",
    ),
    "closed_otherwise": ("Kết thúc ngày {closed}, không rõ cách", "Ended {closed}, not known how"),
    "registered": (
        "Mới đăng ký, chưa được tiếp nhận: không tính ở mọi cách đếm",
        "Registered, not yet received: counted by no method",
    ),
}


#: Indicators of the share of dossiers received online, and the service levels they look at.
_ONLINE_LEVELS: dict[str, tuple[int, ...] | None] = {
    "online_share_level3": (3,),
    "online_share_level4": (4,),
    "online_share_level34": (3, 4),
    "online_share_all": None,
}
_DIGITISED = "result_digitisation_rate"


def explain(
    settings: Settings,
    indicator: str,
    unit: str,
    first: dt.date,
    last: dt.date,
    method: str | None = None,
    as_of: dt.date | None = None,
) -> Explanation:
    """Every dossier counted in a figure or left out of it, and why.

    Args:
        settings: of this installation.
        indicator: indicator code; ``on_time_rate``, an online share, or
            ``result_digitisation_rate``.
        unit: a unit's code, a level (``DEPARTMENT``, ``DISTRICT``, ``COMMUNE``) or ``CITY``.
        first: first day of the span.
        last: last day of the span.
        method: method code; the scorecard's unless told.
        as_of: a published night; the last one unless told.

    Raises:
        QuestionError: no such indicator, method or unit, or the span is reversed.
        NothingPublishedError: that night is not published.
    """
    if last < first:
        raise QuestionError(f"the span ends ({last}) before it begins ({first})")
    with open_published(settings) as warehouse:
        night = find_night(warehouse, as_of)
        method = _known_method(warehouse, indicator, method)
        marts = NightMarts(warehouse, night, (first, last))
        found_unit = marts.find_unit(unit)
        condition = found_unit.condition("dossier")
        days = (first, min(last, night))
        if indicator in _ONLINE_LEVELS:
            levels = _ONLINE_LEVELS[indicator]
            found = list(_by_channel(warehouse, marts, condition, days, (levels, method)))
        elif indicator == _DIGITISED:
            found = list(_by_result(warehouse, marts, condition, days))
        else:
            found = list(_judged(warehouse, marts, condition, RULES[method]))
        if indicator != _DIGITISED:
            found += _never_received(warehouse, marts, condition, (night, first, last))
        order = ("numerator", "denominator", "left_out")
        found.sort(key=lambda dossier: (order.index(dossier.role), dossier.dossier_code))
        return Explanation(
            indicator_code=indicator,
            method_code=method,
            unit_code=unit,
            unit_name=found_unit.name,
            first=first,
            last=last,
            as_of=night,
            dossiers=tuple(found),
            published=_published_figure(warehouse, night, (indicator, method, unit), (first, last)),
        )


def _known_method(warehouse: Warehouse, indicator: str, method: str | None) -> str:
    methods = {
        "on_time_rate": tuple(RULES),
        **dict.fromkeys(_ONLINE_LEVELS, ("channel", "channel_without_post")),
        _DIGITISED: ("share",),
    }
    if indicator not in methods:
        raise QuestionError(
            f"dossiers can be listed for {', '.join(methods)}, not for {indicator}; the numerators"
            " and denominators of all indicators are in mart.indicator_value"
        )
    method = method or warehouse.value(
        "select scorecard_method from ref.indicator where indicator_code = :indicator",
        {"indicator": indicator},
    )
    if method not in methods[indicator]:
        raise QuestionError(f"no method {method}; there are {', '.join(methods[indicator])}")
    return method


def _standing(
    warehouse: Warehouse, marts: NightMarts, condition: str, clock: str, days: tuple[dt.date, ...]
) -> list[dict[str, Any]]:
    """Dossiers received (or closed, by ``clock``) within the days, as they stood that night."""
    return warehouse.rows(
        "select dossier.dossier_code, dossier.unit_code, dossier.received_date,"
        " dossier.due_date, dossier.closed_date, dossier.channel, dossier.closing_class,"
        " coalesce(dossier.service_level, listed.service_level) as service_level,"
        " coalesce(dossier.result_digitised, false) as is_digitised,"
        " coalesce(listed.has_result, true) as has_result,"
        " dossier.delivery_id, delivery.file_name, dossier.row_number"
        f" from {marts.relation('mart.dossier')} as dossier"
        f" left join {marts.relation('mart.catalogue')} as listed"
        " on dossier.procedure_key = listed.procedure_key"
        f" and dossier.{clock} >= listed.holds_from"
        f" and (listed.valid_to is null or dossier.{clock} < listed.valid_to)"
        f" left join ({_DELIVERIES}) as delivery on dossier.delivery_id = delivery.delivery_id"
        f" where dossier.is_received and {condition}"
        f" and dossier.{clock} between :first and :last",
        {"first": days[0], "last": days[1]},
    )


_STANDING = ("channel", "closing_class", "service_level", "is_digitised", "has_result")


def _by_channel(
    warehouse: Warehouse,
    marts: NightMarts,
    condition: str,
    days: tuple[dt.date, dt.date],
    wanted: tuple[tuple[int, ...] | None, str],
) -> Iterator[CountedDossier]:
    """What each dossier received within the days is in an online share."""
    levels, method = wanted
    for row in _standing(warehouse, marts, condition, "received_date", days):
        said = {name: row.pop(name) for name in _STANDING}
        channel = said["channel"] or "other"
        if levels is not None and said["service_level"] not in levels:
            level = said["service_level"]
            code = "level_unknown" if level is None else f"level_{level}"
            yield _with_reason(row, "left_out", code)
        elif channel == "online":
            yield _with_reason(row, "numerator", "by_online")
        elif channel == "post" and method == "channel_without_post":
            yield _with_reason(row, "left_out", "by_post")
        else:
            yield _with_reason(row, "denominator", f"by_{channel}")


def _by_result(
    warehouse: Warehouse, marts: NightMarts, condition: str, days: tuple[dt.date, dt.date]
) -> Iterator[CountedDossier]:
    """What each dossier closed within the days is in the share of digitised results."""
    for row in _standing(warehouse, marts, condition, "closed_date", days):
        said = {name: row.pop(name) for name in _STANDING}
        if said["closing_class"] != "resolved":
            yield _with_reason(row, "left_out", said["closing_class"] or "closed_otherwise")
        elif not said["has_result"]:
            yield _with_reason(row, "left_out", "no_result_document")
        elif said["is_digitised"]:
            yield _with_reason(row, "numerator", "digitised")
        else:
            yield _with_reason(row, "denominator", "not_digitised")


def _judged(
    warehouse: Warehouse,
    marts: NightMarts,
    condition: str,
    rule: Callable[[_Dossier], Role | None],
) -> Iterator[CountedDossier]:
    flags = [field.name for field in fields(_Dossier)]
    rows = warehouse.rows(
        "select dossier.dossier_code, dossier.unit_code, dossier.received_date,"
        " dossier.due_date, dossier.closed_by_end_date as closed_date,"
        f" {', '.join(f'dossier.{flag}' for flag in flags)},"
        " evidence.delivery_id, delivery.file_name, evidence.row_number"
        f" from {marts.relation('mart.dossier_period')} as dossier"
        f" inner join {marts.relation('mart.dossier')} as evidence"
        " on dossier.dossier_code = evidence.dossier_code"
        f" left join ({_DELIVERIES}) as delivery"
        " on evidence.delivery_id = delivery.delivery_id"
        f" where {condition}"
    )
    for row in rows:
        dossier = _Dossier(**{flag: row.pop(flag) for flag in flags})
        role = rule(dossier)
        if role is not None:
            is_undated = dossier.class_at_end == "open_in_time" and row["due_date"] is None
            reason = "open_no_due_date" if is_undated else dossier.class_at_end
            yield _with_reason(row, role, reason)


_DELIVERIES = "select distinct delivery_id, file_name from audit.delivery where state = 'loaded'"


def _never_received(
    warehouse: Warehouse,
    marts: NightMarts,
    condition: str,
    days: tuple[dt.date, dt.date, dt.date],
) -> Iterator[CountedDossier]:
    """Dossiers submitted or refused within the span that were never received."""
    night, first, last = days
    rows = warehouse.rows(
        "select dossier.dossier_code, dossier.unit_code, dossier.status,"
        " dossier.received_date, dossier.due_date, dossier.resolved_date as closed_date,"
        " dossier.delivery_id, delivery.file_name, dossier.row_number"
        f" from {marts.relation('mart.dossier')} as dossier"
        f" inner join {marts.relation('core.dossier_history')} as history"
        " on dossier.dossier_code = history.dossier_code"
        " and history.valid_from <= :night"
        " and (history.valid_to is null or history.valid_to > :night)"
        f" left join ({_DELIVERIES}) as delivery"
        " on dossier.delivery_id = delivery.delivery_id"
        f" where not dossier.is_received and {condition}"
        " and cast(coalesce(history.received_at, history.submitted_at, history.resolved_at)"
        " as date) between :first and :last",
        {"night": night, "first": first, "last": last},
    )
    for row in rows:
        yield _with_reason(row, "left_out", row.pop("status"))


def _with_reason(row: dict[str, object], role: Role, code: str) -> CountedDossier:
    dates = {
        lang: {
            name: day(value, lang) if isinstance(value, dt.date) else "—"
            for name, value in (("due", row["due_date"]), ("closed", row["closed_date"]))
        }
        for lang in _LANGUAGES
    }
    vi, en = _REASONS[code]
    return CountedDossier(
        **row,  # type: ignore[arg-type]  # columns are named as the attributes
        role=role,
        reason_code=code,
        reason_vi=vi.format(**dates["vi"]),
        reason_en=en.format(**dates["en"]),
    )


_LANGUAGES: tuple[Language, Language] = ("vi", "en")


def _published_figure(
    warehouse: Warehouse,
    night: dt.date,
    figure: tuple[str, str, str],
    span: tuple[dt.date, dt.date],
) -> tuple[int | None, int | None] | None:
    """Numerator and denominator as published that night for exactly this span."""
    indicator, method, unit = figure
    first, last = span
    rows = warehouse.rows(
        "select numerator, denominator from mart.indicator_history"
        " where indicator_code = :indicator and method_code = :method and unit_code = :unit"
        " and period_start = :first"
        # the year to date has no end of its own: it ends on the night
        " and (period_end = :last or (period_end is null and :last = :night))"
        " and valid_from <= :night and (valid_to is null or valid_to > :night)",
        {
            "indicator": indicator,
            "method": method,
            "unit": unit,
            "first": first,
            "last": last,
            "night": night,
        },
    )
    if not rows:
        return None
    return rows[0]["numerator"], rows[0]["denominator"]


_WORDS: dict[str, dict[Language, str]] = {
    "numerator": {
        "vi": "Tính vào tử số và mẫu số",
        "en": "Counted in numerator and denominator",
    },
    "denominator": {"vi": "Chỉ tính vào mẫu số", "en": "Counted in the denominator only"},
    "left_out": {"vi": "Không tính", "en": "Left out"},
    "dossier": {"vi": "Hồ sơ", "en": "Dossier"},
    "received": {"vi": "Tiếp nhận", "en": "Received"},
    "due": {"vi": "Hẹn trả", "en": "Due"},
    "closed": {"vi": "Kết thúc", "en": "Ended"},
    "reason": {"vi": "Vì sao", "en": "Why"},
    "place": {"vi": "Tệp, dòng", "en": "File, row"},
    "span": {"vi": "từ {first} đến {last}", "en": "from {first} to {last}"},
    "as_of": {"vi": "Số liệu đến hết ngày {as_of}", "en": "Data as of the end of {as_of}"},
    "method": {"vi": "Cách đếm: {label} ({code})", "en": "Method: {label} ({code})"},
    "figure": {"vi": "Kết quả: {figure}", "en": "Result: {figure}"},
    "nothing": {"vi": "không phát sinh", "en": "none to count"},
    "agrees": {
        "vi": "Khớp với số đã công bố.",
        "en": "Agrees with the published figure.",
    },
    "more": {
        "vi": "… và {count} hồ sơ nữa; --format csv ghi ra tất cả.",
        "en": "… and {count} more; --format csv lists them all.",
    },
}


def print_explanation(
    settings: Settings,
    explanation: Explanation,
    lang: Language = "vi",
    format: OutputFormat = "table",  # noqa: A002 - the name of the command's option
    file: TextIO | None = None,
) -> None:
    """Write an explanation.

    Args:
        settings: of this installation.
        explanation: from :func:`explain`.
        lang: of labels and reasons in the table; the machine formats hold both languages.
        format: ``table`` for people (at most 200 dossiers of each role), ``json`` or ``csv``.
        file: where to; standard output unless told.

    Raises:
        QuestionError: it does not add up to the published figure; nothing is written.
    """
    file = file or sys.stdout
    if explanation.agrees is False and explanation.published is not None:
        published = "/".join(map(str, explanation.published))
        raise QuestionError(
            f"the dossiers add up to {explanation.numerator}/{explanation.denominator}, but"
            f" {published} is published for this span; they are not listed: run `onestop verify"
            f" --as-of {explanation.as_of}`"
        )
    if format == "json":
        page = {
            **asdict(explanation),
            "numerator": explanation.numerator,
            "denominator": explanation.denominator,
            "agrees": explanation.agrees,
        }
        json.dump(page, file, ensure_ascii=False, indent=2, default=str)
        file.write("\n")
    elif format == "csv":
        writer = csv.DictWriter(
            file, [field.name for field in fields(CountedDossier)], lineterminator="\n"
        )
        writer.writeheader()
        for dossier in explanation.dossiers:
            writer.writerow({name: safe_cell(cell) for name, cell in asdict(dossier).items()})
    else:
        with open_published(settings) as warehouse:
            titles = _read_titles(warehouse, explanation, lang)
        with printed(file, page_width(file, at_least=120, at_most=160)) as console:
            _print_page(console, explanation, titles, lang)


def _read_titles(warehouse: Warehouse, explanation: Explanation, lang: Language) -> dict[str, str]:
    return {
        "title": warehouse.value(
            f"select title_{lang} from ref.indicator where indicator_code = :code",
            {"code": explanation.indicator_code},
        ),
        "method": warehouse.value(
            f"select label_{lang} from ref.method where method_code = :code",
            {"code": explanation.method_code},
        ),
    }


_SHOWN = 200


def _print_page(
    console: Console, explanation: Explanation, titles: Mapping[str, str], lang: Language
) -> None:
    def word(name: str, **values: str) -> str:
        return _WORDS[name][lang].format(**values)

    console.print()
    console.print(f"{titles['title']} · {explanation.unit_name}", style="bold")
    console.print(
        word("span", first=day(explanation.first, lang), last=day(explanation.last, lang))
        + " · "
        + word("as_of", as_of=day(explanation.as_of, lang))
    )
    console.print(word("method", label=titles["method"], code=explanation.method_code))
    figure = _fraction(explanation.numerator, explanation.denominator, lang)
    console.print(word("figure", figure=figure), style="bold")
    if explanation.published is not None:
        console.print(word("agrees"), style="green")
    counts = Counter(dossier.role for dossier in explanation.dossiers)
    for role in ("numerator", "denominator", "left_out"):
        if not counts[role]:
            continue
        _print_role(console, [x for x in explanation.dossiers if x.role == role], lang)
        if counts[role] > _SHOWN:
            console.print(word("more", count=whole(counts[role] - _SHOWN, lang)))


def _print_role(console: Console, dossiers: list[CountedDossier], lang: Language) -> None:
    from rich import box  # noqa: PLC0415 - the machine formats do without it
    from rich.table import Table  # noqa: PLC0415 - idem
    from rich.text import Text  # noqa: PLC0415 - idem

    title = f"{_WORDS[dossiers[0].role][lang]}: {whole(len(dossiers), lang)}"
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left", title_style="bold"
    )
    table.add_column(_WORDS["dossier"][lang], no_wrap=True)
    for name in ("received", "due", "closed"):
        table.add_column(_WORDS[name][lang], no_wrap=True)
    table.add_column(_WORDS["reason"][lang], ratio=1)
    table.add_column(_WORDS["place"][lang], overflow="fold")
    for dossier in dossiers[:_SHOWN]:
        dates = (dossier.received_date, dossier.due_date, dossier.closed_date)
        place = f"{dossier.file_name or '—'}, {dossier.row_number or '—'}"
        table.add_row(
            Text(dossier.dossier_code),
            *(day(date, lang) if date else "—" for date in dates),
            Text(dossier.reason_vi if lang == "vi" else dossier.reason_en),
            Text(place),
        )
    console.print(table)


def _fraction(numerator: int | None, denominator: int | None, lang: Language) -> str:
    if numerator is None or not denominator:
        return _WORDS["nothing"][lang]
    rate = percent(Decimal(100 * numerator) / denominator, lang)
    return f"{whole(numerator, lang)}/{whole(denominator, lang)} = {rate}"
