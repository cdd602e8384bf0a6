"""Nights: what came, what was accepted or rejected, and what each rule found."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter, defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from onestop.console import csv_bytes
from onestop.figures.decisions import decision_notes
from onestop.figures.known import refuse_unknown
from onestop.figures.night_times import (
    OUTCOME_TEXTS,
    STEP_TEXTS,
    SUM_OF_STEPS,
    read_night_times,
)
from onestop.figures.web.repairs import repairs_of
from onestop.figures.web.site import ROWS_PER_PAGE, PageQuestionError, date_of, page_number
from onestop.figures.web.volumes import volume_checks
from onestop.gate.past_volumes import is_volume_rule
from onestop.gate.suite import rules_of_files
from onestop.gate.unpublished import NIGHT_STATES, unpublished_nights
from onestop.marts.published import find_night
from onestop.readers.refusals import FILE_RULES, values_for_people
from onestop.record.night_files import (
    LAST_ATTEMPT,
    NIGHT_FILES,
    REPLACING_FILES,
    STANDING_FILES,
    files_of_night,
    lacking_files,
)
from onestop.record.night_runs import reason_sql
from onestop.said import said
from onestop.schema.feed_texts import FEED_NAMES, KIND_NAMES, column_name
from onestop.schema.feeds import FEEDS
from onestop.schema.number_text import day

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from onestop.figures.web.site import Visit
    from onestop.schema.number_text import Language
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

#: Columns of ``audit.delivery`` that account for each row read.
AMOUNTS = ("accepted", "rejected", "repeated", "blank", "skipped")
#: Nights in the table of rules.
_RULE_NIGHTS = 14
_RULES = 25
#: Executions of steps that a night's page lists.
_MOST_EXECUTIONS = 200
REJECTED_STATES = ("open", "replayed", "superseded", "left_out")
#: Names of states, for people.
STATES: dict[str, dict[Language, str]] = {
    "loaded": {"vi": "đã nạp", "en": "loaded"},
    "refused": {"vi": "bị từ chối", "en": "refused"},
    "open": {"vi": "chưa xử lý", "en": "open"},
    "replayed": {"vi": "đã nạp lại", "en": "replayed"},
    "superseded": {"vi": "đã được thay", "en": "superseded"},
    "left_out": {"vi": "bỏ qua theo ánh xạ", "en": "left out by the mapping"},
}
#: Of loaded files: no row of a refused one is accepted.
_SUMS = ", ".join(
    f"cast(sum(case when state = 'loaded' then rows_{name} end) as bigint) as rows_{name}"
    for name in ("read", *AMOUNTS)
)


def read_nights(warehouse: Warehouse, settings: Settings, visit: Visit) -> dict[str, Any]:
    """The values of ``nights.html``.

    Args:
        warehouse: the published marts, open.
        settings: of this installation.
        visit: the request, with ``page``.
    """
    last = find_night(warehouse, None)
    total = int(warehouse.value(f"select count(*) from ({_NIGHTS}) as night") or 0)
    page = page_number(visit.query.get("page"), total)
    nights = _read_nights(warehouse, visit.lang, page.offset)
    repairs = repairs_of(warehouse, settings, {row["night"]: row["state"] for row in nights})
    for row in nights:
        row["repair"] = repairs.get(row["night"])
    waiting = [
        {
            "night": each.as_of_date,
            "state": each.state,
            "state_text": NIGHT_STATES[each.state][visit.lang],
            "message": each.message.in_language(visit.lang),
        }
        for each in unpublished_nights(settings.folders.unpublished_nights)
        if each.as_of_date > last
    ]
    return {
        "night": last,
        "nights": nights,
        "waiting": waiting if page.number == 1 else [],
        "page": page,
        "rules": _read_rule_nights(warehouse, visit.lang),
        "open_rows": int(
            warehouse.value("select count(*) from audit.rejected_row where state = 'open'") or 0
        ),
        "has_reports": (settings.folders.reports / "index.html").is_file(),
    }


#: Every night that was run or got a delivery.
_NIGHTS = "select as_of_date as night from audit.night_run union select night from audit.delivery"


def _read_nights(warehouse: Warehouse, lang: Language, offset: int) -> list[dict[str, Any]]:
    message = reason_sql(warehouse, "night_run", "message", lang)
    why = reason_sql(warehouse, "night_run", "computed_why", lang)
    rows = warehouse.rows(
        f"select night.night, night_run.state, {message} as message, night_run.computed,"
        f" {why} as computed_why,"
        " publication.published_at, publication.publication_id, file.files, file.refused,"
        f" total.warnings, {', '.join(f'total.rows_{name}' for name in ('read', *AMOUNTS))}"
        f" from (select night from ({_NIGHTS}) as every order by night desc"
        f" limit {ROWS_PER_PAGE} offset {int(offset)}) as night"
        " left join audit.night_run as night_run on night.night = night_run.as_of_date"
        " left join audit.publication as publication on night.night = publication.as_of_date"
        f" left join ({NIGHT_FILES}) as file on night.night = file.night"
        f" left join (select night, cast(sum(warnings) as bigint) as warnings, {_SUMS}"
        f" from ({STANDING_FILES}) as standing where standing_rank = 1 group by night) as total"
        " on night.night = total.night"
        " order by night.night desc"
    )
    for row in rows:
        row["state_text"] = NIGHT_STATES.get(row["state"] or "", {}).get(lang, row["state"] or "")
        row["parts"] = _parts(row)
    return rows


def _parts(row: Mapping[str, Any]) -> list[int]:
    """The rows accepted, rejected, repeated, and all others, of a delivery or a night."""
    accepted, rejected, repeated, *others = (int(row[f"rows_{name}"] or 0) for name in AMOUNTS)
    return [accepted, rejected, repeated, sum(others)]


#: What each rule found in each file, by its last attempt, as columns of ``audit.validation_result``
#: with the night. A file that could not be read was refused before its rules were applied: that has
#: no row there.
_RESULTS = (
    "select delivery.night, delivery.delivery_id, result.rule_code, result.severity,"
    " result.is_success, result.rows_checked, result.rows_failed, result.message_vi,"
    " result.message_en, result.clause"
    " from audit.validation_result as result inner join audit.delivery as delivery"
    " on result.delivery_id = delivery.delivery_id and result.attempt = delivery.attempt"
    f" where {LAST_ATTEMPT}"
    " union all"
    " select delivery.night, delivery.delivery_id, delivery.refused_rule, 'critical', false, 1, 1,"
    " delivery.reason_vi, delivery.reason_en, null from audit.delivery as delivery"
    " where delivery.state = 'refused' and delivery.refused_rule is not null"
    f" and {LAST_ATTEMPT} and not exists"
    " (select 1 from audit.validation_result as result"
    " where result.delivery_id = delivery.delivery_id and result.attempt = delivery.attempt"
    " and result.rule_code = delivery.refused_rule)"
)
#: Those that a night counts: of the files that count, as its rows and warnings are; and why any
#: other file of it was refused. What a replaced file broke is on that file's page.
_COUNTED_RESULTS = (
    f"select result.* from ({_RESULTS}) as result inner join ({STANDING_FILES}) as standing"
    " on result.delivery_id = standing.delivery_id where standing.standing_rank = 1"
    " or (standing.state = 'refused' and result.severity = 'critical' and not result.is_success)"
)


def _rule_title(code: str, message: str | None, lang: Language) -> str:
    """What a rule says of any night; the message of a number of rows has those of one night."""
    if code in FILE_RULES:
        rule = FILE_RULES[code]
        return rule.vi if lang == "vi" else rule.en
    return (message or "").partition(":")[0] if is_volume_rule(code) else message or ""


def _read_rule_nights(warehouse: Warehouse, lang: Language) -> dict[str, Any]:
    """What rules found in the last nights: rule by night, those that found most at the top."""
    nights = [
        row["night"]
        for row in warehouse.rows(
            f"select distinct night from audit.delivery order by night desc limit {_RULE_NIGHTS}"
        )
    ][::-1]
    if not nights:
        return {"nights": [], "rows": []}
    rows = warehouse.rows(
        f"select rule_code, max(severity) as severity, max(message_{lang}) as message, night,"
        f" cast(sum(rows_failed) as bigint) as rows_failed from ({_COUNTED_RESULTS})"
        " as result where night >= :first and rows_failed > 0 group by rule_code, night",
        {"first": nights[0]},
    )
    rules: dict[str, dict[str, Any]] = {}
    for row in rows:
        code = row["rule_code"]
        title = _rule_title(code, row["message"], lang)
        rule = rules.setdefault(code, {**row, "message": title, "cells": {}})
        rule["cells"][row["night"]] = row["rows_failed"]
    ordered = sorted(
        rules.values(),
        key=lambda rule: (
            _SEVERITIES.get(rule["severity"], len(_SEVERITIES)),
            -sum(rule["cells"].values()),
            rule["rule_code"],
        ),
    )
    return {"nights": nights, "rows": ordered[:_RULES], "total": len(ordered)}


_SEVERITIES = {"critical": 0, "error": 1, "warning": 2}
#: Names of severities, for people.
SEVERITIES: dict[str, dict[Language, str]] = {
    "critical": {"vi": "từ chối tệp", "en": "refuses the file"},
    "error": {"vi": "loại dòng", "en": "rejects the row"},
    "warning": {"vi": "lưu ý", "en": "warning"},
}


def read_night(warehouse: Warehouse, settings: Settings, visit: Visit) -> dict[str, Any]:
    """The values of ``night.html``.

    Args:
        warehouse: the published marts, open.
        settings: of this installation.
        visit: the request, with ``date``.

    Raises:
        QuestionError: nothing is known of that night.
    """
    lang = visit.lang
    night = date_of(visit.query.get("date"), find_night(warehouse, None))
    why = reason_sql(warehouse, "publication", "computed_why", lang)
    runs = warehouse.rows(
        f"select state, {reason_sql(warehouse, 'night_run', 'message', lang)} as message"
        " from audit.night_run as night_run where as_of_date = :night",
        {"night": night},
    )
    waiting = [
        each
        for each in unpublished_nights(settings.folders.unpublished_nights)
        if each.as_of_date == night
    ]
    deliveries = _read_deliveries(warehouse, night, lang)
    times = read_night_times(warehouse, settings.folders.steps, night)
    if not runs and not waiting and not deliveries and times is None:
        raise PageQuestionError(
            said("nothing is known of night {night}", night=night), remedy="see the page of nights"
        )
    state, message = (runs[0]["state"], runs[0]["message"]) if runs else ("", "")
    if waiting:
        state, message = waiting[0].state, waiting[0].message.in_language(lang)
    return {
        "night": night,
        "state": state,
        "state_text": NIGHT_STATES.get(state, {}).get(lang, state),
        "message": message,
        "publication": next(
            iter(
                warehouse.rows(
                    "select publication_id, published_at, delivery_count, dossier_count,"
                    f" figures_sha256, computed, {why} as computed_why"
                    " from audit.publication as publication"
                    " where as_of_date = :night order by publication_id desc",
                    {"night": night},
                )
            ),
            None,
        ),
        "is_copied": not waiting,
        "repair": repairs_of(warehouse, settings, {night: state or None}).get(night),
        "deliveries": deliveries,
        "files": files_of_night(warehouse, night),
        "lacking": read_lacking(warehouse, night, lang) if state == "published" else [],
        "late": _read_late(warehouse, night, lang),
        "refused_and_replaced": sum(
            row["state"] == "refused" and row["replaced_by"] is not None for row in deliveries
        ),
        "times": times,
        "step_texts": {step: texts[lang] for step, texts in STEP_TEXTS.items()},
        "outcome_texts": {code: texts[lang] for code, texts in OUTCOME_TEXTS.items()},
        "sum_of_steps": SUM_OF_STEPS[lang],
        "most_executions": _MOST_EXECUTIONS,
        "alerts": _read_alerts(warehouse, night, lang),
        "decisions": decision_notes(warehouse, night, lang),
        "rules": _read_night_rules(warehouse, night, lang),
        "checks": _read_mart_checks(warehouse, night, lang),
        "report": _report_page(settings, f"{night}/index", lang),
    }


def _read_deliveries(warehouse: Warehouse, night: dt.date, lang: Language) -> list[dict[str, Any]]:
    """The deliveries of a night, with their usual volume where there is one."""
    rows = warehouse.rows(
        "select delivery.delivery_id, delivery.attempt, delivery.state, delivery.source,"
        " delivery.feed, delivery.kind, delivery.file_name, delivery.night, delivery.known_from,"
        f" {', '.join(f'delivery.rows_{name}' for name in ('read', *AMOUNTS))},"
        f" delivery.warnings, delivery.refused_rule, delivery.reason_{lang} as reason,"
        " delivery.settled_at from audit.delivery as delivery"
        f" where delivery.night = :night and {LAST_ATTEMPT}"
        " order by delivery.feed, delivery.file_name, delivery.delivery_id",
        {"night": night},
    )
    volumes = volume_checks(warehouse, rows, lang)
    loaded = _loaded_attempts(warehouse, night)
    standing = _standing_files(warehouse, night)
    for row in rows:
        check = volumes[row["delivery_id"]]
        row["usual"] = check.usual.rows if check.usual else None
        basis = check.usual and (check.usual.basis_vi if lang == "vi" else check.usual.basis_en)
        unjudged = check.unjudged if row["state"] == "loaded" else ""
        row["usual_notes"] = [note for note in (basis, unjudged) if note]
        row["parts"] = _parts(row)
        row["state_text"] = STATES[row["state"]][lang] if row["state"] in STATES else row["state"]
        row["replaced_by"] = _replacement(row, standing)
        row.update(_names(row, lang))
        row.update(_counts_from(loaded[row["delivery_id"]]))
    return rows


def _read_late(warehouse: Warehouse, night: dt.date, lang: Language) -> list[dict[str, Any]]:
    """The files of earlier nights that count from a night on: late, corrected or read again."""
    rows = warehouse.rows(
        "select delivery.delivery_id, delivery.state, delivery.source, delivery.feed,"
        " delivery.kind, delivery.file_name, delivery.night, delivery.rows_read,"
        " delivery.rows_accepted, delivery.rows_rejected, delivery.refused_rule,"
        f" delivery.reason_{lang} as reason, exists (select 1 from audit.delivery as earlier"
        " where earlier.delivery_id = delivery.delivery_id and earlier.state = 'loaded'"
        " and earlier.attempt < delivery.attempt) as is_replay,"
        " exists (select 1 from audit.delivery as earlier"
        " where earlier.source = delivery.source and earlier.feed = delivery.feed"
        " and earlier.night = delivery.night and earlier.file_name = delivery.file_name"
        " and earlier.delivery_id <> delivery.delivery_id"
        " and earlier.settled_at < delivery.settled_at) as is_correction"
        " from audit.delivery as delivery"
        " where delivery.known_from = :night and delivery.night < :night"
        " and not exists (select 1 from audit.delivery as later"
        " where later.delivery_id = delivery.delivery_id and later.attempt > delivery.attempt"
        " and later.known_from = delivery.known_from)"
        " order by delivery.night desc, delivery.feed, delivery.file_name, delivery.delivery_id",
        {"night": night},
    )
    for row in rows:
        row["state_text"] = STATES[row["state"]][lang] if row["state"] in STATES else row["state"]
        row.update(_names(row, lang))
    return rows


def read_lacking(warehouse: Warehouse, night: dt.date, lang: Language) -> list[dict[str, Any]]:
    """The files that a published night was counted without, with the names of their feeds."""
    return [
        {**lacking._asdict(), "feed_text": FEED_NAMES.get(lacking.feed, {}).get(lang, lacking.feed)}
        for lacking in lacking_files(warehouse, night)
    ]


def _loaded_attempts(warehouse: Warehouse, night: dt.date) -> dict[str, list[dict[str, Any]]]:
    """The attempts at each file of a night that loaded rows, the first one first."""
    loaded: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for attempt in warehouse.rows(
        "select delivery_id, known_from, rows_accepted from audit.delivery"
        " where night = :night and state = 'loaded' order by delivery_id, attempt",
        {"night": night},
    ):
        loaded[attempt["delivery_id"]].append(attempt)
    return loaded


def _standing_files(
    warehouse: Warehouse, night: dt.date
) -> dict[tuple[str, str, str], dict[str, Any]]:
    """The file that counts of each name of a night: it replaces the earlier ones of that name."""
    rows = warehouse.rows(
        f"select * from ({REPLACING_FILES}) as file where night = :night",
        {"night": night},
    )
    return {(row["source"], row["feed"], row["file_name"]): row for row in rows}


def _replacement(
    delivery: Mapping[str, Any], standing: Mapping[tuple[str, str, str], dict[str, Any]]
) -> dict[str, Any] | None:
    """The file that replaced a delivery; None where it counts itself, or nothing replaced it.

    Args:
        delivery: its last attempt.
        standing: from :func:`_standing_files`.
    """
    found = standing.get((delivery["source"], delivery["feed"], delivery["file_name"]))
    if found is None or found["delivery_id"] == delivery["delivery_id"]:
        return None
    if delivery["state"] == "refused" and found["settled_at"] < delivery["settled_at"]:
        return None  # it came after the file that counts
    return found


def _counts_from(loaded: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """From which night a file's rows count.

    Args:
        loaded: the attempts at a file that loaded rows, the first one first: all after the first
            are replays, and their rows count from a later night.

    Returns:
        ``known_from``: the night from which the rows of the first attempt count, None without one.
        ``replays``: for each replay that accepted rows, their number and their night.
    """
    return {
        "known_from": loaded[0]["known_from"] if loaded else None,
        "replays": [
            (after["rows_accepted"] - before["rows_accepted"], after["known_from"])
            for before, after in pairwise(loaded)
            if after["rows_accepted"] > before["rows_accepted"]
        ],
    }


def _read_alerts(warehouse: Warehouse, night: dt.date, lang: Language) -> list[dict[str, Any]]:
    if "alert" not in warehouse.tables("audit"):  # an earlier release sent none
        return []
    return warehouse.rows(
        f"select alert_code, alert_state, alert_{lang} as text, sent_by, sent_at from audit.alert"
        " where as_of_date = :night order by sent_at, alert_code, sent_by",
        {"night": night},
    )


def _read_night_rules(warehouse: Warehouse, night: dt.date, lang: Language) -> list[dict[str, Any]]:
    rows = warehouse.rows(
        f"select rule_code, max(severity) as severity, max(message_{lang}) as message,"
        " cast(sum(rows_failed) as bigint) as rows_failed,"
        f" count(distinct delivery_id) as files from ({_COUNTED_RESULTS}) as result"
        " where night = :night and not is_success group by rule_code",
        {"night": night},
    )
    return _by_severity(rows, lang)


def _is_of_file(code: str) -> bool:
    """Whether a rule judges a file as a whole, so that what it finds are no rows."""
    return code in FILE_RULES or code in rules_of_files()


def _by_severity(rows: Sequence[dict[str, Any]], lang: Language) -> list[dict[str, Any]]:
    """Results with the text of their severity, the gravest and most frequent first."""
    for row in rows:
        row["is_of_file"] = _is_of_file(row["rule_code"])
        row["severity_text"] = SEVERITIES.get(row["severity"], {}).get(lang, row["severity"])
    return sorted(
        rows,
        key=lambda row: (
            _SEVERITIES.get(row["severity"], len(_SEVERITIES)),
            -(row["rows_failed"] or 0),
            row["rule_code"],
        ),
    )


def _read_mart_checks(warehouse: Warehouse, night: dt.date, lang: Language) -> dict[str, Any]:
    """The checks of a night's figures: how many there were, and those that failed."""
    rows = warehouse.rows(
        f"select rule_code, severity, is_success, rows_failed, message_{lang} as message"
        " from audit.validation_result where delivery_id = :name order by rule_code",
        {"name": f"mart.{night:%Y%m%d}"},
    )
    failed = [row for row in rows if not row["is_success"]]
    return {"total": len(rows), "failed": _by_severity(failed, lang)}


