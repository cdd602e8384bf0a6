"""Finding a night's alerts in the record and the published figures."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from statistics import median
from typing import TYPE_CHECKING, Any, cast

from onestop.alerts.alert import Alert, AlertLine
from onestop.alerts.lines import count, days, feed_name, line, of_both, share
from onestop.alerts.verdicts import turned_verdicts
from onestop.decisions import open_questions
from onestop.gate.past_volumes import is_volume_rule
from onestop.gate.unpublished import NIGHT_STATES, WAITING_FOR_FILES
from onestop.intake.awaited import awaited_name
from onestop.readers import FILE_RULES
from onestop.record.arrivals import is_delivered
from onestop.record.night_files import lacking_files
from onestop.record.publications import is_published, last_published
from onestop.schema.reference import read_reference
from onestop.schema.time_zone import LOCAL_ZONE

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from onestop.decisions import Question
    from onestop.record.night_files import LackingFiles
    from onestop.schema.mapping import FeedMapping, Mappings
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

#: A share of rejected rows is unusual above this multiple of the median of past nights, and from
#: this number of rejected rows on. No document says how many are too many: our choice.
_UNUSUAL_MULTIPLE = 2
_FEWEST_REJECTED = 10
#: How many past nights the median is taken of, and how far back they may be.
_FEWEST_NIGHTS, _MOST_NIGHTS, _DAYS_BACK = 5, 20, 60
_STOPPED = "stopped"
_STATES = NIGHT_STATES | {
    _STOPPED: {
        "vi": "Chưa công bố: một bước bị lỗi",
        "en": "Not published: a step ended with an error",
    }
}


def night_alerts(
    warehouse: Warehouse,
    night: dt.date,
    settings: Settings,
    mappings: Mappings,
    *,
    now: dt.datetime | None = None,
    has_ended: bool = False,
) -> list[Alert]:
    """The alerts of a night, as its record and figures are now.

    Args:
        warehouse: open.
        night: the night.
        settings: of this installation, for the time by which figures are published.
        mappings: of the source systems, for the files that are expected.
        now: the moment; defaults to the clock's. Of an earlier night, the end of the day after it.
        has_ended: whether its run has ended, so that a night without a publication has failed
            even if no step could record why.

    Returns:
        The alerts in the order of :data:`onestop.alerts.ALERT_CODES`.
    """
    moment = _moment(night, now)
    published = is_published(warehouse, night)
    before = _published_before(warehouse, night)
    state = None if published else _state(warehouse, night, has_ended=has_ended)
    last = last_published(warehouse)
    is_overtaken = last is not None and last > night
    seen = [] if is_overtaken else [_readers_see(before)]
    is_late = not published and not is_overtaken and moment >= settings.publishes_by(night)
    questions = open_questions(warehouse, night)
    lacking = [
        feed
        for feed in (mappings.expected if state in WAITING_FOR_FILES else ())
        if not is_delivered(warehouse, feed, night)
    ]
    refused = _refused_files(warehouse, night, before, lacking)
    asked = {name for question in questions for name in question.delivery_ids}
    came = {(row["source"], row["feed"]) for row in refused if row["night"] == night}
    found = [
        _questions(night, questions),
        _failed(warehouse, night, state, seen),
        _missing(
            night,
            [feed for feed in lacking if (feed.source, feed.feed) not in came],
            lacking_files(warehouse, night) if published else (),
            mappings,
        ),
        _refused(night, [row for row in refused if row["delivery_id"] not in asked], lacking),
        _rejected(warehouse, night),
        _replaced_tickets(warehouse, night, before),
        *(turned_verdicts(warehouse, night, before) if published and before else ()),
        _signs(warehouse, night, before) if published else None,
        Alert("publication_late", night, tuple(seen)) if is_late else None,
    ]
    return [alert for alert in found if alert] + report_alerts(warehouse, night, settings, now=now)


def last_run_night(warehouse: Warehouse) -> dt.date | None:
    """The last night that was run, published or not; None before the first."""
    night = warehouse.value(
        "select max(as_of_date) from (select as_of_date from audit.night_run"
        " union all select as_of_date from audit.publication) as known"
    )
    return night if isinstance(night, dt.date) else None


def report_alerts(
    warehouse: Warehouse, night: dt.date, settings: Settings, *, now: dt.datetime | None = None
) -> list[Alert]:
    """The alert of periodic reports that are not issued and due, or past their last day.

    A report is due in the morning of its last working day, when ``onestop_report`` issues it or
    asks about it.

    Args:
        warehouse: open.
        night: the night that has ended.
        settings: of this installation, for the hour of the morning.
        now: the moment; defaults to the clock's.
    """
    moment = _moment(night, now)
    issued = {row["report_code"] for row in warehouse.rows("select report_code from audit.report")}
    lines = []
    calendar = cast("list[dict[str, Any]]", read_reference()["report_calendar"])
    for row in calendar:
        due = settings.publishes_by(row["last_workday_date"] - dt.timedelta(days=1))
        if row["report_code"] in issued or moment < due:
            continue
        is_late = moment.date() > row["last_day_date"]
        word = "report_late" if is_late else "report_due"
        lines.append(
            line(
                f"{row['report_code']} {word}",
                word,
                title=of_both(row, "title"),
                code=row["report_code"],
                last=days(row["last_day_date"]),
            )
        )
    return [Alert("report_late", night, tuple(lines), {"reports": len(lines)})] if lines else []


def _moment(night: dt.date, now: dt.datetime | None) -> dt.datetime:
    end = dt.datetime.combine(night + dt.timedelta(days=2), dt.time(), LOCAL_ZONE)
    return min(now or dt.datetime.now(LOCAL_ZONE), end - dt.timedelta(seconds=1))


def _published_before(warehouse: Warehouse, night: dt.date) -> dt.date | None:
    """The last night published before a night."""
    found = warehouse.value(
        "select max(as_of_date) from audit.publication where as_of_date < :night",
        {"night": night},
    )
    return found if isinstance(found, dt.date) else None


def _state(warehouse: Warehouse, night: dt.date, *, has_ended: bool) -> str | None:
    """How an unpublished night ended; None while it runs."""
    found = warehouse.value(
        "select max(state) from audit.night_run where as_of_date = :night", {"night": night}
    )
    return str(found) if found else (_STOPPED if has_ended else None)


def _questions(night: dt.date, questions: Sequence[Question]) -> Alert | None:
    """What a person has to decide."""
    lines = [
        AlertLine(
            f"{one.subject} {len(one.delivery_ids)}",
            f"{one.subject}: {one.what_vi}",
            f"{one.subject}: {one.what_en}",
        )
        for one in questions
    ]
    return Alert("decision_wanted", night, tuple(lines), {"feeds": len(lines)}) if lines else None


def _failed(
    warehouse: Warehouse, night: dt.date, state: str | None, seen: list[AlertLine]
) -> Alert | None:
    """The night failed for another reason than a missing file; with what readers see."""
    if state is None or state in WAITING_FOR_FILES:
        return None
    words = _STATES[state]
    broken = []
    rules = warehouse.rows(
        "select rule_code, message_vi, message_en, rows_failed from audit.validation_result as r"
        " where delivery_id = :name and severity = 'critical' and not is_success and attempt ="
        " (select max(attempt) from audit.validation_result where delivery_id = r.delivery_id)"
        " order by rule_code",
        {"name": f"mart.{night:%Y%m%d}"},
    )
    if state == "checks_failed":
        broken = [
            line(
                f"{row['rule_code']} {row['rows_failed']}",
                "broken_rule",
                code=row["rule_code"],
                message=of_both(row, "message"),
                rows=count(row["rows_failed"] or 0, "row"),
            )
            for row in rules
        ]
    lines = (AlertLine(state, words["vi"], words["en"]), *broken, *seen)
    return Alert("night_failed", night, lines, {"broken_rules": len(broken)})


def _missing(
    night: dt.date,
    lacking: Sequence[FeedMapping],
    published_without: Sequence[LackingFiles],
    mappings: Mappings,
) -> Alert | None:
    """Files that did not come, and sources whose mapping is broken.

    Args:
        night: the night.
        lacking: the feeds that it waits for.
        published_without: of a published night, the files that usually come.
        mappings: of the source systems.
    """
    lines = []
    for feed in lacking:
        names = dict.fromkeys(awaited_name(file.name, night) for file in feed.files)
        lines.append(
            line(
                f"{feed.source} {feed.feed}",
                "no_file",
                source=feed.source,
                feed=feed_name(feed.feed),
                names=" / ".join(names),
            )
        )
    lines += [
        line(
            f"{one.source} {one.feed} published without {one.missing}",
            "published_without",
            source=one.source,
            feed=feed_name(one.feed),
            files=count(one.missing, "file"),
        )
        for one in published_without
        if one.missing
    ]
    feeds = len(lines)
    broken = [problem.subject for problem in mappings.problems]
    lines += [line(f"mapping {subject}", "left_out", subject=subject) for subject in broken]
    counts = {"feeds": feeds, "sources_left_out": len(broken)}
    return Alert("delivery_missing", night, tuple(lines), counts) if lines else None


def _refused_files(
    warehouse: Warehouse, night: dt.date, before: dt.date | None, lacking: Collection[FeedMapping]
) -> list[dict[str, Any]]:
    """Files refused since the last publication, and not replaced by a loaded one since.

    Of the feeds that the night lacks, all its refused files, whenever they came.
    """
    rows = warehouse.rows(
        "select d.delivery_id, d.source, d.feed, d.night, d.known_from, d.file_name,"
        " d.refused_rule, max(r.message_vi) as message_vi,"
        " max(r.message_en) as message_en from audit.delivery as d"
        " left join audit.validation_result as r on r.delivery_id = d.delivery_id"
        "  and r.attempt = d.attempt and r.rule_code = d.refused_rule"
        " where d.state = 'refused' and (d.night = :night"
        "  or (d.known_from <= :night and d.known_from > :before))"
        " and not exists (select 1 from audit.delivery as loaded where loaded.state = 'loaded'"
        "  and loaded.source = d.source and loaded.feed = d.feed and loaded.night = d.night"
        "  and (loaded.delivery_id = d.delivery_id or loaded.file_name = d.file_name)"
        "  and loaded.settled_at >= d.settled_at)"
        " group by d.delivery_id, d.source, d.feed, d.night, d.known_from, d.file_name,"
        " d.refused_rule order by d.file_name, d.refused_rule",
        {"night": night, "before": before or dt.date.min},
    )
    lacked = {(feed.source, feed.feed) for feed in lacking}
    return [
        row
        for row in rows
        if (before or dt.date.min) < row["known_from"] <= night
        or (row["source"], row["feed"]) in lacked
    ]


def _refused(
    night: dt.date, refused: Sequence[dict[str, Any]], lacking: Collection[FeedMapping]
) -> Alert | None:
    """Files that came and were refused, and whether the night waits for them."""
    lacked = {(feed.source, feed.feed, night) for feed in lacking}
    lines: dict[str, AlertLine] = {}
    for row in refused:
        code = row["refused_rule"]
        rule = FILE_RULES.get(code)
        message = (rule.vi, rule.en) if rule else of_both(row, "message")
        is_expected = (row["source"], row["feed"], row["night"]) in lacked
        fact = f"{row['file_name']} {code}" + (" expected" if is_expected else "")
        # a number of rows that the night waits for is asked about instead
        is_number = not is_expected and is_volume_rule(code)
        word = "refused_expected" if is_expected else "refused_volume" if is_number else "refused"
        named = f"{row['file_name']}: {code}"
        lines[fact] = line(fact, word, named=named, message=message, night=str(row["night"]))
    counts = {"files": len(lines)}
    return Alert("delivery_refused", night, tuple(lines.values()), counts) if lines else None


def _rejected(warehouse: Warehouse, night: dt.date) -> Alert | None:
    """Feeds of which more rows were rejected than usual."""
    rows = warehouse.rows(
        "select source, feed, night, sum(rows_read) as rows_read,"
        " sum(rows_rejected) as rows_rejected from audit.delivery as d"
        " where state = 'loaded' and night between :first and :night and attempt ="
        "  (select min(attempt) from audit.delivery"
        "   where delivery_id = d.delivery_id and state = 'loaded')"
        " group by source, feed, night order by source, feed, night desc",
        {"first": night - dt.timedelta(days=_DAYS_BACK), "night": night},
    )
    past: dict[tuple[str, str], list[Decimal]] = defaultdict(list)
    tonight = {}
    for row in rows:
        read, rejected = int(row["rows_read"]), int(row["rows_rejected"])
        feed = (row["source"], row["feed"])
        if row["night"] == night:
            tonight[feed] = (read, rejected)
        elif read:
            past[feed].append(Decimal(100 * rejected) / read)
    unusual = {
        feed: median(shares)
        for feed, counts in tonight.items()
        if len(shares := past[feed][:_MOST_NIGHTS]) >= _FEWEST_NIGHTS
        and _is_unusual(*counts, median(shares))
    }
    lines = [
        _share_line(warehouse, night, feed, tonight[feed], usual) for feed, usual in unusual.items()
    ]
    counts = {"feeds": len(lines), "rows_rejected": sum(tonight[feed][1] for feed in unusual)}
    return Alert("rejected_share", night, tuple(lines), counts) if lines else None


def _is_unusual(read: int, rejected: int, usual: Decimal) -> bool:
    return rejected >= _FEWEST_REJECTED and 100 * rejected > _UNUSUAL_MULTIPLE * usual * read


def _share_line(
    warehouse: Warehouse,
    night: dt.date,
    feed: tuple[str, str],
    counts: tuple[int, int],
    usual: Decimal,
) -> AlertLine:
    read, rejected = counts
    rules = warehouse.rows(
        "select rule_code, count(*) as broken from audit.rejected_row"
        " where night = :night and source = :source and feed = :feed"
        " group by rule_code order by broken desc, rule_code limit 5",
        {"night": night, "source": feed[0], "feed": feed[1]},
    )
    return line(
        f"{feed[0]} {feed[1]} {rejected}/{read}",
        "share",
        source=feed[0],
        feed=feed_name(feed[1]),
        rejected=count(rejected),
        read=count(read),
        share=share(Decimal(100 * rejected) / read),
        usual=share(usual),
        rules=", ".join(f"{row['rule_code']} ({row['broken']})" for row in rules) or "–",
    )


def _replaced_tickets(warehouse: Warehouse, night: dt.date, before: dt.date | None) -> Alert | None:
    """Files since the last publication with codes that stand for other tickets, too.

    A ticket keeps its unit and its day of issue; a code with another one is another ticket's, which
    replaces the first in the history.
    """
    rows = warehouse.rows(
        "with ticket as ("
        " select v.ticket_code, v.unit_code, v.issued_date, v.known_from, d.file_name"
        " from core.visit_version as v inner join (select distinct delivery_id, source, night,"
        "  file_name, file_modified_at, sha256 from audit.delivery"
        "  where state = 'loaded' and feed = 'visits' and known_from <= :night) as d"
        " on v.delivery_id = d.delivery_id where not v.is_vanished and v.known_from <= :night"
        " and v.ticket_code in (select ticket_code from core.visit_version"
        "  where known_from > :before and known_from <= :night)"
        " and not exists (select 1 from audit.delivery as later where later.state = 'loaded'"
        "  and later.feed = 'visits' and later.known_from <= :night and later.source = d.source"
        "  and later.night = d.night and later.file_name = d.file_name"
        "  and (later.file_modified_at, later.sha256) > (d.file_modified_at, d.sha256)))"
        " select file_name, count(distinct ticket_code) as tickets from ticket as t"
        " where known_from > :before and exists (select 1 from ticket as other"
        "  where other.ticket_code = t.ticket_code"
        "  and (other.unit_code <> t.unit_code or other.issued_date <> t.issued_date))"
        " group by file_name order by file_name",
        {"night": night, "before": before or dt.date.min},
    )
    lines = [
        line(
            f"{row['file_name']} {row['tickets']}",
            "tickets_replaced",
            file=row["file_name"],
            tickets=count(int(row["tickets"]), "ticket"),
        )
        for row in rows
    ]
    counts = {"files": len(lines), "tickets": sum(int(row["tickets"]) for row in rows)}
    return Alert("tickets_replaced", night, tuple(lines), counts) if lines else None


def _signs(warehouse: Warehouse, night: dt.date, before: dt.date | None) -> Alert | None:
    """Units with strong signs that files since the last publication brought."""
    if "changed_after_overdue" not in warehouse.tables("mart"):
        return None
    rows = warehouse.rows(
        "select s.unit_code, max(u.unit_name) as unit_name,"
        " count(distinct s.dossier_code) as dossiers from mart.changed_after_overdue as s"
        " left join mart.unit as u on s.unit_code = u.unit_code"
        " where s.strength = 'strong' and s.delivery_after in (select delivery_id"
        "  from audit.delivery where state = 'loaded' and known_from <= :night"
        "  and known_from > :before)"
        " group by s.unit_code order by dossiers desc, s.unit_code",
        {"night": night, "before": before or dt.date.min},
    )
    lines = [
        line(
            f"{row['unit_code']} {row['dossiers']}",
            "signs",
            unit=f"{row['unit_name'] or ''} ({row['unit_code']})".strip(),
            dossiers=count(int(row["dossiers"]), "dossier"),
        )
        for row in rows
    ]
    counts = {"units": len(lines), "dossiers": sum(int(row["dossiers"]) for row in rows)}
    return Alert("strong_signs", night, tuple(lines), counts) if lines else None


def _readers_see(before: dt.date | None) -> AlertLine:
    """The night that readers see while this one is not published."""
    if before is None:
        return line("none", "none_published")
    return line(before.isoformat(), "last_published", night=days(before))
