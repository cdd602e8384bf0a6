"""A real Airflow on this machine: scheduler, DAG processor and API server, started and stopped.

All its files (metadata database, secrets, logs) are in one folder. It listens on the loopback
interface only. It serves ``make demo``, ``make up`` and the integration tests; the installation for
real use is that of docker-compose.yaml.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlencode

import psutil  # type: ignore[import-untyped] # it ships no types

from onestop.errors import OneStopError
from onestop.files import PRIVATE, write_whole
from onestop.said import said
from onestop.schema.project import PROJECT_ROOT
from onestop.schema.time_zone import LOCAL_ZONE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from onestop.settings import Settings

HOST = "127.0.0.1"
USER = "admin"
POOL = "warehouse_write"
#: Seconds for all components to start, and for each to stop, on a slow machine.
_START_TIMEOUT = 240
_STOP_TIMEOUT = 30
_HTTP_OK = 300
#: The API's own maximum by default.
_PAGE = 100
_COMPONENTS = {
    "api-server": ["--workers", "1"],
    "scheduler": ["--skip-serve-logs"],
    "dag-processor": [],
}
_TRIGGERER = {"triggerer": ["--skip-serve-logs"]}
#: Loggers that write more lines into a task's log than the task.
_QUIET_LOGGERS = "openlineage=WARNING airflow.providers.openlineage=WARNING"
#: Modules that tasks import and developers do not change.
PRELOADED = ("duckdb", "great_expectations", "holidays", "lxml.html", "openpyxl", "pyarrow.csv")

#: Modules of ours that the tasks of a night import, and what they would do first.
OF_A_NIGHT = (
    "onestop.night",
    "onestop.alerts",
    "onestop.gate.evaluation:load_engine",
    "onestop.gate.reports",
    "onestop.marts.files:read_all",
    "onestop.marts.lineage",
)


class LocalAirflowError(OneStopError):
    """The local Airflow could not be started, or stopped answering; says where its logs are."""


class ApiError(Exception):
    """The REST API refused a request.

    Args:
        status: HTTP status.
        message: its answer.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


