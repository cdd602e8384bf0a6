"""Validation reports for people: one page per night and delivery, and Data Docs.

Pages are made from the validation results alone, so they may be deleted. The site holds the latest
nights only; of a night that is as it was at the last update, nothing is read or written. No page
runs a script or loads anything external, and texts from sources are escaped.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from onestop.files import write_whole
from onestop.gate.evaluation import load_engine
from onestop.gate.past_volumes import is_volume_rule
from onestop.gate.results import read_result, result_files
from onestop.gate.unpublished import NIGHT_STATES
from onestop.progress import advance, working
from onestop.readers.refusals import values_for_people
from onestop.schema.feed_texts import KIND_NAMES
from onestop.schema.number_text import Language, counted, day, whole
from onestop.schema.source_texts import source_text
from onestop.storage import listed, names_in, remove_folder

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from onestop.gate.unpublished import NightRun

LANGUAGES: tuple[Language, ...] = ("vi", "en")
_ENDINGS: dict[Language, str] = {"vi": "", "en": ".en"}
_COUNTS = (
    "rows_read",
    "rows_accepted",
    "rows_rejected",
    "rows_repeated",
    "rows_blank",
    "rows_skipped",
    "warnings",
)
_SHARES = ("accepted", "rejected", "repeated", "blank", "skipped")
_DOCS = "data_docs"
_STAMP = ".made_with"
#: The file of a night that says which results its pages show, and has its line of the first page.
_NIGHT_STAMP = ".made_of"
#: How many files the list of rules shows for a warning about whole files.
_MOST_FILES = 3
_MARTS = "marts"


@dataclass
class _Delivery:
    """The last validation of one delivery, and how many there were before it."""

    name: str
    document: dict[str, Any]
    earlier: int

    @property
    def verdict(self) -> dict[str, Any]:
        verdict: dict[str, Any] = self.document["verdict"]
        return verdict


@dataclass
class _Night:
    folder: str
    deliveries: list[_Delivery] = field(default_factory=list)
    marts: dict[str, Any] | None = None
    marts_name: str = ""
    run: NightRun | None = None

    @property
    def totals(self) -> Counter[str]:
        """The warnings of all files, and the rows of those that passed: no refused one has any."""
        total: Counter[str] = Counter()
        for item in self.deliveries:
            is_passed = item.verdict["verdict"] == "passed"
            names = [name for name in _COUNTS if is_passed or not name.startswith("rows_")]
            total.update({name: item.verdict.get(name, 0) for name in names})
        return total

    @property
    def refused(self) -> int:
        return sum(item.verdict["verdict"] == "refused" for item in self.deliveries)

    @property
    def marts_blocked(self) -> bool:
        return self.marts is not None and not self.marts["is_publishable"]

    @property
    def problems(self) -> bool:
        if self.run is not None:
            return self.run["state"] != "published"
        return bool(self.refused) or self.marts_blocked

    def day(self, lang: Language) -> str:
        return day(dt.date.fromisoformat(self.folder), lang)


def render_reports(
    results: Path, reports: Path, keep: int = 30, runs: Sequence[NightRun] = ()
) -> Path:
    """Update the site of validation reports.

    Args:
        results: folder of the validation results.
        reports: folder of the site and of nothing else.
        keep: how many nights it holds, the latest ones.
        runs: how nights ended; nights without any validation are listed too.

    Returns:
        The site's first page.
    """
    by_night = groupby(result_files(results), key=lambda path: path.parent.name)
    found = {folder: list(paths) for folder, paths in by_night}
    ended = {run["as_of_date"].isoformat(): run for run in runs}
    folders = sorted(found.keys() | ended.keys(), reverse=True)[: max(keep, 1)]
    _start_over_when_changed(reports)
    _sweep(reports, set(folders))
    lines = [
        _updated_night(reports / folder, found.get(folder, []), ended.get(folder))
        for folder in folders
    ]
    for lang in LANGUAGES:
        rows = [line[lang] for line in lines]
        _write(
            reports / f"index{_ENDINGS[lang]}.html", "report_index", lang, nights=rows, keep=keep
        )
    return reports / "index.html"


def render_data_docs(result: Path, reports: Path) -> None:
    """Write the Data Docs of one result, in a process that has loaded Great Expectations.

    :func:`render_reports` makes the missing ones: where the site is one of another release, and
    those that another process deletes meanwhile.

    Args:
        result: the file of the validation result.
        reports: folder of the site.
    """
    if _is_current(reports):
        night = _night_of(result.parent.name, [result], None)
        folder = reports / night.folder
        with working("reporting", unit="files"):
            _render_night_docs(folder, night, listed(folder))


def _updated_night(folder: Path, results: list[Path], run: NightRun | None) -> dict[str, Any]:
    """A night's lines of the first page, in each language; its pages are made where needed."""
    sizes = listed(results[0].parent) if results else {}
    states = [(path.name, sizes[path.name].size_bytes) for path in results if path.name in sizes]
    ended = (
        [run["state"], *(run["message"].in_language(lang) for lang in LANGUAGES)] if run else None
    )
    made_of = hashlib.sha256(json.dumps([states, ended]).encode()).hexdigest()
    stamp = folder / _NIGHT_STAMP
    made = json.loads(stamp.read_text(encoding="utf-8")) if stamp.is_file() else {}
    if made.get("made_of") != made_of or not listed(folder).keys() >= set(made["pages"]):
        night = _night_of(folder.name, results, run)
        _render_night(folder, night)
        made = {
            "made_of": made_of,
            "pages": sorted(page for page in listed(folder) if page.endswith(".html")),
            "lines": {lang: _night_line(night, lang) for lang in LANGUAGES},
        }
        write_whole(stamp, json.dumps(made, ensure_ascii=False))
    lines: dict[str, Any] = made["lines"]
    return lines


