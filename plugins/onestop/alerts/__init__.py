"""Alerts of a night: what happened that somebody has to know, one for each cause.

:func:`night_alerts` finds them in the record and the published figures, without Airflow;
:func:`due_messages` compares them with what ``audit.alert`` lists as sent, so that each is sent
once, again when it has changed, and once more when it is resolved. Alerts hold counts, names of
files and units, and rule codes; never the content of a record.
"""

from __future__ import annotations

from onestop.alerts.alert import ALERT_CODES, Alert
from onestop.alerts.finding import last_run_night, night_alerts, report_alerts
from onestop.alerts.listing import print_alerts
from onestop.alerts.message import email_html, email_subject, webhook_body
from onestop.alerts.sending import due_messages, record_messages

__all__ = [
    "ALERT_CODES",
    "Alert",
    "due_messages",
    "email_html",
    "email_subject",
    "last_run_night",
    "night_alerts",
    "print_alerts",
    "record_messages",
    "report_alerts",
    "webhook_body",
]
