"""Alerts sent by Airflow's notifiers to a real SMTP server and a real HTTP receiver."""

from __future__ import annotations

import datetime as dt
import json
import re
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowException
from alert_worlds import NIGHT, World, build_empty_world
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from message_servers import LOGIN, PASSWORD, email_connection, http_receiver, mail_server
from published_marts import settings_in

from onestop import airflow_adapter as steps
from onestop import airflow_alerts as alerts
from onestop.schema.project import PROJECT_ROOT
from onestop.warehouse import WarehouseBusyError, open_warehouse

RUN = "scheduled__2022-11-24T18:00:00+00:00"
BASE = "https://airflow.example"


@pytest.fixture
def var(tmp_path):
    return tmp_path / "var"


@pytest.fixture
def running(monkeypatch, kept, var):
    """A night with one refused file, and the context of its last task."""
    settings = kept.copy(build_empty_world, var)
    monkeypatch.setenv("ONESTOP_VAR", str(var))
    context = {
        "partition_key": NIGHT.isoformat(),
        "dag_run": SimpleNamespace(
            dag_id="onestop_nightly", run_id=RUN, run_type="scheduled", conf={}
        ),
    }
    for module in (steps, alerts):
        monkeypatch.setattr(module, "get_current_context", lambda: context)
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", f"{BASE}/")
    with opened(var) as warehouse:
        world = World(warehouse, settings)
        world.publish(NIGHT)
        world.deliver("{{ 7*7 }}.csv", refused_by="FILE-F01")
    return context


def opened(folder):
    return open_warehouse(f"duckdb:///{folder / 'warehouse.duckdb'}")


def sent(folder):
    with opened(folder) as warehouse:
        rows = warehouse.rows("select sent_by, alert_code, alert_state from audit.alert")
    return sorted(tuple(row.values()) for row in rows)


@pytest.fixture
def mails(monkeypatch):
    with mail_server() as server:
        monkeypatch.setenv(
            "AIRFLOW_CONN_ONESTOP_ALERTS_EMAIL", json.dumps(email_connection(server))
        )
        yield server


@pytest.fixture
def hook(monkeypatch):
    with http_receiver() as receiver:
        address = f"http://127.0.0.1:{receiver.port}/hooks/secret-word"
        connection = {"conn_type": "http", "host": address}
        monkeypatch.setenv("AIRFLOW_CONN_ONESTOP_ALERTS_WEBHOOK", json.dumps(connection))
        yield receiver


@pytest.mark.usefixtures("running")
def test_an_alert_arrives_by_email_with_its_page_and_run(mails, var):
    alerts.send_night_alerts()
    [mail] = mails.mails
    assert mail.sender == "onestop@city.invalid"
    assert mail.recipients == ["duty@city.invalid", "office@city.invalid"]
    assert mail.subject.startswith("[onestop] Tệp bị từ chối, đêm 24/11/2022 / Files were refused")
    assert f"{BASE}/onestop/night?date=2022-11-24" in mail.html
    assert f"{BASE}/dags/onestop_nightly/runs/scheduled__2022-11-24T18%3A00%3A00%2B00%3A00" in (
        mail.html
    )
    assert sent(var) == [("email", "delivery_refused", "raised")]


@pytest.fixture
def certificate(tmp_path):
    """Key and certificate of this machine, in one file."""
    path = tmp_path / "mail.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + made.public_bytes(Encoding.PEM)
    )
    return path