def _night_of(folder: str, results: list[Path], run: NightRun | None) -> _Night:
    """A night, with the last validation of each delivery."""
    night = _Night(folder, run=run)
    for name, group in groupby(results, key=lambda path: path.name.rsplit(".", 2)[0]):
        versions = list(group)
        document = read_result(versions[-1])
        if name == _MARTS:
            night.marts = document[_MARTS] | {"results": document["results"]}
            night.marts_name = versions[-1].stem
        else:
            night.deliveries.append(_Delivery(versions[-1].stem, document, len(versions) - 1))
    night.deliveries = list(_without_earlier_tries(night.deliveries))
    night.deliveries.sort(key=lambda item: str(item.verdict["file_name"]))
    return night


def _without_earlier_tries(deliveries: list[_Delivery]) -> Iterator[_Delivery]:
    """Skip results of failed copies of files that were copied later."""
    copied = {
        item.verdict["file_name"] for item in deliveries if item.document["delivery"]["sha256"]
    }
    for item in deliveries:
        if item.document["delivery"]["sha256"] or item.verdict["file_name"] not in copied:
            yield item


def _start_over_when_changed(reports: Path) -> None:
    """Delete pages that other templates or other code made."""
    if not _is_current(reports):
        _sweep(reports, set())
        write_whole(reports / _STAMP, _made_with())


def _is_current(reports: Path) -> bool:
    """Whether the site's pages, if there are any, were made by these templates and this code."""
    stamp = reports / _STAMP
    if stamp.is_file():
        return stamp.read_text(encoding="ascii") == _made_with()
    if names_in(reports):
        return False
    write_whole(stamp, _made_with())
    return True


@cache
def _made_with() -> str:
    here = Path(__file__)
    templates = sorted(here.parents[1].glob("templates/*.html"))
    files = [here, here.with_name("data_docs.py"), *templates]
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _sweep(reports: Path, kept: set[str]) -> None:
    """Delete the folders of nights that are not kept."""
    for name in names_in(reports):
        if (reports / name).is_dir() and name not in kept:
            remove_folder(reports / name)


def _render_night(folder: Path, night: _Night) -> None:
    made = listed(folder)
    _render_night_docs(folder, night, made)
    for item in night.deliveries:
        for lang in LANGUAGES:
            page = f"{item.name}{_ENDINGS[lang]}.html"
            if page not in made:
                values = _delivery_page(item, lang)
                _write(folder / page, "report_delivery", lang, item=values, day=night.day(lang))
    for lang in LANGUAGES:
        _write(
            folder / f"index{_ENDINGS[lang]}.html",
            "report_night",
            lang,
            night=_night_page(night, lang),
        )


def _render_night_docs(folder: Path, night: _Night, made: Collection[str]) -> None:
    """Write the Data Docs that are not made yet."""
    shown = [
        (item.name, item.verdict["file_name"], _delivery_verdict(item.verdict), item.document)
        for item in night.deliveries
    ]
    if night.marts is not None:
        shown.append((night.marts_name, _MARTS, _marts_verdict(night.marts), night.marts))
    for name, title, verdict, document in shown:
        if f"{_DOCS}/{name}.html" not in made and document["results"]:
            _render_docs(folder, name, title, verdict, document)