def _report_page(settings: Settings, name: str, lang: Language) -> str:
    """The path of a page of the validation reports; empty if there is none."""
    path = f"{name}{'.en' if lang == 'en' else ''}.html"
    return f"reports/{path}" if (settings.folders.reports / path).is_file() else ""


def read_delivery(warehouse: Warehouse, settings: Settings, visit: Visit) -> dict[str, Any]:
    """The values of ``delivery.html``.

    Args:
        warehouse: the published marts, open.
        settings: of this installation.
        visit: the request, with ``id``.

    Raises:
        QuestionError: there is no such delivery.
    """
    lang = visit.lang
    name = visit.query.get("id", "")
    attempts = warehouse.rows(
        f"select *, reason_{lang} as reason from audit.delivery where delivery_id = :id"
        " order by attempt desc",
        {"id": name},
    )
    if not name:
        raise PageQuestionError("no file is chosen", remedy="see the page of nights")
    if not attempts:
        raise PageQuestionError(
            said("no delivery {name}", name=name), remedy="see the page of nights"
        )
    last = attempts[0]
    results = warehouse.rows(
        f"select rule_code, severity, is_success, rows_checked, rows_failed,"
        f" message_{lang} as message, clause from ({_RESULTS}) as result where delivery_id = :id",
        {"id": name},
    )
    failed = [row for row in results if not row["is_success"]]
    why = volume_checks(warehouse, [last], lang)[name].unjudged
    unjudged = [
        (row["rule_code"], why)
        for row in results
        if why and row["is_success"] and is_volume_rule(row["rule_code"])
    ]
    rejected = warehouse.rows(
        "select state, count(distinct row_number) as rows_found from audit.rejected_row"
        " where delivery_id = :id group by state order by state",
        {"id": name},
    )
    for row in rejected:
        row["state_text"] = STATES.get(row["state"], {}).get(lang, row["state"])
    page = f"{last['night']}/{name}.{last['attempt']}"
    return {
        "night": find_night(warehouse, None),
        "delivery": last
        | _names(last, lang)
        | _counts_from([one for one in reversed(attempts) if one["state"] == "loaded"]),
        "state_text": STATES.get(last["state"], {}).get(lang, last["state"]),
        "parts": _parts(last),
        "amounts": [(name, last[f"rows_{name}"] or 0) for name in AMOUNTS],
        "attempts": attempts[1:],
        "skip_reasons": _skip_reasons(last["skip_reasons"]),
        "failed": _by_severity(failed, lang),
        "passed": len(results) - len(failed) - len(unjudged),
        "unjudged": unjudged,
        "rejected": rejected,
        "places": _read_places(warehouse, name),
        "replaced_by": _replacement(last, _standing_files(warehouse, last["night"])),
        "report": _report_page(settings, page, lang),
    }