@pytest.mark.usefixtures("running")
def test_the_connection_of_the_documentation_sends_through_an_encrypted_server(
    certificate, monkeypatch
):
    """Port 465; the server's certificate is trusted as the documentation says."""
    documented = (PROJECT_ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    [extra] = re.findall(r"--conn-extra '(\{.*\})'", documented)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with mail_server(certificate) as server:
        connection = {"conn_type": "smtp", "host": "localhost", "port": server.port}
        connection |= {"login": LOGIN, "password": PASSWORD, "extra": json.loads(extra)}
        monkeypatch.setenv("AIRFLOW_CONN_ONESTOP_ALERTS_EMAIL", json.dumps(connection))
        alerts.send_night_alerts()
    [mail] = server.mails
    assert mail.recipients == ["duty@city.example"]


@pytest.mark.usefixtures("running")
def test_an_alert_arrives_at_the_webhook_as_json(hook):
    alerts.send_night_alerts()
    [body] = hook.bodies
    assert hook.paths == ["/hooks/secret-word"]
    assert (body["code"], body["night"], body["counts"]) == (
        "delivery_refused",
        "2022-11-24",
        {"files": 1},
    )


@pytest.mark.usefixtures("running")
def test_a_file_s_name_is_never_read_as_a_template(mails, hook):
    alerts.send_night_alerts()
    assert "{{ 7*7 }}.csv: FILE-F01" in mails.mails[0].html
    assert "{{ 7*7 }}.csv: FILE-F01" in hook.bodies[0]["text"]


@pytest.mark.usefixtures("running")
def test_what_was_sent_is_not_sent_again(mails, hook):
    alerts.send_night_alerts()
    alerts.send_night_alerts()
    assert (len(mails.mails), len(hook.bodies)) == (1, 1)


@pytest.mark.usefixtures("running")
def test_without_a_connection_nothing_is_sent_and_nothing_recorded(var, caplog):
    caplog.set_level("INFO")
    alerts.send_night_alerts()
    assert "no alert is sent" in caplog.text
    assert sent(var) == []


@pytest.mark.usefixtures("running")
def test_a_channel_that_fails_is_tried_again_and_stops_no_other(mails, hook, var):
    hook.status = 500
    with pytest.raises(AirflowException, match="alerts were not sent: webhook: ") as failed:
        alerts.send_night_alerts()
    assert "secret-word" not in str(failed.value)
    assert sent(var) == [("email", "delivery_refused", "raised")]
    hook.status = 200
    alerts.send_night_alerts()
    assert (len(mails.mails), len(hook.bodies)) == (1, 1)


@pytest.mark.usefixtures("running")
def test_a_refused_email_names_no_address(mails):
    mails.refuses = True
    with pytest.raises(AirflowException, match="email: SMTPDataError") as failed:
        alerts.send_night_alerts()
    assert "city.invalid" not in str(failed.value)


def test_a_backfill_sends_nothing_unless_it_is_asked_to(running, hook):
    running["dag_run"].run_type = "backfill"
    alerts.send_night_alerts()
    assert hook.bodies == []
    running["dag_run"].conf = {"send_alerts": True}
    alerts.send_night_alerts()
    assert len(hook.bodies) == 1


def test_the_report_s_run_sends_only_that_a_report_is_not_issued(running, hook, var):
    with opened(var) as warehouse:
        warehouse.execute("delete from audit.report where report_code = 'q3'")
    running["dag_run"].dag_id = "onestop_report"
    alerts.send_report_alerts()
    assert [body["code"] for body in hook.bodies] == ["report_late"]


@pytest.fixture
def last_night(monkeypatch, running, var):  # noqa: ARG001 - used for its effect
    """The clock stands at 06:30 in the morning after the night, which is not published."""

    class Clock(dt.datetime):
        @classmethod
        def now(cls, tz=None):
            return dt.datetime(2022, 11, 24, 23, 30, tzinfo=dt.UTC).astimezone(tz)

    monkeypatch.setattr(steps.dt, "datetime", Clock)
    with opened(var) as warehouse:
        warehouse.execute("delete from audit.publication")


@pytest.mark.usefixtures("last_night")
def test_the_morning_s_check_reports_a_night_that_is_not_published(hook):
    alerts.send_late_alert()
    assert [body["code"] for body in hook.bodies] == ["publication_late"]


@pytest.mark.usefixtures("last_night")
def test_the_end_of_a_run_reports_only_that_late_figures_are_published(hook, var):
    alerts.send_late_alert()
    alerts.send_night_alerts()
    with opened(var) as warehouse:
        World(warehouse, settings_in(var)).publish(NIGHT)
    alerts.send_night_alerts()
    assert [(body["code"], body["state"]) for body in hook.bodies] == [
        ("publication_late", "raised"),
        ("night_failed", "raised"),
        ("delivery_refused", "raised"),
        ("publication_late", "resolved"),
        ("night_failed", "resolved"),
    ]


@pytest.mark.usefixtures("last_night")
def test_the_morning_s_check_of_a_published_night_reports_nothing(hook, var):
    with opened(var) as warehouse:
        World(warehouse, settings_in(var)).publish(NIGHT)
    alerts.send_late_alert()
    assert hook.bodies == []


@pytest.mark.usefixtures("last_night")
def test_the_morning_s_check_waits_for_a_warehouse_that_is_being_written(hook, monkeypatch):
    attempts = []
    send = alerts._send

    def busy_once(*values, **names):
        attempts.append(1)
        if len(attempts) == 1:
            raise WarehouseBusyError("another process writes it")
        send(*values, **names)

    monkeypatch.setattr(alerts, "_send", busy_once)
    monkeypatch.setattr(alerts, "_PAUSE_SECONDS", 0)
    alerts.send_late_alert()
    assert (len(attempts), len(hook.bodies)) == (2, 1)
