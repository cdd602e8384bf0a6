"""Pages for the browser: the last published scorecard, and the validation reports.

They show published figures only; the caller decides who may see them.
"""

from __future__ import annotations

import datetime as dt
import stat
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from onestop.figures.issued import read_issued_reports
from onestop.figures.scorecard import read_scorecard
from onestop.figures.scorecard.page import PAGES, scorecard_values
from onestop.gate.unpublished import NIGHT_STATES, unpublished_nights
from onestop.marts.published import NothingPublishedError
from onestop.schema.number_text import Language, day

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from onestop.settings import Settings


_NOTHING_YET = (
    "Chưa có đêm nào được công bố; hãy chạy `onestop night` cho một đêm đã có tệp xuất dữ liệu"
)
_UNAUTHORIZED = 401
_NOT_FOUND = 404
#: No scripts and no external content; only Airflow itself may frame the page.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:;"
    " frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    # Figures change each night, and must not stay in a browser after its user has logged out.
    "Cache-Control": "no-store",
}


def make_app(
    settings: Callable[[], Settings],
    *,
    guard: Callable[..., Any],
    login_url: Callable[[str], str],
) -> FastAPI:
    """The application to mount.

    Args:
        settings: returns the settings, for the published figures and the reports.
        guard: a FastAPI dependency that raises 401 or 403 without permission.
        login_url: the login page for a browser that is not logged in, given the wanted page.
    """
    app = FastAPI(dependencies=[Depends(guard)], docs_url=None, redoc_url=None, openapi_url=None)

    @app.exception_handler(HTTPException)
    def ask_to_log_in(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        if status == _UNAUTHORIZED:
            query = f"?{request.url.query}" if request.url.query else ""
            return RedirectResponse(login_url(f"{request.url.path}{query}"), headers=_HEADERS)
        lang = _language(request.query_params.get("lang", "vi"))
        return _message(status, lang, str(getattr(error, "detail", "")))

    @app.get("/")
    def scorecard(lang: Annotated[Language, Depends(_language)]) -> Response:
        here = settings()
        has_reports = (here.folders.reports / "index.html").is_file()
        try:
            lines = read_scorecard(here)
        except NothingPublishedError as error:
            said = _NOTHING_YET if lang == "vi" else str(error)
            waiting = _unpublished(here, lang)
            return _message(200, lang, said, has_reports=has_reports, unpublished=waiting)
        values = scorecard_values(lines, lang)
        issued = read_issued_reports(here)
        unpublished = _unpublished(here, lang, after=lines[0].as_of_date)
        return _page(
            "scorecard.html",
            200,
            **values,
            title="",
            provisional=[],
            has_reports=has_reports,
            issued=issued,
            unpublished=unpublished,
        )

    @app.get("/reports/{path:path}")
    def report(path: str) -> Response:
        file = _report_file(settings().folders.reports, path)
        if file is None:
            raise HTTPException(_NOT_FOUND, "Không có báo cáo này / no such report")
        return FileResponse(file, headers=_HEADERS)

    return app


def _unpublished(
    settings: Settings, lang: Language, after: dt.date = dt.date.min
) -> list[tuple[str, str, str]]:
    """Nights after the one shown that were run and are not published, and why."""
    return [
        (day(each.as_of_date, lang), NIGHT_STATES[each.state][lang], each.message)
        for each in unpublished_nights(settings.folders.unpublished_nights)
        if each.as_of_date > after
    ]


def _report_file(reports: Path, path: str) -> Path | None:
    """A page of the reports; None for any other path.

    A file with a second hard link is refused: it may belong to another folder.
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


def _language(lang: str = "vi") -> Language:
    return "en" if lang == "en" else "vi"


def _message(
    status: int,
    lang: Language,
    message: str,
    *,
    has_reports: bool = False,
    unpublished: Sequence[tuple[str, str, str]] = (),
) -> HTMLResponse:
    return _page(
        "message.html",
        status,
        lang=lang,
        message=message,
        has_reports=has_reports,
        unpublished=unpublished,
    )


def _page(template: str, status: int, **values: Any) -> HTMLResponse:  # noqa: ANN401 - as the page needs
    html = PAGES.get_template(template).render(**values)
    return HTMLResponse(html, status, headers=_HEADERS)