def _names(delivery: Mapping[str, Any], lang: Language) -> dict[str, str]:
    """The names of a delivery's feed and kind."""
    return {
        f"{name}_text": names.get(delivery[name], {}).get(lang, delivery[name])
        for name, names in (("feed", FEED_NAMES), ("kind", KIND_NAMES))
    }


def _skip_reasons(text: str | None) -> list[tuple[str, int]]:
    """Why the mapping left rows out, and how many."""
    reasons = json.loads(text) if text else {}
    return sorted(reasons.items()) if isinstance(reasons, dict) else []


def _read_places(warehouse: Warehouse, name: str) -> list[str]:
    """Other files with the same bytes."""
    if "delivery_place" not in warehouse.tables("audit"):
        return []
    rows = warehouse.rows(
        "select distinct file_name from audit.delivery_place where delivery_id = :id"
        " order by file_name",
        {"id": name},
    )
    return [row["file_name"] for row in rows]


def _quarantine_filter(warehouse: Warehouse, visit: Visit) -> dict[str, Any]:
    """What is asked for of the quarantine.

    Raises:
        QuestionError: there is no such night, feed, rule, state or delivery.
    """
    query = visit.query
    night = query.get("night")
    filters = {
        "night": date_of(night, dt.date.min) if night else None,
        "feed": query.get("feed"),
        "rule_code": query.get("rule"),
        "state": query.get("state"),
        "delivery_id": query.get("delivery"),
    }
    refuse_unknown(warehouse, filters, states=REJECTED_STATES)
    return {name: value for name, value in filters.items() if value is not None}


