"""Apache Superset, a real BI client, reads the warehouse on both engines.

Runs where ``ONESTOP_TEST_SUPERSET`` names the ``superset`` command of an environment that also has
``psycopg2-binary``, ``duckdb`` and ``duckdb-engine``; docs/bi.md says how to make one.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import secrets
import subprocess
import time
import zipfile
from dataclasses import replace
from decimal import Decimal

import pytest
import requests
import yaml
from corrected_nights import publish_corrected_nights
from published_marts import settings_in
from superset_dashboard import SHIPPED, read_charts, read_dashboards

from onestop.local.local_airflow import free_port
from onestop.marts.files import mart_files
from onestop.warehouse import open_warehouse

SUPERSET = os.environ.get("ONESTOP_TEST_SUPERSET")
CHARTS = read_charts()
#: Superset's settings for each engine, besides the address.
EXTRA = {
    "postgresql": "{}",
    "duckdb": json.dumps({"engine_params": {"connect_args": {"read_only": True}}}),
}
CONFIG = """
SECRET_KEY = {key!r}
SQLALCHEMY_DATABASE_URI = {meta!r}
WTF_CSRF_ENABLED = False
TALISMAN_ENABLED = False
PREVENT_UNSAFE_DB_CONNECTIONS = False
_HERE = {{"CACHE_TYPE": "SimpleCache"}}
CACHE_CONFIG = DATA_CACHE_CONFIG = FILTER_STATE_CACHE_CONFIG = _HERE
EXPLORE_FORM_DATA_CACHE_CONFIG = _HERE
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(SUPERSET is None, reason="ONESTOP_TEST_SUPERSET names no Superset"),
]


@pytest.fixture(scope="module")
def warehouses(tmp_path_factory, postgres):
    """The same published nights on both engines: addresses for a reader of the marts."""
    embedded = settings_in(tmp_path_factory.mktemp("embedded"))
    database = postgres.make_database()
    served = replace(settings_in(tmp_path_factory.mktemp("served")), warehouse=database)
    for settings in (embedded, served):
        publish_corrected_nights(settings)
    reader = postgres.as_login(database, postgres.make_login("onestop_bi"))
    addresses = {
        "postgresql": reader.replace("postgresql://", "postgresql+psycopg2://"),
        "duckdb": f"duckdb:///{embedded.published}",
    }
    return embedded, addresses


class Client:
    """A running Superset with an administrator; it is called as its own pages call it."""

    def __init__(self, address, password):
        self._address = address
        self._session = requests.Session()
        login = {"username": "admin", "password": password, "provider": "db", "refresh": True}
        token = self("post", "security/login", json=login)["access_token"]
        self._session.headers["Authorization"] = f"Bearer {token}"

    def __call__(self, method, path, *, is_refused=False, **more):
        answer = self._session.request(
            method, f"{self._address}/api/v1/{path}", timeout=120, **more
        )
        assert (answer.status_code >= 400) == is_refused, f"{path}: {answer.text[:2000]}"
        return answer.json()


