"""The site as an application: routes, who may see which, and the headers of every answer."""

from __future__ import annotations

import datetime as dt
import mimetypes
import stat
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException as AnyHTTPException

from onestop.errors import OneStopError
from onestop.figures.web.audit import (
    read_audit,
    read_difference,
    read_publications,
    read_restatements,
    signs_csv,
)
from onestop.figures.web.dictionary import read_dictionary
from onestop.figures.web.figure import figure_csv, figure_xlsx, read_figure
from onestop.figures.web.nights import (
    quarantine_csv,
    read_delivery,
    read_night,
    read_nights,
    read_quarantine,
    read_rule,
)
from onestop.figures.web.open_dossiers import read_open
from onestop.figures.web.overview import read_overview
from onestop.figures.web.reports import issued_file, read_report
from onestop.figures.web.site import (
    PageQuestionError,
    Visit,
    question_said,
    render,
    style_sheet,
)
from onestop.figures.web.unit import due_file, read_unit
from onestop.figures.web.units import read_units
from onestop.gate.unpublished import NIGHT_STATES, unpublished_nights
from onestop.marts.published import (
    NothingPublishedError,
    QuestionError,
    find_night,
    open_published,
)
from onestop.said import Said, in_language, said, said_text
from onestop.storage import is_shared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from onestop.schema.number_text import Language
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

    #: Reads the values of a page's template.
    Reader = Callable[[Warehouse, Settings, Visit], Mapping[str, Any]]

_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _NOT_ALLOWED, _FAULT = 401, 403, 404, 405, 500
_UNAVAILABLE = 503
#: How Airflow refuses a login that holds no longer, such as one that was logged out in another
#: window; its own pages ask to log in again, too.
_ENDED_LOGIN = (_FORBIDDEN, "Invalid JWT token")
_FIRST_ERROR = 400
_FOR_RECORD_READERS = said_text(
    "this page is for the roles that read the record of files and nights; the administrator names"
    " them (ONESTOP_RECORD_ROLES)"
)
_NO_PAGE = said_text("there is no page at this address")
#: What a page says where the server's own text, in English, is all that is known.
_OF_STATUS = {
    _FORBIDDEN: said_text("your login may not see these pages; ask the administrator"),
    _NOT_FOUND: _NO_PAGE,
    _NOT_ALLOWED: said_text("a page is only read; it takes no other request"),
    _FAULT: said_text("a fault of the pages; the log of Airflow's API server has its traceback"),
}


def _policy(styles: str) -> str:
    """No scripts and no external content; only Airflow itself may frame the page."""
    return (
        f"default-src 'none'; style-src {styles}; img-src 'self' data:; form-action 'self';"
        " frame-ancestors 'self'; base-uri 'none'"
    )


_COMMON = {
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    # Figures change each night, and must not stay in a browser after its user has logged out.
    "Cache-Control": "no-store",
}
_HEADERS = {"Content-Security-Policy": _policy("'self'"), **_COMMON}
#: Of files that are whole in themselves, with their style sheet inside.
_FILE_HEADERS = {"Content-Security-Policy": _policy("'unsafe-inline'"), **_COMMON}
_STYLE_HEADERS = {**_HEADERS, "Cache-Control": "private, max-age=86400"}


@dataclass(frozen=True)
class Page:
    """A page of the site.

    Attributes:
        path: below the site: ``units``.
        template: in ``templates/web``.
        read: reads the template's values.
        is_record: whether only readers of the record see it.
        tables: the tables that its figures are in, for links into the dictionary; a page that
            reads others each time gives them as ``tables_read`` among its values.
    """

    path: str
    template: str
    read: Reader
    is_record: bool = False
    tables: tuple[str, ...] = ()


@dataclass(frozen=True)
class Download:
    """A file that is made for a request.

    Attributes:
        path: below the site: ``figure.csv``.
        make: makes its name and its bytes.
        is_record: whether only readers of the record get it.
    """

    path: str
    make: Callable[[Warehouse, Visit], tuple[str, bytes]]
    is_record: bool = False

    @property
    def media_type(self) -> str:
        """Its type."""
        return _MEDIA_TYPES[self.path.rpartition(".")[2]]


_MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
DOWNLOADS = (
    Download("figure.csv", figure_csv),
    Download("figure.xlsx", figure_xlsx),
    Download("quarantine.csv", quarantine_csv, is_record=True),
    Download("signs.csv", signs_csv, is_record=True),
)
PAGES = (
    Page(
        "./",
        "overview.html",
        read_overview,
        tables=("mart.scorecard", "mart.indicator_history", "mart.outlook", "mart.night_change"),
    ),
    Page(
        "report",
        "report.html",
        read_report,
        tables=("mart.report_revision", "mart.indicator_history"),
    ),
    Page("units", "units.html", read_units, tables=("mart.indicator_value", "mart.unit")),
    Page(
        "unit",
        "unit.html",
        read_unit,
        tables=(
            *("mart.indicator_value", "mart.indicator_variant", "mart.outlook", "mart.backlog"),
            *("mart.due_soon", "mart.on_time_detail", "mart.processing_time", "mart.waiting_time"),
            *("mart.decree_check_count", "mart.changed_after_overdue", "mart.known_issue"),
        ),
    ),
    Page("open", "open.html", read_open, tables=("mart.dossier",)),
    Page("figure", "figure.html", read_figure),
    Page("dictionary", "dictionary.html", read_dictionary),
    Page(
        "nights",
        "nights.html",
        read_nights,
        is_record=True,
        tables=("audit.night_run", "audit.delivery", "audit.publication"),
    ),
    Page(
        "night",
        "night.html",
        read_night,
        is_record=True,
        tables=(
            *("audit.night_run", "audit.night_step", "audit.delivery", "audit.validation_result"),
            "audit.publication",
        ),
    ),
    Page(
        "delivery",
        "delivery.html",
        read_delivery,
        is_record=True,
        tables=("audit.delivery", "audit.validation_result", "audit.rejected_row"),
    ),
    Page(
        "quarantine",
        "quarantine.html",
        read_quarantine,
        is_record=True,
        tables=("audit.rejected_row",),
    ),
    Page("rule", "rule.html", read_rule, is_record=True, tables=("audit.validation_result",)),
    Page("audit", "audit.html", read_audit, is_record=True, tables=("mart.changed_after_overdue",)),
    Page(
        "restatements",
        "restatements.html",
        read_restatements,
        is_record=True,
        tables=("mart.restatement", "mart.restatement_dossier"),
    ),
    Page(
        "difference",
        "difference.html",
        read_difference,
        is_record=True,
        tables=("mart.night_change", "mart.indicator_history"),
    ),
    Page(
        "publications",
        "publications.html",
        read_publications,
        is_record=True,
        tables=("audit.publication", "audit.report"),
    ),
)


#: Pages that have a form of their own, by the path of what is asked for: where to ask again.
_AGAIN = {
    "signs": "audit",
    **{
        path: path
        for path in (
            *("units", "figure", "open", "dictionary", "nights", "quarantine", "audit"),
            *("restatements", "difference", "publications"),
        )
    },
}


def refuse_record() -> bool:
    """Nobody reads the record; the default of :func:`make_app`."""
    return False


def make_app(
    settings: Callable[[], Settings],
    *,
    guard: Callable[..., Any],
    login_url: Callable[[str], str],
    reads_record: Callable[..., bool] = refuse_record,
) -> FastAPI:
    """The application to mount.

    Args:
        settings: returns the settings, for the published figures and the reports.
        guard: a FastAPI dependency that raises 401 or 403 without permission.
        login_url: the login page for a browser that is not logged in, given the wanted page.
        reads_record: a FastAPI dependency: whether the user may see deliveries, quarantine,
            audit pages and validation reports.
    """
    app = FastAPI(
        dependencies=[Depends(guard)],
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # such a redirect goes to the host that the request names
    )

    @app.exception_handler(AnyHTTPException)
    def answer_refusal(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, AnyHTTPException) else 500
        detail = getattr(error, "detail", "")
        if status == _UNAUTHORIZED or (status, detail) == _ENDED_LOGIN:
            return RedirectResponse(login_url(_wanted(request)), headers=_HEADERS)
        known = detail if isinstance(detail, Said) else _OF_STATUS.get(status, detail)
        return _message(request, status, known)

    @app.exception_handler(Exception)
    def answer_fault(request: Request, _error: Exception) -> Response:
        return _message(request, _FAULT, _OF_STATUS[_FAULT])

    for page in PAGES:
        _add_page(app, page, settings, reads_record)
    for download in DOWNLOADS:
        _add_download(app, download, settings, reads_record)
    _add_files(app, settings, reads_record)
    _add_validation_reports(app, settings, reads_record)
    _add_unknown(app, reads_record)
    return app