def _render_docs(
    folder: Path, name: str, title: str, verdict: tuple[bool, str, str], document: dict[str, Any]
) -> None:
    page = folder / _DOCS / f"{name}.html"
    load_engine()
    from onestop.gate.data_docs import Verdict, data_docs_page  # noqa: PLC0415 - imports slowly

    suite = document["suite"]["name"] if "suite" in document else title
    decided = Verdict(*verdict)
    write_whole(page, data_docs_page(title, suite, name, folder.name, decided, document["results"]))
    advance()


def _delivery_verdict(verdict: dict[str, Any]) -> tuple[bool, str, str]:
    """Whether a delivery is accepted, in both languages."""
    if verdict["verdict"] == "passed":
        accepted, rejected = verdict["rows_accepted"], verdict["rows_rejected"]
        return (
            True,
            f"Đạt: nhận {whole(accepted, 'vi')} dòng, loại {whole(rejected, 'vi')} dòng",
            f"Passed: {counted(accepted, 'row')} accepted, {whole(rejected, 'en')} rejected",
        )
    rule = verdict["refused_rule"]
    return False, f"Từ chối toàn bộ tệp: {rule}", f"The whole file is refused: {rule}"


def _marts_verdict(marts: dict[str, Any]) -> tuple[bool, str, str]:
    """Whether the marts may be published, in both languages."""
    if marts["is_publishable"]:
        return True, "Đủ điều kiện công bố", "May be published"
    return False, "Không công bố", "Not published"


# -- what the pages show


def _night_line(night: _Night, lang: Language) -> dict[str, Any]:
    return {
        "folder": night.folder,
        "day": night.day(lang),
        "files": len(night.deliveries),
        "totals": {name: night.totals[name] for name in _COUNTS},
        "problems": night.problems,
        "refused": night.refused,
        "said": _said(night, lang),
        "message": night.run["message"].in_language(lang) if night.run and night.problems else "",
    }


def _said(night: _Night, lang: Language) -> str:
    """The night's state in a few words: whether it is published."""
    if night.run is not None:
        return NIGHT_STATES[night.run["state"]][lang]
    if not night.problems:
        return "Đạt" if lang == "vi" else "Passed"
    words = []
    if night.refused:
        words.append(f"{night.refused} {'tệp bị từ chối' if lang == 'vi' else 'refused'}")
    if night.marts_blocked:
        words.append("số liệu chưa công bố" if lang == "vi" else "figures not published")
    return " · ".join(words)


def _night_page(night: _Night, lang: Language) -> dict[str, Any]:
    failed: Counter[str] = Counter()
    rules: dict[str, dict[str, Any]] = {}
    of_files: dict[str, list[str]] = {}
    for item in night.deliveries:
        scopes = _scopes(item.document)
        for rule in _failed(item.document["rules"]):
            if scopes[rule["rule_code"]] == "file":
                if rule["severity"] != "warning":
                    continue  # the reason is shown in the list of files
                sentence = f"{item.verdict['file_name']}: {rule[f'message_{lang}']}"
                of_files.setdefault(rule["rule_code"], []).append(sentence)
            failed[rule["rule_code"]] += rule["rows_failed"]
            rules[rule["rule_code"]] = rule
    return _night_line(night, lang) | {
        "deliveries": [
            {
                "page": item.name,
                "verdict": item.verdict,
                "earlier": item.earlier,
                "usual": _usual_text(item.document, lang),
            }
            for item in night.deliveries
        ],
        "rules": [
            {
                "rule_code": code,
                "severity": rules[code]["severity"],
                "message": _shortened(of_files.get(code, [rules[code][f"message_{lang}"]])),
                "rows_failed": failed[code],
                "is_row": code not in of_files,
            }
            for code in sorted(rules)
        ],
        "marts": _marts_part(night, lang) if night.marts else None,
    }


def _shortened(sentences: list[str]) -> str:
    """The first sentences, and how many more there are."""
    more = len(sentences) - _MOST_FILES
    return " ".join([*sentences[:_MOST_FILES], *([f"… (+{more})"] if more > 0 else [])])


def _marts_part(night: _Night, lang: Language) -> dict[str, Any]:
    marts = night.marts or {}
    return {
        "is_publishable": marts["is_publishable"],
        "tables": sorted(marts["tables"]),
        "checks": sum(len(rules) for rules in marts["tables"].values()),
        "docs": f"{_DOCS}/{night.marts_name}.html",
        "failed": [
            {
                "table": table,
                "rule_code": rule["rule_code"],
                "severity": rule["severity"],
                "message": rule[f"message_{lang}"],
                "rows_failed": rule["rows_failed"],
                "listed": rule["examples"],
            }
            for table, rules in sorted(marts["tables"].items())
            for rule in _failed(rules)
        ],
    }