def read_quarantine(warehouse: Warehouse, _settings: Settings, visit: Visit) -> dict[str, Any]:
    """The values of ``quarantine.html``.

    Args:
        warehouse: the published marts, open.
        _settings: of this installation.
        visit: the request, with ``night``, ``feed``, ``rule``, ``state``, ``delivery``, ``page``.

    Raises:
        QuestionError: there is no such night, feed, rule, state or delivery.
    """
    chosen = _quarantine_filter(warehouse, visit)
    where = " and ".join(f"{name} = :{name}" for name in chosen) or "true"
    total = int(
        warehouse.value(f"select count(*) from audit.rejected_row where {where}", chosen) or 0
    )
    page = page_number(visit.query.get("page"), total)
    rules = warehouse.rows(
        f"select rule_code, max(message_{visit.lang}) as message, count(*) as rows_found,"
        " count(case when state = 'open' then 1 end) as rows_open from audit.rejected_row"
        " group by rule_code order by count(*) desc, rule_code"
    )
    return {
        "night": find_night(warehouse, None),
        "rows": _read_rejected(warehouse, visit.lang, where, chosen, page.offset, page.size),
        "page": page,
        "rules": rules,
        "feeds": [(feed, FEED_NAMES[feed][visit.lang]) for feed in FEEDS],
        "states": [(state, STATES[state][visit.lang]) for state in REJECTED_STATES],
        "query": visit.query,
    }


