"""Airflow plugin with the pages of the last published scorecard and the validation reports.

It is the only file of the product that Airflow discovers. Every task loads it too, so the
application is built at the first request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from starlette.types import ASGIApp


class _Pages:
    """An ASGI application that builds the real one at the first request."""

    def __init__(self) -> None:
        self._app: ASGIApp | None = None

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        """Answer one request."""
        if self._app is None:
            from airflow.api_fastapi.app import get_auth_manager  # noqa: PLC0415 - see above
            from airflow.api_fastapi.core_api.security import (  # noqa: PLC0415 - see above
                requires_authenticated,
            )

            from onestop.airflow_adapter import settings_of_task  # noqa: PLC0415 - see above
            from onestop.figures.web import make_app  # noqa: PLC0415 - see above

            self._app = make_app(
                settings_of_task,
                guard=requires_authenticated(),
                login_url=lambda page: get_auth_manager().get_url_login(next_url=page),
            )
        await self._app(scope, receive, send)


class OneStopPlugin(AirflowPlugin):  # type: ignore[misc] # Airflow's class is not typed for us
    """The pages under ``/onestop``, with their entry in Airflow's menu."""

    name = "onestop"
    fastapi_apps: ClassVar[list[Any]] = [
        {"app": _Pages(), "url_prefix": "/onestop", "name": "One-stop figures"}
    ]
    external_views: ClassVar[list[Any]] = [
        {
            "name": "Bảng chỉ tiêu",
            "href": "/onestop/",
            "destination": "nav",
            "category": "browse",
            "url_route": "onestop",
        }
    ]
