"""Pages for the browser: the last published scorecard, and the validation reports.

They show what is published and nothing else; who may see them is the caller's to decide.
"""

from __future__ import annotations

import stat
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from onestop.figures.issued_reports import read_issued_reports
from onestop.figures.scorecard import ScorecardLine, read_scorecard
from onestop.gate.unpublished import NIGHT_STATES, unpublished_nights
from onestop.marts.published import NothingPublishedError
from onestop.schema.number_text import day, measured, target_text, whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from onestop.settings import Settings

Language = Literal["vi", "en"]

_UNAUTHORIZED = 401
_NOT_FOUND = 404
#: No scripts at all, nothing from elsewhere; only Airflow itself may frame the page.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:;"
    " frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    # Figures change each night, and nobody's browser keeps them after its user has logged out.
    "Cache-Control": "no-store",
}
_STATUS_TEXT = {
    "met": {"vi": "Đạt", "en": "Met"},
    "not_met": {"vi": "Chưa đạt", "en": "Not met"},
    "no_data": {"vi": "Chưa có dữ liệu", "en": "No data"},
    "no_target": {"vi": "Không có chỉ tiêu", "en": "No target"},
}

_pages = Environment(
    loader=PackageLoader("onestop"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def make_app(
    settings: Callable[[], Settings],
    *,
    guard: Callable[..., Any],
    login_url: Callable[[str], str],
) -> FastAPI:
    """The application to mount.

    Args:
        settings: tells where the published figures and the reports are.
        guard: a FastAPI dependency that raises 401 or 403 for whoever may not look.
        login_url: where to send a browser that is not logged in, given the page it wanted.
    """
    app = FastAPI(dependencies=[Depends(guard)], docs_url=None, redoc_url=None, openapi_url=None)

    @app.exception_handler(HTTPException)
    def ask_to_log_in(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        if status == _UNAUTHORIZED:
            query = f"?{request.url.query}" if request.url.query else ""
            return RedirectResponse(login_url(f"{request.url.path}{query}"), headers=_HEADERS)
        lang = _language(request.query_params.get("lang", "vi"))
        return _page("message.html", status, lang=lang, message=str(getattr(error, "detail", "")))

    @app.get("/")
    def scorecard(lang: Annotated[Language, Depends(_language)]) -> Response:
        here = settings()
        has_reports = (here.reports / "index.html").is_file()
        try:
            lines = read_scorecard(here)
        except NothingPublishedError as error:
            return _page("message.html", 200, lang=lang, message=str(error))
        values = _scorecard_values(lines, lang)
        issued = read_issued_reports(here)
        unpublished = [
            (day(each.as_of_date, lang), NIGHT_STATES[each.state][lang], each.message)
            for each in unpublished_nights(here)
            if each.as_of_date > lines[0].as_of_date
        ]
        return _page(
            "scorecard.html",
            200,
            **values,
            title="",
            has_reports=has_reports,
            issued=issued,
            unpublished=unpublished,
        )

    @app.get("/reports/{path:path}")
    def report(path: str) -> Response:
        file = _report_file(settings().reports, path)
        if file is None:
            raise HTTPException(_NOT_FOUND, "Không có báo cáo này / no such report")
        return FileResponse(file, headers=_HEADERS)

    return app


def _report_file(reports: Path, path: str) -> Path | None:
    """A page of the reports; None for all else, whatever was asked for.

    A file with a second name may lie anywhere: the site's own pages have one name each.
    """
    try:
        folder = reports.resolve()
        file = (folder / path).resolve()
        if file.is_dir():
            file = file / "index.html"
        facts = file.lstat()
    except (OSError, ValueError, RuntimeError):  # no such name, or one that no file can have
        return None
    is_page = stat.S_ISREG(facts.st_mode) and facts.st_nlink == 1
    return file if is_page and file.is_relative_to(folder) else None


def frozen_scorecard(lines: list[ScorecardLine], title: str) -> str:
    """The scorecard's page, in Vietnamese, as a file that stands alone.

    Args:
        lines: of :func:`onestop.figures.scorecard.read_scorecard`.
        title: of the report that it belongs to.
    """
    values = _scorecard_values(lines, "vi")
    return _pages.get_template("scorecard.html").render(
        **values, title=title, has_reports=False, issued=[], unpublished=[]
    )


def _scorecard_values(lines: list[ScorecardLine], lang: Language) -> dict[str, Any]:
    clauses = _by_clause(lines, lang)
    return {
        "lang": lang,
        "as_of": day(lines[0].as_of_date, lang),
        "plan": lines[0].plan_code,
        "clauses": clauses,
        "counts": _counts([row["status"] for _, rows in clauses for row in rows], lang),
        "day": day,
    }


def _language(lang: str = "vi") -> Language:
    return "en" if lang == "en" else "vi"


def _page(template: str, status: int, **values: Any) -> HTMLResponse:  # noqa: ANN401 - as the page needs
    html = _pages.get_template(template).render(**values)
    return HTMLResponse(html, status, headers=_HEADERS)


def _by_clause(
    lines: list[ScorecardLine], lang: Language
) -> list[tuple[str, list[dict[str, Any]]]]:
    """The page's rows under each clause; one row for an indicator without data at any level."""
    clauses = []
    for clause, of_clause in groupby(lines, key=lambda line: line.clause_code):
        rows = []
        for _, group in groupby(of_clause, key=lambda line: line.indicator_code):
            of_indicator = list(group)
            has_data = any(line.status != "no_data" for line in of_indicator)
            shown = of_indicator if has_data else of_indicator[:1]
            rows += [_row(line, lang, is_first=line is shown[0]) for line in shown]
        clauses.append((clause, rows))
    return clauses


def _row(line: ScorecardLine, lang: Language, *, is_first: bool) -> dict[str, Any]:
    is_city = line.unit_code == "CITY"
    has_counts = line.numerator is not None and line.denominator is not None
    return {
        "title": line.text("title", lang) if is_first or is_city else "",
        "unit": "" if is_city else line.text("unit_label", lang),
        "result": _result(line, lang),
        "counts": f"{whole(line.numerator or 0, lang)} / {whole(line.denominator or 0, lang)}"
        if has_counts and line.unit_of_measure != "rank"
        else "",
        "target": target_text(line.target, line.comparison, line.unit_of_measure, lang),
        "is_verified": line.verified,
        "note": line.text("target_note", lang),
        "beside": [text for text in (line.document_text(lang), line.coverage_text(lang)) if text],
        "status": line.status,
        "status_text": _STATUS_TEXT[line.status][lang],
        "reason": line.text("no_data_reason", lang) if line.status == "no_data" else "",
    }


def _result(line: ScorecardLine, lang: Language) -> str:
    if line.status == "no_data":
        return "–"
    return measured(line.numerator, line.denominator, line.value, line.unit_of_measure, lang)


def _counts(shown: list[str], lang: Language) -> list[tuple[str, str, int]]:
    return [(status, text[lang], shown.count(status)) for status, text in _STATUS_TEXT.items()]
