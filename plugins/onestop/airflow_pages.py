"""What the plugin adds to Airflow's own pages: links from runs to ours, and the time zone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk import BaseOperatorLink
from airflow.sdk.configuration import conf

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from starlette.types import ASGIApp

#: Where each DAG's tasks lead, below the pages of the figures.
_PAGES = {
    "onestop_nightly": "night?date={night}",
    "onestop_watch": "night?date={night}",
    "onestop_report": "",
    "onestop_replay": "nights",
}
_ROOT = b'<div id="root"'


class NightPageLink(BaseOperatorLink):  # type: ignore[misc] # Airflow's class is not typed for us
    """The button of our tasks that leads to the night's page; other DAGs have none."""

    @property
    def name(self) -> str:
        """The button's text."""
        return "Trang số liệu"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ANN401, ARG002 - Airflow's classes are not typed for us
        """The address of the page; empty for the tasks of other DAGs."""
        if ti_key.dag_id not in _PAGES:
            return ""
        night = _night_of(ti_key.dag_id, ti_key.run_id)
        page = _PAGES[ti_key.dag_id]
        if "{night}" in page:
            page = page.format(night=quote(night, safe="")) if night else "nights"
        base = (conf.get("api", "base_url", fallback="") or "").rstrip("/")
        return f"{base}/onestop/{page}"


def _night_of(dag_id: str, run_id: str) -> str | None:
    """The partition key of a run. Links are made in the API server, which has the database."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        key = session.scalar(
            select(DagRun.partition_key).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)
        )
    return str(key) if key else None


class TimeZoneOfPages:
    """Middleware: Airflow's pages show ``[core] default_timezone`` until a reader chooses another.

    Airflow 3.3 has no setting for it: a browser begins with its own time zone, and keeps a choice
    in its storage. The page gets one line that stores this choice where there is none.

    Args:
        app: the application.
        time_zone: IANA name.
    """

    def __init__(self, app: ASGIApp, time_zone: str) -> None:
        self._app = app
        choice = json.dumps(json.dumps(time_zone)).replace("<", "\\u003c")
        self._script = (
            '<script>try{if(localStorage.getItem("timezone")===null)'
            f'localStorage.setItem("timezone",{choice})}}catch(e){{}}</script>'
        ).encode()

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        """Answer one request; only Airflow's own page is changed."""
        begin: MutableMapping[str, Any] = {}
        page = b""

        async def changed(message: MutableMapping[str, Any]) -> None:
            nonlocal page
            if message["type"] == "http.response.start" and _is_html(message):
                begin.update(message)
            elif message["type"] == "http.response.body" and begin:
                page += message.get("body", b"")
                if not message.get("more_body", False):
                    await self._send_page(begin, page, send)
            else:
                await send(message)

        await self._app(scope, receive, changed if scope["type"] == "http" else send)

    async def _send_page(
        self,
        begin: MutableMapping[str, Any],
        page: bytes,
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        page = page.replace(_ROOT, self._script + _ROOT, 1)
        headers = [
            (name, str(len(page)).encode() if name.lower() == b"content-length" else value)
            for name, value in begin["headers"]
        ]
        await send({**begin, "headers": headers})
        await send({"type": "http.response.body", "body": page})


def _is_html(message: MutableMapping[str, Any]) -> bool:
    headers = {name.lower(): value for name, value in message["headers"]}
    is_html = headers.get(b"content-type", b"").startswith(b"text/html")
    # our own pages have a policy that forbids scripts like this one
    return (
        is_html
        and b"content-encoding" not in headers
        and (b"content-security-policy" not in headers)
    )


def page_middlewares() -> list[dict[str, Any]]:
    """The middlewares of Airflow's pages; none while its default time zone is UTC."""
    zone = conf.get("core", "default_timezone", fallback="utc")
    if zone.lower() in {"utc", "system"}:
        return []
    return [{"name": "time zone", "middleware": TimeZoneOfPages, "kwargs": {"time_zone": zone}}]