def _delivery_page(item: _Delivery, lang: Language) -> dict[str, Any]:
    verdict = item.verdict
    listed = {
        result["expectation_config"]["meta"]["rule_code"]: result["result"]["listed_rows"]
        for result in item.document["results"]
    }
    scopes = _scopes(item.document)
    rules = [
        rule
        | {
            "message": rule[f"message_{lang}"],
            "listed": [values_for_people(row, lang) for row in listed[rule["rule_code"]]],
            "is_row": scopes[rule["rule_code"]] == "row",
        }
        for rule in item.document["rules"]
    ]
    groups = [
        (heading[lang], [rule for rule in _failed(rules) if rule["severity"] == severity])
        for severity, heading in _HEADINGS.items()
    ]
    unjudged = [
        rule
        for rule in rules
        if rule["success"] and item.document["usual"] is None and is_volume_rule(rule["rule_code"])
    ]
    read = max(verdict["rows_read"], 1)
    return {
        "page": item.name,
        "docs": f"{_DOCS}/{item.name}.html" if item.document["results"] else None,
        "verdict": verdict,
        "usual": _usual_text(item.document, lang),
        "shares": [
            (name, round(100 * verdict.get(f"rows_{name}", 0) / read, 2)) for name in _SHARES
        ],
        "groups": [(heading, found) for heading, found in groups if found],
        "passed": [rule for rule in rules if rule["success"] and rule not in unjudged],
        "unjudged": unjudged,
        "about": list(_about(item.document, lang)),
    }


_HEADINGS: dict[str, dict[Language, str]] = {
    "critical": {"vi": "Lý do từ chối tệp", "en": "Why the file is refused"},
    "error": {"vi": "Dòng bị loại, theo quy tắc", "en": "Rejected rows, by rule"},
    "warning": {"vi": "Lưu ý", "en": "Warnings"},
}


def _scopes(document: dict[str, Any]) -> dict[str, str]:
    metas = (result["expectation_config"]["meta"] for result in document["results"])
    return {meta["rule_code"]: meta["scope"] for meta in metas}


def _failed(rules: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [rule for rule in rules if not rule["success"]]


def _usual_text(document: dict[str, Any], lang: Language) -> str | None:
    usual = document["usual"]
    if usual is None:
        return None
    verdict = document["verdict"]
    judged = whole(verdict["rows_accepted"] + verdict["rows_rejected"], lang)
    rows = whole(usual["rows"], lang)
    if lang == "vi":
        return f"Số dòng trong ngày: {judged}, thường là {rows} ({usual['basis_vi']})"
    return f"Daily count: {judged}, usual {rows} ({usual['basis_en']})"


def _about(document: dict[str, Any], lang: Language) -> Iterator[tuple[str, str]]:
    """Where the file comes from and how it was read, without empty values."""
    delivery, read = document["delivery"], document["read"]
    values: list[tuple[str, str, Any]] = [
        ("Hệ thống nguồn", "Source", delivery["source"]),
        ("Loại", "Kind", KIND_NAMES[delivery["kind"]][lang]),
        ("Mã lần gửi", "Delivery", delivery["delivery_id"]),
        ("SHA-256", "SHA-256", delivery["sha256"]),
        ("Kích thước (byte)", "Size (bytes)", whole(delivery["size_bytes"], lang)),
        ("Định dạng", "Format", read.get("format")),
        ("Bảng mã", "Encoding", read.get("encoding")),
        ("Dấu phân cách hoặc trang tính", "Delimiter or sheet", read.get("dialect")),
        ("Cột bắt buộc còn thiếu", "Missing required columns", read.get("columns_missing")),
        ("Cột chưa có trong ánh xạ", "Columns not mapped", read.get("columns_unknown")),
        ("Trang, bảng không đọc", "Sheets or tables not read", read.get("tables_left")),
        ("Cột cá nhân đã bỏ", "Personal columns dropped", read.get("columns_dropped")),
        ("Ánh xạ (SHA-256)", "Mapping (SHA-256)", read.get("mapping_sha256")),
        ("Bộ quy tắc (SHA-256)", "Suite (SHA-256)", document.get("suite", {}).get("sha256")),
        ("Great Expectations", "Great Expectations", document.get("great_expectations_version")),
    ]
    for vi, en, value in values:
        if value:
            text = ", ".join(value) if isinstance(value, list) else str(value)
            yield (vi if lang == "vi" else en), text


# -- writing


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("onestop"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["whole"] = whole
    environment.filters["source"] = source_text
    return environment


def _write(path: Path, template: str, lang: Language, **values: Any) -> None:  # noqa: ANN401 - idem
    write_whole(path, _templates().get_template(f"{template}.html").render(lang=lang, **values))
    advance()