def _add_page(
    app: FastAPI,
    page: Page,
    settings: Callable[[], Settings],
    reads_record: Callable[..., bool],
) -> None:
    def show(request: Request, may_read: bool = Depends(reads_record)) -> Response:  # noqa: FBT001 - the name of a dependency
        if page.is_record and not may_read:
            raise HTTPException(_FORBIDDEN, _FOR_RECORD_READERS)
        visit = _visit(request, page.path, may_read=may_read)
        here, night = settings(), None
        try:
            with open_published(here) as warehouse:
                night = find_night(warehouse, None)
                values = page.read(warehouse, here, visit)
        except OneStopError as error:
            return _not_shown(request, visit, here, night, error, of_nothing=200)
        shown = {"tables_read": page.tables, **values}
        html = render(
            page.template, visit, **shown, unpublished=_unpublished(here, visit.lang, night)
        )
        return HTMLResponse(html, headers=_HEADERS)

    app.get(f"/{page.path.removeprefix('./')}", name=page.path)(show)


def _add_download(
    app: FastAPI,
    download: Download,
    settings: Callable[[], Settings],
    reads_record: Callable[..., bool],
) -> None:
    def make(request: Request, may_read: bool = Depends(reads_record)) -> Response:  # noqa: FBT001 - idem
        if download.is_record and not may_read:
            raise HTTPException(_FORBIDDEN, _FOR_RECORD_READERS)
        visit = _visit(request, download.path, may_read=may_read)
        here, night = settings(), None
        try:
            with open_published(here) as warehouse:
                night = find_night(warehouse, None)
                name, content = download.make(warehouse, visit)
        except OneStopError as error:
            return _not_shown(request, visit, here, night, error)
        named = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
        return Response(content, media_type=download.media_type, headers={**_FILE_HEADERS, **named})

    app.get(f"/{download.path}")(make)


def _add_files(
    app: FastAPI, settings: Callable[[], Settings], reads_record: Callable[..., bool]
) -> None:
    @app.get("/style.css")
    def style() -> Response:
        return Response(style_sheet(), media_type="text/css", headers=_STYLE_HEADERS)

    @app.get("/issued/{code}/{number}/{name:path}")
    def issued(
        request: Request,
        code: str,
        number: str,
        name: str,
        may_read: bool = Depends(reads_record),  # noqa: FBT001 - idem
    ) -> Response:
        here, night = settings(), None
        try:
            with open_published(here) as warehouse:
                night = find_night(warehouse, None)
                named = issued_file(warehouse, here, code, number, name)
        except OneStopError as error:
            visit = _visit(request, "", may_read=may_read)
            return _not_shown(request, visit, here, night, error)
        file = file_below(named.parent, named.name)
        if file is None:
            raise HTTPException(_NOT_FOUND, said("the file {name} is gone", name=named.name))
        return _sent(file, "" if file.suffix == ".html" else f"{code}-{number}-{file.name}")

    @app.get("/due_soon/{name}")
    def due_soon(name: str) -> Response:
        found = due_file(settings(), name)
        file = file_below(found.parent, found.name) if found else None
        if file is None or file.suffix not in {".csv", ".xlsx"}:
            raise HTTPException(_NOT_FOUND, said_text("there is no such file"))
        return _sent(file, f"due-soon-{file.name}")


def _add_validation_reports(
    app: FastAPI, settings: Callable[[], Settings], reads_record: Callable[..., bool]
) -> None:
    @app.get("/reports/{path:path}")
    def report(path: str, may_read: bool = Depends(reads_record)) -> Response:  # noqa: FBT001 - idem
        if not may_read:
            raise HTTPException(_FORBIDDEN, _FOR_RECORD_READERS)
        file = file_below(settings().folders.reports, path)
        if file is None:
            raise HTTPException(_NOT_FOUND, said_text("there is no such validation report"))
        if file.suffix != ".html":
            return _sent(file)
        back = f"{'../' * (path.count('/') + 1)}nights"
        return HTMLResponse(_with_way_back(file, back), headers=_FILE_HEADERS)


def _add_unknown(app: FastAPI, reads_record: Callable[..., bool]) -> None:
    """A route for all other addresses, so that the login is asked for there, too."""

    @app.get("/{unknown:path}")
    def unknown(request: Request, may_read: bool = Depends(reads_record)) -> Response:  # noqa: FBT001 - idem
        return _message(request, _NOT_FOUND, _NO_PAGE, _visit(request, "", may_read=may_read))


def _sent(file: Path, name_if_saved: str = "") -> Response:
    """A file of :func:`file_below` as an answer."""
    if not is_shared(file):
        return FileResponse(file, headers=_FILE_HEADERS, filename=name_if_saved or None)
    named = f"attachment; filename*=UTF-8''{quote(name_if_saved)}"
    return Response(
        file.read_bytes(),
        media_type=mimetypes.guess_type(file.name)[0] or "text/plain",
        headers={**_FILE_HEADERS, **({"Content-Disposition": named} if name_if_saved else {})},
    )