def _read_rejected(
    warehouse: Warehouse,
    lang: Language,
    where: str,
    chosen: Mapping[str, Any],
    offset: int = 0,
    limit: int | None = None,
) -> list[dict[str, Any]]:
    rows = warehouse.rows(
        "select rejected.night, rejected.feed, rejected.delivery_id, delivery.file_name,"
        " rejected.row_number, rejected.key_text, rejected.rule_code,"
        f" rejected.message_{lang} as message, rejected.offending, rejected.state,"
        " rejected.state_changed_at"
        f" from (select * from audit.rejected_row where {where}"
        " order by night desc, delivery_id, row_number, rule_code, state"
        + (f" limit {int(limit)}" if limit is not None else "")
        + f" offset {int(offset)}) as rejected"
        " left join (select delivery_id, min(file_name) as file_name from audit.delivery"
        " group by delivery_id) as delivery on rejected.delivery_id = delivery.delivery_id"
        " order by rejected.night desc, rejected.delivery_id, rejected.row_number,"
        " rejected.rule_code, rejected.state",
        chosen,
    )
    statuses = {
        row["status"]: row["label"]
        for row in warehouse.rows(f"select status, label_{lang} as label from ref.status")
    }
    for row in rows:
        row["values"] = _values(row["feed"], row["offending"], lang, statuses)
        row["state_text"] = STATES.get(row["state"], {}).get(lang, row["state"])
    return rows


