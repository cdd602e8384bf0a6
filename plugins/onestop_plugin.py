"""Airflow plugin with the pages of the published figures and of the record behind them.

It is the only file of the product that Airflow discovers. Every task loads it too, so the
application is built at the first request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

from onestop.airflow_pages import NightPageLink, page_middlewares
from onestop.airflow_partitions import LastNight, NightOfPackage, ProvincesOfNight

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
                get_user,
                requires_authenticated,
            )
            from fastapi import Depends  # noqa: PLC0415 - see above

            from onestop.airflow_adapter import (  # noqa: PLC0415 - see above
                settings_of_task,
                user_reads_record,
            )
            from onestop.figures.web import make_app  # noqa: PLC0415 - see above

            def reads_record(user: Any = Depends(get_user)) -> bool:  # noqa: ANN401, B008 - as FastAPI takes it
                return user_reads_record(user, get_auth_manager())

            self._app = make_app(
                settings_of_task,
                guard=requires_authenticated(),
                login_url=lambda page: get_auth_manager().get_url_login(next_url=page),
                reads_record=reads_record,
            )
        await self._app(scope, receive, send)


class OneStopPlugin(AirflowPlugin):  # type: ignore[misc] # Airflow's class is not typed for us
    """The pages under ``/onestop``, their entry in Airflow's menu, links, and roll-ups."""

    name = "onestop"
    fastapi_apps: ClassVar[list[Any]] = [
        {"app": _Pages(), "url_prefix": "/onestop", "name": "One-stop figures"}
    ]
    external_views: ClassVar[list[Any]] = [
        {
            "name": "Số liệu một cửa",
            "href": "/onestop/",
            "destination": "nav",
            "category": "browse",
            # without a `url_route` it opens in a tab of its own: Airflow's frame lets no link out
        }
    ]
    fastapi_root_middlewares: ClassVar[list[Any]] = page_middlewares()
    global_operator_extra_links: ClassVar[list[Any]] = [NightPageLink()]
    partition_mappers: ClassVar[list[Any]] = [LastNight, NightOfPackage]
    windows: ClassVar[list[Any]] = [ProvincesOfNight]