def _with_way_back(file: Path, address: str) -> str:
    """A validation report, with a link back to the pages of the nights."""
    text = file.read_text(encoding="utf-8")
    is_english = file.name.endswith(".en.html")
    address, name = (f"{address}?lang=en", "Nights") if is_english else (address, "Các đêm")
    link = f'<p><a href="{address}">← {name}</a></p>'
    return text.replace("<body>", f"<body>\n{link}", 1)


def _visit(request: Request, path: str, *, may_read: bool = False) -> Visit:
    # no text of a database has this character
    asked = {name: value.replace("\0", "") for name, value in request.query_params.items()}
    query = {name: value for name, value in asked.items() if value}
    if "q" in query:  # pages show numbers and their units with this space
        query["q"] = query["q"].replace("\N{NO-BREAK SPACE}", " ")
    return Visit(_language(query.get("lang")), path, query, may_read)


def _wanted(request: Request) -> str:
    """The page to show after the login: a path of this server, whatever the request looks like."""
    path = request.url.path
    if path.startswith(("//", "/\\")) or not path.startswith("/"):
        return "/"
    return f"{path}?{request.url.query}" if request.url.query else path


def _unpublished(settings: Settings, lang: Language, after: dt.date) -> list[dict[str, Any]]:
    """Nights after the one shown that were run and are not published, and why."""
    return [
        {
            "as_of_date": each.as_of_date,
            "text": NIGHT_STATES[each.state][lang],
            "message": each.message.in_language(lang),
        }
        for each in unpublished_nights(settings.folders.unpublished_nights)
        if each.as_of_date > after
    ]


def file_below(folder: Path, path: str) -> Path | None:
    """A file below a folder; None for any other path.

    A file with a second hard link is refused: it may belong to another folder.

    Args:
        folder: that may be served.
        path: as asked for; a folder's is that of its ``index.html``.
    """
    if is_shared(folder):
        below = PurePosixPath(path)
        if below.is_absolute() or ".." in below.parts:
            return None
        found = [folder / path, folder / path / "index.html"]
        return next((file for file in found if file.is_file()), None)
    try:
        folder = folder.resolve()
        file = (folder / path).resolve()
        if file.is_dir():
            file = file / "index.html"
        facts = file.lstat()
    except (OSError, ValueError, RuntimeError):  # no such name, or one that no file can have
        return None
    is_page = stat.S_ISREG(facts.st_mode) and facts.st_nlink == 1
    return file if is_page and file.is_relative_to(folder) else None


def _language(lang: str | None) -> Language:
    return "en" if lang == "en" else "vi"


def _not_shown(
    request: Request,
    visit: Visit,
    settings: Settings,
    night: dt.date | None,
    error: OneStopError,
    *,
    of_nothing: int = _NOT_FOUND,
) -> Response:
    """Why nothing can be shown; ``of_nothing`` is the status where no night is published."""
    if isinstance(error, NothingPublishedError) and night is None:
        return _nothing_yet(settings, visit, of_nothing)
    if isinstance(error, QuestionError):
        return _message(request, _NOT_FOUND, question_said(error), visit, error)
    return _message(request, _UNAVAILABLE, said("{error}", error=error), visit)


def _nothing_yet(settings: Settings, visit: Visit, status: int) -> Response:
    html = render(
        "message.html",
        visit,
        status=200,
        message="",
        again=None,
        has_reports=visit.reads_record and (settings.folders.reports / "index.html").is_file(),
        unpublished=_unpublished(settings, visit.lang, dt.date.min),
    )
    return HTMLResponse(html, status, headers=_HEADERS)


def _message(
    request: Request,
    status: int,
    message: str | Said,
    visit: Visit | None = None,
    error: QuestionError | None = None,
) -> HTMLResponse:
    """A page that says why there is nothing else to see, and where to ask again."""
    root = str(request.scope.get("root_path", ""))
    below = request.url.path.removeprefix(root).lstrip("/")
    shown = visit or Visit(_language(request.query_params.get("lang")), "")
    shown = Visit(
        shown.lang, shown.path, shown.query, shown.reads_record, base="../" * below.count("/")
    )
    html = render(
        "message.html",
        shown,
        status=status,
        message=in_language(message, shown.lang),
        again=_again(shown, error) if error else None,
        has_reports=False,
        unpublished=[],
    )
    return HTMLResponse(html, status, headers=_HEADERS)


def _again(visit: Visit, error: QuestionError) -> str | None:
    """Where to ask again: the page without what was wrong, if that is known, else without all."""
    path = _AGAIN.get(visit.path.partition(".")[0])
    instead = error.instead if isinstance(error, PageQuestionError) else None
    if path is None or instead is None:
        return path and visit.link(path)
    return visit.link(path, **{**visit.query, **instead})
