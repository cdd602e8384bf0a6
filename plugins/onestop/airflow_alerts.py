"""Alerts in Airflow: the bodies of the tasks that send them.

Two Connections say where to. Without either, nothing is sent and nothing is recorded.

- ``onestop_alerts_email`` (type SMTP) with the extra fields ``from_email``, ``to`` (addresses
  separated by commas) and ``languages`` (``vi``, ``en`` or, by default, ``vi,en``);
- ``onestop_alerts_webhook`` (type HTTP): the host is the whole address, as
  ``https://chat.example/hooks/one-stop``.

A message that could not be sent is sent by the next attempt of the task.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from airflow.sdk import get_current_context
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowException

from onestop.airflow_adapter import connection_of, night_of_run, settings_of_task
from onestop.language import log, shown_language
from onestop.said import said, said_text
from onestop.settings import publishes_by_clock

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import date

    from onestop.alerts import Alert
    from onestop.schema.number_text import Language

EMAIL_CONNECTION = "onestop_alerts_email"
WEBHOOK_CONNECTION = "onestop_alerts_webhook"
#: Names of the channels in ``audit.alert``.
EMAIL, WEBHOOK = "email", "webhook"
#: The key of a backfill's configuration that has its alerts sent.
SENDS = "send_alerts"
_LATE = "publication_late"
_REPORT = "report_late"
_NIGHTLY = "onestop_nightly"
#: How often the morning's check tries to open a warehouse that a night is writing.
_TRIES, _PAUSE_SECONDS = 5, 30

logger = logging.getLogger(__name__)


def send_night_alerts() -> None:
    """Send what is new about the night; the last task of its run.

    A backfill only logs its alerts, unless its configuration has ``{"send_alerts": true}``.

    Raises:
        AirflowException: a message could not be sent.
    """
    from onestop.alerts import ALERT_CODES

    night, run = night_of_run(), cast("Any", get_current_context()["dag_run"])
    is_silent = is_backfill() and not (run.conf or {}).get(SENDS)
    _send(night, ALERT_CODES, _links(run.dag_id, run.run_id), is_silent=is_silent)


def is_backfill() -> bool:
    """Whether the running task belongs to a backfill."""
    run = cast("Any", get_current_context()["dag_run"])
    return bool(getattr(run.run_type, "value", run.run_type) == "backfill")


def send_question_alert(code: str) -> None:
    """Send that somebody is asked to decide; a failure is only logged.

    The question is answered in Airflow's pages, whether or not the message arrives.

    Args:
        code: of the alert.
    """
    night, run = night_of_run(), cast("Any", get_current_context()["dag_run"])
    try:
        _send(night, {code}, _links(run.dag_id, run.run_id), has_ended=False)
    except AirflowException as error:
        logger.warning("%s", error)


def send_report_alerts() -> None:
    """Send that a periodic report is due and not issued; the last task of the report's run.

    Raises:
        AirflowException: a message could not be sent.
    """
    night, run = night_of_run(), cast("Any", get_current_context()["dag_run"])
    _send(night, {_REPORT}, _links(run.dag_id, run.run_id))


def send_late_alert() -> None:
    """Send that last night's figures are not published, where they are not.

    It takes no slot of the pool, which a night that hangs would hold: it waits for a warehouse that
    is being written.

    Raises:
        AirflowException: a message could not be sent.
    """
    from onestop.warehouse import WarehouseBusyError

    night = night_of_run()
    for left in reversed(range(_TRIES)):
        try:
            _send(night, {_LATE}, _links(_NIGHTLY, ""), has_ended=False)
        except WarehouseBusyError:
            if not left:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def publication_clock() -> str:
    """The cron expression of ``ONESTOP_PUBLISH_BY``."""
    clock = publishes_by_clock()
    return f"{clock.minute} {clock.hour} * * *"


def _send(
    night: date,
    codes: Collection[str],
    links: Callable[[Alert], dict[str, str]],
    *,
    has_ended: bool = True,
    is_silent: bool = False,
) -> None:
    """Send the messages that are due through each channel, and record them."""
    from onestop.alerts import due_messages, night_alerts, record_messages
    from onestop.warehouse import open_warehouse

    settings = settings_of_task()
    channels = {} if is_silent else _channels()
    with open_warehouse(settings.warehouse) as warehouse:
        alerts = night_alerts(warehouse, night, settings, settings.mappings(), has_ended=has_ended)
        if has_ended and any(alert.code == _LATE for alert in alerts):
            codes = set(codes) - {_LATE}  # onestop_watch sends it; here only that it is resolved
        due = {name: due_messages(warehouse, night, alerts, name, codes) for name in channels}
    for alert in alerts:
        if alert.code in codes:
            lang = shown_language()
            logger.warning("%s", "; ".join((alert.subject(lang), *alert.texts(lang))))
    if not channels:
        why = (
            said_text("a backfill")
            if is_silent
            else said(
                "no Connection {email} or {webhook}",
                email=EMAIL_CONNECTION,
                webhook=WEBHOOK_CONNECTION,
            )
        )
        log(logger, logging.INFO, said("no alert is sent: {why}", why=why))
    failed = []
    for name, send in channels.items():
        sent, error = _sent(due[name], links, send)
        if sent:
            with open_warehouse(settings.warehouse) as warehouse:
                record_messages(warehouse, sent, name)
        log(
            logger, logging.INFO, said("{channel}: messages {count}", channel=name, count=len(sent))
        )
        failed += [f"{name}: {error}"] if error else []
    if failed:
        raise AirflowException(
            said(
                "alerts were not sent: {failed}; check the Connections, then clear the task",
                failed="; ".join(failed),
            ).in_language(shown_language())
        )


def _sent(
    due: Sequence[Alert],
    links: Callable[[Alert], dict[str, str]],
    send: Callable[[Alert, Mapping[str, str]], None],
) -> tuple[list[Alert], str]:
    """The messages that were sent, up to the first error, and its name.

    An error's text may hold addresses or a secret path, so that only its name is kept.
    """
    sent: list[Alert] = []
    for alert in due:
        try:
            send(alert, links(alert))
        except Exception as error:  # noqa: BLE001 - whatever the server or the library raises
            return sent, type(error).__name__
        sent.append(alert)
    return sent, ""


def _channels() -> dict[str, Callable[[Alert, Mapping[str, str]], None]]:
    """The functions that send, by the names of the channels that have a Connection."""
    found: dict[str, Callable[[Alert, Mapping[str, str]], None]] = {}
    if (connection := connection_of(EMAIL_CONNECTION)) is not None:
        extra = connection.extra_dejson
        found[EMAIL] = lambda alert, links: _send_email(alert, links, extra)
    if connection_of(WEBHOOK_CONNECTION) is not None:
        found[WEBHOOK] = _call_webhook
    return found


def _send_email(alert: Alert, links: Mapping[str, str], extra: Mapping[str, Any]) -> None:
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    from onestop.alerts import email_html, email_subject

    languages = _languages(extra)
    notifier = SmtpNotifier(
        to=extra["to"],
        from_email=extra.get("from_email"),
        subject=email_subject(alert, languages),
        html_content=email_html(alert, links, languages),
        smtp_conn_id=EMAIL_CONNECTION,
    )
    # not called: that would read the text as a template, and it holds names of files
    notifier.notify(cast("Any", {}))


def _call_webhook(alert: Alert, links: Mapping[str, str]) -> None:
    from airflow.providers.http.notifications.http import HttpNotifier

    from onestop.alerts import webhook_body

    notifier = HttpNotifier(
        http_conn_id=WEBHOOK_CONNECTION, json=webhook_body(alert, links), endpoint=None
    )
    notifier.notify(cast("Any", {}))  # idem


def _languages(extra: Mapping[str, Any]) -> list[Language]:
    named = str(extra.get("languages") or "vi,en").replace(" ", "").split(",")
    return [cast("Language", lang) for lang in named if lang in {"vi", "en"}] or ["vi", "en"]


def _links(dag_id: str, run_id: str) -> Callable[[Alert], dict[str, str]]:
    """Addresses of an alert's page and of the run, or of the night's runs without one.

    There are none where Airflow's own address is not set.
    """
    base = (conf.get("api", "base_url", fallback="") or "").rstrip("/")

    def links(alert: Alert) -> dict[str, str]:
        if not base:
            return {}
        run = f"/{quote(run_id)}" if run_id else f"?partition_key_pattern={alert.night}"
        return {
            "onestop": f"{base}/onestop/{alert.page}",
            "Airflow": f"{base}/dags/{dag_id}/runs{run}",
        }

    return links