@dataclass
class LocalAirflow:
    """One Airflow in one folder; a context manager that starts and stops it.

    Attributes:
        home: its folder.
        settings: where the DAGs' tasks find exports, landing and warehouse.
        preferred_port: of the API server and web pages; the next free one is taken if it is busy.
        extra: further environment variables.
        last_night: ISO date and time after which the scheduler starts no nights by itself.
        parallelism: tasks that run at the same time.
        preloaded: modules imported, and functions (``module:function``) called, before tasks are
            forked; changes in them need a restart.
        has_triggerer: whether a triggerer is started, too. No task of ours needs it; without one,
            Airflow's pages show it in red.
        host: address at which the API server listens; workers of other machines need one that they
            reach.
    """

    home: Path
    settings: Settings
    preferred_port: int | None = None
    extra: Mapping[str, str] = field(default_factory=dict)
    last_night: str | None = None
    parallelism: int = 2
    preloaded: tuple[str, ...] = PRELOADED
    has_triggerer: bool = False
    host: str = HOST
    port: int = field(default=0, init=False)
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict, init=False)
    _lock: IO[str] | None = field(default=None, init=False)
    _token: str | None = field(default=None, init=False)

    # --- starting and stopping -----------------------------------------------------------

    def __enter__(self) -> Self:
        """Start it and wait until it answers and knows the DAGs."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop all its processes."""
        self.stop()

    @property
    def url(self) -> str:
        """Address of its web pages."""
        return f"http://{'localhost' if self.host == HOST else self.host}:{self.port}"

    @property
    def version(self) -> str:
        """Airflow's version."""
        return version("apache-airflow")

    @property
    def logs(self) -> Path:
        """Folder of its logs: one file per component, and the tasks' own."""
        return self.home / "logs"

    @property
    def password(self) -> str:
        """Password of the user ``admin``, generated at the first start."""
        return str(self._secrets()["password"])

    def start(self) -> None:
        """Start the three components.

        Raises:
            LocalAirflowError: it is already running, or does not come up.
        """
        self.logs.mkdir(parents=True, exist_ok=True)
        self.settings.folders.lineage.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        try:
            self._stop_leftovers()
            self._leave_old_configuration()
            self.port = free_port(self.preferred_port, self.host)
            environment = self.environment()
            self._migrate(environment)
            components = _COMPONENTS | (_TRIGGERER if self.has_triggerer else {})
            for component, options in components.items():
                self._start_component(component, options, environment)
            self._remember_processes()
            self._wait_for("the API server", lambda: bool(self.get("/monitor/health")))
            self._wait_for("the DAGs", self._knows_dags)
            self.put_pool(POOL, 1, "One task at a time writes the warehouse")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ask every component to end; kill it with its children if it does not."""
        self.stop_running()
        self._stop_component("api-server")
        (self.home / "running.json").unlink(missing_ok=True)
        if self._lock:
            self._lock.close()
            self._lock = None

    def stop_running(self) -> None:
        """Stop all components but the API server: its pages stay, and nothing more is run.

        The scheduler is first: its running tasks need the API server to finish.
        """
        for name in ("scheduler", "triggerer", "dag-processor"):
            self._stop_component(name)

    def _stop_component(self, name: str) -> None:
        if process := self._processes.pop(name, None):
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_TIMEOUT)
            _kill_group(process.pid)
            process.wait()

    def check_alive(self) -> None:
        """Raise when a component has ended by itself.

        Raises:
            LocalAirflowError: names the component and its log.
        """
        for name, process in self._processes.items():
            if process.poll() is not None:
                raise LocalAirflowError(
                    said("Airflow's {name} ended unexpectedly", name=name),
                    remedy=said("see {log}.log", log=self.logs / name),
                )

    def environment(self) -> dict[str, str]:
        """The whole environment of its processes."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW_", "ONESTOP_"))}
        secret = self._secrets()
        plugins = PROJECT_ROOT / "plugins"
        local_settings = Path(__file__).parent / "local_settings"
        own = {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__HOST": self.host,
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__SECRET_KEY": secret["api"],
            "AIRFLOW__API_AUTH__JWT_SECRET": secret["jwt"],
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT_ROOT / "dags"),
            "AIRFLOW__CORE__DEFAULT_TIMEZONE": LOCAL_ZONE.key,
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://{self.host}:{self.port}/execution/",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__FERNET_KEY": secret["fernet"],
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__MP_START_METHOD": "fork",
            "AIRFLOW__CORE__PARALLELISM": str(self.parallelism),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self._password_file()),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
            "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
            "AIRFLOW__DAG_PROCESSOR__STALE_DAG_THRESHOLD": "600",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.home / 'airflow.db'}",
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self.logs),
            "AIRFLOW__LOGGING__NAMESPACE_LEVELS": _QUIET_LOGGERS,
            "AIRFLOW__OPENLINEAGE__EXECUTE_IN_THREAD": "True",
            "AIRFLOW__OPENLINEAGE__NAMESPACE": "onestop",
            "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(
                {"type": "file", "log_file_path": str(self.settings.folders.lineage / "event")}
            ),
            "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            # A task's end is sometimes noticed only at the next heartbeat: keep it short.
            "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
            "GX_ANALYTICS_ENABLED": "false",
            "ONESTOP_LOCAL_PRELOAD": " ".join(self.preloaded),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")]),
            "PYTHONPATH": os.pathsep.join([str(plugins), str(local_settings)]),
            "PYTHONUNBUFFERED": "1",
        }
        if self.last_night:
            own["ONESTOP_LOCAL_LAST_NIGHT"] = self.last_night
        return kept | self.settings.to_environment() | own | dict(self.extra)

    # --- REST API ------------------------------------------------------------------------

    def get(self, path: str, **query: Any) -> Any:  # noqa: ANN401 - JSON
        """GET ``/api/v2`` + path."""
        return self._request("GET", path + (f"?{urlencode(query, doseq=True)}" if query else ""))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
        """POST to ``/api/v2`` + path."""
        return self._request("POST", path, body)

    def put(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """PUT to ``/api/v2`` + path, without a body."""
        return self._request("PUT", path)

    def put_pool(self, name: str, slots: int, description: str) -> None:
        """Create a pool unless it exists."""
        body = {"name": name, "slots": slots, "description": description, "include_deferred": True}
        try:
            self.get(f"/pools/{name}")
        except ApiError as error:
            if error.status != http.client.NOT_FOUND:
                raise
            self.post("/pools", body)

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """A DAG's runs, newest first."""
        return self._all(f"/dags/{dag_id}/dagRuns", "dag_runs", order_by="-id")

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """A run's task instances."""
        path = f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances"
        return self._all(path, "task_instances")

    def returned(self, dag_id: str, run_id: str, task_id: str) -> Any:  # noqa: ANN401 - JSON
        """What an unmapped task of a run returned; None when it returned nothing."""
        path = f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances/{task_id}"
        try:
            return self.get(f"{path}/xcomEntries/return_value", deserialize="true")["value"]
        except ApiError as error:
            if error.status != http.client.NOT_FOUND:
                raise
            return None

    def _all(self, path: str, name: str, **query: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - as above
        """Every entry of a list, which the API gives page by page."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.get(path, limit=_PAGE, offset=len(found), **query)
            found += page[name]
            if not page[name] or len(found) >= page["total_entries"]:
                return found

    def failure_reason(self, task: Mapping[str, Any]) -> str:
        """The last error in a failed task's log, in one line."""
        try:
            log = self.get(
                f"/dags/{task['dag_id']}/dagRuns/{quote(task['dag_run_id'], safe='')}"
                f"/taskInstances/{task['task_id']}/logs/{task['try_number']}",
                map_index=task["map_index"],
                full_content="true",
            )
        except ApiError as error:
            return f"(log: {error})"
        reason = ""
        for line in log["content"]:
            if not isinstance(line, dict):
                continue
            for detail in line.get("error_detail") or []:
                reason = f"{detail['exc_type']}: {detail['exc_value']}"
            if not reason and line.get("level") in {"error", "critical"}:
                reason = str(line.get("event", ""))
        return " ".join(reason.split())

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
        if self._token is None and path != "/monitor/health":
            login = {"username": USER, "password": self.password}
            self._token = self._send("POST", "/auth/token", login, None)["access_token"]
        return self._send(method, "/api/v2" + path, body, self._token)

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None, token: str | None
    ) -> Any:  # noqa: ANN401 - JSON
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        try:
            connection.request(method, path, json.dumps(body) if body else None, headers)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        if response.status >= _HTTP_OK:
            raise ApiError(response.status, text[:500])
        return json.loads(text) if text else None

    # --- inside --------------------------------------------------------------------------

    def _secrets(self) -> dict[str, str]:
        path = self.home / "secrets.json"
        if not path.exists():
            generated = {
                "api": secrets.token_hex(32),
                "jwt": secrets.token_hex(32),
                "fernet": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
                "password": secrets.token_urlsafe(12),
            }
            write_whole(path, json.dumps(generated), mode=PRIVATE)
        found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        return found

    def _password_file(self) -> Path:
        path = self.home / "passwords.json"
        if not path.exists():
            write_whole(path, json.dumps({USER: self.password}), mode=PRIVATE)
        return path

    def _leave_old_configuration(self) -> None:
        """Rename Airflow's configuration file if it was written at another place.

        It names the folders of that place, such as that of the DAG processor's logs. Airflow writes
        a new one, and the old one keeps what a user changed in it.
        """
        path = self.home / "airflow.cfg"
        if path.exists() and f"{self.home}/" not in path.read_text(encoding="utf-8"):
            path.replace(self.home / "airflow.cfg.moved")

    def _migrate(self, environment: dict[str, str]) -> None:
        stamp = self.home / f"migrated-{version('apache-airflow-core')}"
        if stamp.exists() and (self.home / "airflow.db").exists():
            return
        log = self.logs / "db-migrate.log"
        with log.open("wb") as out:
            done = subprocess.run(
                [sys.executable, "-m", "airflow", "db", "migrate"],
                env=environment,
                stdout=out,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode:
            raise LocalAirflowError(
                "Airflow's database could not be made", remedy=said("see {log}", log=log)
            )
        stamp.touch()

    def _start_component(self, name: str, options: list[str], env: dict[str, str]) -> None:
        with (self.logs / f"{name}.log").open("ab") as out:
            self._processes[name] = subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
                [sys.executable, "-m", "airflow", name, *options],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _knows_dags(self) -> bool:
        if errors := self.get("/importErrors")["import_errors"]:
            raise LocalAirflowError(errors[0]["stack_trace"], subject=errors[0]["filename"])
        expected = {path.stem for path in (PROJECT_ROOT / "dags").glob("*.py")}
        return expected <= {dag["dag_id"] for dag in self.get("/dags", limit=100)["dags"]}

    def _wait_for(self, what: str, is_there: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _START_TIMEOUT
        while time.monotonic() < deadline:
            self.check_alive()
            try:
                if is_there():
                    return
            except (OSError, http.client.HTTPException, ApiError):
                pass
            time.sleep(0.3)
        raise LocalAirflowError(
            said("Airflow did not start {what}", what=what),
            remedy=said("see {logs}", logs=self.logs),
        )

    def _take_lock(self) -> None:
        self._lock = (self.home / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            self._lock = None
            raise LocalAirflowError(
                "an Airflow already runs there",
                subject=str(self.home),
                remedy="stop it first, with Ctrl-C",
            ) from None

    def _remember_processes(self) -> None:
        started = {p.pid: psutil.Process(p.pid).create_time() for p in self._processes.values()}
        write_whole(self.home / "running.json", json.dumps(started))

    def _stop_leftovers(self) -> None:
        """End the processes that a killed start left behind."""
        path = self.home / "running.json"
        if not path.exists():
            return
        for pid, created in json.loads(path.read_text(encoding="utf-8")).items():
            try:
                is_ours = psutil.Process(int(pid)).create_time() == created
            except psutil.NoSuchProcess:
                continue
            if is_ours:
                _kill_group(int(pid))
        path.unlink()


def free_port(preferred: int | None = None, host: str = HOST) -> int:
    """A free port: the preferred one, one of the next ten, or any."""
    candidates = [*range(preferred, preferred + 10), 0] if preferred else [0]
    for port in candidates:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise LocalAirflowError("no free port on this machine", remedy="end a program that has one")


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