def _values(
    feed: str, offending: str | None, lang: Language, statuses: Mapping[str, str]
) -> list[tuple[str, str]]:
    """The masked values that broke a rule, by the names of their columns.

    Args:
        feed: of the row.
        offending: the values as the record has them.
        lang: of the names.
        statuses: names of the statuses of dossiers, by code.
    """
    values = json.loads(offending or "{}")
    if "read_problem" in values:
        values = values_for_people(values, lang)
    return [
        (
            column_name(feed, name, lang),
            statuses.get(value, value) if name == "status" else _value_text(name, value, lang),
        )
        for name, value in values.items()
    ]


def _value_text(name: str, value: object, lang: Language) -> str:
    """A value as text; a date that was read from the file, as the pages show dates."""
    if value is None:
        return "–"
    try:
        return (
            day(dt.date.fromisoformat(str(value)), lang) if name.endswith("_date") else str(value)
        )
    except ValueError:
        return str(value)


#: Columns of the quarantine as CSV.
QUARANTINE_COLUMNS = (
    "night", "feed", "file_name", "row_number", "key_text", "rule_code", "message", "offending",
    "state", "state_changed_at", "delivery_id",
)  # fmt: skip
#: Rows of the quarantine as CSV, at most.
MOST_REJECTED = 200_000