@pytest.fixture(scope="module")
def superset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("superset")
    config = folder / "superset_config.py"
    meta = f"sqlite:///{folder / 'superset.db'}"
    config.write_text(CONFIG.format(key=secrets.token_hex(32), meta=meta), encoding="utf-8")
    environment = {**os.environ, "SUPERSET_CONFIG_PATH": str(config), "FLASK_APP": "superset"}
    password = secrets.token_hex(12)
    for command in (
        ["db", "upgrade"],
        ["fab", "create-admin", "--username", "admin", "--firstname", "-", "--lastname", "-",
         "--email", "admin@localhost.invalid", "--password", password],
        ["init"],
    ):  # fmt: skip
        done = subprocess.run(
            [SUPERSET, *command], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
    port = free_port()
    server = subprocess.Popen(
        [SUPERSET, "run", "--port", str(port), "--with-threads"],
        env=environment,
        stdout=(folder / "log").open("w"),
        stderr=subprocess.STDOUT,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                if requests.get(f"{address}/health", timeout=5).ok:
                    break
            except requests.ConnectionError:
                pass
            assert server.poll() is None, (folder / "log").read_text()[-2000:]
            time.sleep(0.5)
        yield Client(address, password)
    finally:
        server.terminate()
        server.wait(30)


def shipped_as_zip(address):
    """The shipped dashboards as an import file for Superset, with the warehouse's address."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in sorted(SHIPPED.rglob("*.yaml")):
            text = path.read_text(encoding="utf-8")
            if path.parent.name == "databases":
                shipped_database = yaml.safe_load(text) | {"sqlalchemy_uri": address}
                text = yaml.safe_dump(shipped_database)
            archive.writestr(f"dashboard/{path.relative_to(SHIPPED)}", text)
    return content.getvalue()


@pytest.fixture(scope="module", params=EXTRA)
def imported(request, warehouses, superset):
    """The dashboards imported on one engine; the second import replaces the first."""
    _, addresses = warehouses
    archive = shipped_as_zip(addresses[request.param])
    superset(
        "post",
        "dashboard/import/",
        files={"formData": ("dashboard.zip", archive, "application/zip")},
        data={"overwrite": "true"},
    )
    [database] = superset("get", "database/")["result"]
    # an import does not change the address of an existing database
    if database["backend"] != request.param:
        connection = {"sqlalchemy_uri": addresses[request.param], "extra": EXTRA[request.param]}
        superset("put", f"database/{database['id']}", json=connection)
        [database] = superset("get", "database/")["result"]
    assert database["backend"] == request.param
    found = superset("get", "dashboard/")["result"]
    shipped = [one["dashboard_title"] for one in read_dashboards().values()]
    assert sorted(one["dashboard_title"] for one in found) == sorted(shipped)
    return superset, database["id"]


def drawn(superset, chart):
    """The rows that Superset shows in a chart."""
    listed = superset("get", "dataset/?q=(page_size:100)")["result"]
    datasets = {one["table_name"]: one["id"] for one in listed}
    body = {
        "datasource": {"id": datasets[chart.dataset["table_name"]], "type": "table"},
        "queries": [chart.query()],
        "result_format": "json",
        "result_type": "full",
        "force": True,
    }
    [result] = superset("post", "chart/data", json=body)["result"]
    return {tuple(sorted((name, plain(value)) for name, value in row.items()))
            for row in result["data"]}  # fmt: skip


def plain(value):
    """A value in the form that both queries have in common."""
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return f"{float(value):.6f}"
    if isinstance(value, dt.date):  # Superset gives milliseconds since 1970
        return f"{(value - dt.date(1970, 1, 1)).days * 86_400_000:.6f}"
    return value


@pytest.mark.parametrize("chart", CHARTS)
def test_each_chart_shows_the_values_of_the_warehouse(imported, warehouses, chart):
    superset, _ = imported
    embedded, _ = warehouses
    with open_warehouse(f"duckdb:///{embedded.published}", read_only=True) as warehouse:
        rows = warehouse.rows(CHARTS[chart].sql())
    expected = {tuple(sorted((n, plain(v)) for n, v in row.items())) for row in rows}
    assert drawn(superset, CHARTS[chart]) == expected


def execute(superset, database, sql, **more):
    asked = {"database_id": database, "sql": sql}
    return superset("post", "sqllab/execute/", json=asked, **more)


def test_superset_reads_every_mart(imported):
    superset, database = imported
    for file in mart_files():
        found = execute(superset, database, f"select count(*) as n from mart.{file.name}")
        assert found["data"][0]["n"] >= 0, file.name


# a DuckDB file has no roles: a user who can open it can read all of it
@pytest.mark.parametrize("imported", ["postgresql"], indirect=True)
def test_superset_reads_neither_record_nor_audit_on_postgresql(imported):
    superset, database = imported
    for table in ("core.dossier_version", "audit.delivery"):
        refused = execute(superset, database, f"select count(*) from {table}", is_refused=True)
        assert "permission denied" in json.dumps(refused)