def quarantine_csv(warehouse: Warehouse, visit: Visit) -> tuple[str, bytes]:
    """The rejected rows that are asked for as CSV, at most :data:`MOST_REJECTED`.

    Raises:
        QuestionError: as :func:`read_quarantine`.
    """
    chosen = _quarantine_filter(warehouse, visit)
    where = " and ".join(f"{name} = :{name}" for name in chosen) or "true"
    rows = _read_rejected(warehouse, visit.lang, where, chosen, 0, MOST_REJECTED)
    cells = ([row[name] for name in QUARANTINE_COLUMNS] for row in rows)
    return "quarantine.csv", csv_bytes(QUARANTINE_COLUMNS, cells)


def read_rule(warehouse: Warehouse, _settings: Settings, visit: Visit) -> dict[str, Any]:
    """The values of ``rule.html``.

    Args:
        warehouse: the published marts, open.
        _settings: of this installation.
        visit: the request, with ``code``.

    Raises:
        QuestionError: the rule was never evaluated.
    """
    code, lang = visit.query.get("code", ""), visit.lang
    rows = warehouse.rows(
        "select night, cast(sum(rows_failed) as bigint) as rows_failed,"
        " cast(sum(rows_checked) as bigint) as rows_checked,"
        " count(distinct delivery_id) as files, max(severity) as severity,"
        f" max(message_{lang}) as message, max(clause) as clause from ({_COUNTED_RESULTS})"
        " as result where rule_code = :code group by night order by night desc limit 60",
        {"code": code},
    )
    if not code:
        raise PageQuestionError("no rule is chosen", remedy="see the page of nights")
    if not rows:
        raise PageQuestionError(
            said("rule {code} was never evaluated", code=code), remedy="see the page of nights"
        )
    unjudged = _read_unjudged(warehouse, code, rows, lang)
    for row in rows:
        row["unjudged"] = unjudged[row["night"]]
        row["rows_checked"] = (row["rows_checked"] or 0) - sum(row["unjudged"].values())
    most = max((row["rows_failed"] or 0 for row in rows), default=0)
    for row in rows:
        row["share"] = (row["rows_failed"] or 0) / most if most else 0
    return {
        "night": find_night(warehouse, None),
        "code": code,
        "is_of_file": _is_of_file(code),
        "severity_text": SEVERITIES.get(rows[0]["severity"], {}).get(lang, rows[0]["severity"]),
        "message": _rule_title(code, rows[0]["message"], lang),
        "clause": rows[0]["clause"],
        "rows": rows,
        "open_rows": int(
            warehouse.value(
                "select count(*) from audit.rejected_row where rule_code = :code"
                " and state = 'open'",
                {"code": code},
            )
            or 0
        ),
    }


def _read_unjudged(
    warehouse: Warehouse, code: str, nights: Sequence[Mapping[str, Any]], lang: Language
) -> dict[dt.date, Counter[str]]:
    """By night, how many files a rule on the number of rows did not judge, by the reason."""
    found: dict[dt.date, Counter[str]] = defaultdict(Counter)
    if not is_volume_rule(code):
        return found
    rows = warehouse.rows(
        "select delivery.delivery_id, delivery.attempt, delivery.source, delivery.feed,"
        " delivery.kind, delivery.file_name, delivery.night, delivery.known_from"
        f" from audit.validation_result as result inner join ({STANDING_FILES}) as delivery"
        " on result.delivery_id = delivery.delivery_id and result.attempt = delivery.attempt"
        " where result.rule_code = :code and result.is_success and delivery.night >= :first"
        " and delivery.standing_rank = 1",
        {"code": code, "first": nights[-1]["night"]},
    )
    volumes = volume_checks(warehouse, rows, lang)
    for row in rows:
        if why := volumes[row["delivery_id"]].unjudged:
            found[row["night"]][why] += 1
    return found
