"""``make demo``, ``make up``, ``make airflow``: the nightly DAG in a real Airflow on this machine.

The demonstration writes sample exports, lets Airflow run the nights that are not published yet,
and shows the scorecard. All its files are under ``var/demo/``, apart from real data.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

from rich.console import Console

from onestop.errors import SettingsError
from onestop.figures.scorecard import print_scorecard
from onestop.files import write_whole
from onestop.language import chosen_language, shown_language
from onestop.local.backfill import NightResult, Progress, run_nights
from onestop.local.local_airflow import (
    OF_A_NIGHT,
    PRELOADED,
    USER,
    ApiError,
    LocalAirflow,
    LocalAirflowError,
)
from onestop.marts.published import NothingPublishedError, open_published, published_nights
from onestop.said import decimal_text, in_language
from onestop.sample import write_sample
from onestop.schema.project import PROJECT_ROOT
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onestop.intake.exports import Folder
    from onestop.schema.number_text import Language


FIRST_NIGHT = dt.date(2022, 11, 14)
LAST_NIGHT = dt.date(2022, 11, 24)
HISTORY_SINCE = dt.date(2022, 1, 1)
DEMO_FOLDER = PROJECT_ROOT / "var" / "demo"
_UI_PORT = 8080
_INTERRUPTED = 130
#: A short interval, since the demonstration has no late exports.
_QUICK_RETRIES = {"AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "2"}

_TEXT = {
    "writing": {"vi": "Đang ghi tệp xuất mẫu …", "en": "Writing sample exports …"},
    "sample": {
        "vi": "Tệp xuất mẫu: {files} tệp, các đêm {first:%d/%m} – {last:%d/%m/%Y}, trong {folder}",
        "en": "Sample exports of the nights {first} to {last} in {folder} (files: {files})",
    },
    "done_before": {
        "vi": "Cả {count} đêm đã chạy xong từ lần trước; không có gì phải làm.",
        "en": "Every night was run before (nights: {count}); nothing to do.",
    },
    "starting": {
        "vi": "Đang khởi động Airflow (API server, scheduler, DAG processor) …",
        "en": "Starting Airflow (API server, scheduler, DAG processor) …",
    },
    "started": {
        "vi": "Airflow {version} đã chạy ({seconds:.0f} giây); DAG onestop_nightly:",
        "en": "Airflow {version} is up ({seconds:.0f} s); DAG onestop_nightly:",
    },
    "running": {
        "vi": "đêm {night:%d/%m/%Y} ({done}/{count} đêm đã xong): {tasks}",
        "en": "night {night} (done: {done}/{count}): {tasks}",
    },
    "succeeded": {
        "vi": "  đêm {night:%d/%m/%Y}  đã công bố   {seconds:>5} giây  {files} tệp",
        "en": "  night {night}  published  {seconds:>5} s  files: {files}",
    },
    "failed": {
        "vi": "  đêm {night:%d/%m/%Y}  KHÔNG THÀNH  {seconds:>5} giây  {files} tệp",
        "en": "  night {night}  FAILED     {seconds:>5} s  files: {files}",
    },
    "stopped": {
        "vi": "{count} đêm trong {seconds:.0f} giây; Airflow đã dừng.",
        "en": "Nights: {count}, in {seconds:.0f} s; Airflow is stopped.",
    },
    "some_failed": {
        "vi": "{count} đêm chưa được công bố: {nights}. Nhật ký của Airflow: {logs}",
        "en": "Not published ({count}): {nights}. Airflow's logs: {logs}",
    },
    "nothing": {
        "vi": "Chưa có số liệu: {error}",
        "en": "There are no figures: {error}",
    },
    "next": {
        "vi": (
            "  Giao diện Airflow                  make up\n"
            "  Kho đã công bố (DuckDB, chỉ đọc)   {published}\n"
            "  Báo cáo kiểm tra dữ liệu           {reports}\n"
            "  Lần theo một con số                ONESTOP_VAR={var} .venv/bin/onestop --help"
        ),
        "en": (
            "  Airflow's pages                    make up\n"
            "  Published figures (DuckDB file)    {published}\n"
            "  Validation report                  {reports}\n"
            "  Follow a figure to its dossiers    ONESTOP_VAR={var} .venv/bin/onestop --help"
        ),
    },
    "ui": {
        "vi": (
            "\n  Airflow    {url}\n  tài khoản  {user}\n  mật khẩu   {password}\n\n"
            "  Tệp xuất trong {exports}. Ctrl-C để dừng."
        ),
        "en": (
            "\n  Airflow   {url}\n  user      {user}\n  password  {password}\n\n"
            "  Exports in {exports}. Ctrl-C stops it."
        ),
    },
    "interrupted": {"vi": "Đã dừng.", "en": "Stopped."},
}


@dataclass(frozen=True)
class _Page:
    """The messages to the user, in one language."""

    lang: Language
    console: Console

    def text(self, key: str, **values: Any) -> str:  # noqa: ANN401 - whatever the text needs
        return _TEXT[key][self.lang].format(**values)

    def say(self, key: str, style: str | None = None, **values: Any) -> None:  # noqa: ANN401 - idem
        self.console.print(
            self.text(key, **values), style=style, highlight=False, markup=False, soft_wrap=True
        )

    def show_result(self, result: NightResult) -> None:
        """Print one line per night, with its failed tasks and their errors."""
        self.say(
            "succeeded" if result.succeeded else "failed",
            style=None if result.succeeded else "bold red",
            night=result.night,
            seconds=decimal_text(Decimal(f"{result.seconds:.1f}"), self.lang),
            files=result.files,
        )
        for task, reason in result.failures:
            self.console.print(
                f"      {task}: {reason}",
                style="yellow" if result.succeeded else "red",
                highlight=False,
                markup=False,
                soft_wrap=True,
            )


def run_demo(
    settings: Settings | None = None,
    *,
    lang: Language = "vi",
    first: dt.date = FIRST_NIGHT,
    last: dt.date = LAST_NIGHT,
) -> int:
    """Write sample exports, run the nights in Airflow, show the scorecard.

    When all nights are published already, only the scorecard is shown.

    Args:
        settings: of the installation; defaults to :func:`demo_settings`.
        lang: of all messages.
        first: the first night; its exports also hold the year's history so far.
        last: the last night.

    Returns:
        Exit status: 0 when every night is published.

    Raises:
        LocalAirflowError: Airflow could not be started, or ended by itself.
    """
    settings = settings or demo_settings()
    page = _Page(lang, Console())
    nights = [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
    _write_exports(page, settings, first, last)
    published = _published(settings)
    # Nights are published in order: a skipped night stays unpublished.
    if pending := [night for night in nights if not published or night > max(published)]:
        _run_pending(page, settings, pending)
    else:
        page.say("done_before", count=len(nights))
    _show_figures(page, settings)
    if failed := sorted(set(nights) - set(_published(settings))):
        page.say(
            "some_failed",
            style="bold red",
            count=len(failed),
            nights=", ".join(str(night) for night in failed),
            logs=_shown(airflow_home(settings) / "logs"),
        )
    return 1 if failed else 0


def serve_ui(*, lang: Language = "vi") -> int:
    """Run Airflow with its web pages in the foreground, until Ctrl-C.

    It runs the demonstration, unless ``ONESTOP_EXPORTS`` or ``ONESTOP_WAREHOUSE`` names another
    installation; only for that one does the scheduler start nights by itself.
    """
    page = _Page(lang, Console())
    airflow = _served_airflow()
    with page.console.status(page.text("starting")):
        airflow.start()
    try:
        page.say(
            "ui",
            url=airflow.url,
            user=USER,
            password=airflow.password,
            exports=_shown(airflow.settings.exports),
        )
        while True:
            airflow.check_alive()
            time.sleep(1)
    finally:
        airflow.stop()


def call_airflow(arguments: Sequence[str]) -> int:
    """Call Airflow's own command for the Airflow that :func:`serve_ui` runs.

    Returns:
        Its exit status.
    """
    airflow = _served_airflow()
    airflow.home.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "airflow", *arguments]
    return subprocess.run(command, env=airflow.environment(), check=False).returncode  # noqa: S603 - the user's own words


def _served_airflow() -> LocalAirflow:
    """The Airflow of the installation that the environment names, else of the demonstration."""
    is_own = any(os.environ.get(name) for name in ("ONESTOP_EXPORTS", "ONESTOP_WAREHOUSE"))
    settings = Settings.from_environment() if is_own else demo_settings()
    return LocalAirflow(
        home=airflow_home(settings),
        settings=settings,
        preferred_port=_UI_PORT,
        last_night=None if is_own else _end_of(LAST_NIGHT),
        extra={} if is_own else _QUICK_RETRIES,
        has_triggerer=True,
    )


def demo_settings() -> Settings:
    """Settings of the demonstration: everything under ``var/demo``, or under ``ONESTOP_VAR``."""
    var = Path(os.environ.get("ONESTOP_VAR") or DEMO_FOLDER).absolute()
    return Settings(
        exports=var / "exports",
        landing=var / "landing",
        warehouse=f"duckdb:///{var / 'warehouse.duckdb'}",
        published=var / "published" / "onestop.duckdb",
        sources=None,
        work=var / "work",
    )


def airflow_home(settings: Settings) -> Path:
    """The local Airflow's folder."""
    return settings.work.parent / "airflow"


def main(arguments: Sequence[str] | None = None) -> int:
    """``python -m onestop.local.demo demo|up|airflow``; the language comes from ``LANG_UI``."""
    parser = argparse.ArgumentParser(prog="python -m onestop.local.demo", description=__doc__)
    parser.add_argument("what", choices=["demo", "up", "airflow"])
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="of Airflow's command")
    chosen = parser.parse_args(arguments)
    if chosen.what == "airflow":
        return call_airflow(chosen.arguments)
    try:
        lang = chosen_language()
    except SettingsError as error:
        parser.error(error.in_language(shown_language()))
    try:
        with _ending_on_signals():
            return run_demo(lang=lang) if chosen.what == "demo" else serve_ui(lang=lang)
    except KeyboardInterrupt:
        _Page(lang, Console()).say("interrupted")
        return 0 if chosen.what == "up" else _INTERRUPTED
    except BrokenPipeError:  # the reader has ended, as in `make demo | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (LocalAirflowError, ApiError) as error:
        text = str(in_language(error, lang))
        Console(stderr=True).print(text, style="bold red", markup=False, soft_wrap=True)
        return 1


def _write_exports(page: _Page, settings: Settings, first: dt.date, last: dt.date) -> None:
    """Write the sample exports, unless the same ones exist."""
    wanted = {"first": str(first), "last": str(last), "since": str(HISTORY_SINCE)}
    exports = cast("Path", settings.exports)  # the demonstration's are a folder here
    stamp = exports.parent / "sample.json"
    written = json.loads(stamp.read_text(encoding="utf-8")) if stamp.exists() else {}
    files = [exports / name for name in written.get("files", [])]
    if written.get("wanted") != wanted or not all(file.exists() for file in files):
        with page.console.status(page.text("writing")):
            summary = write_sample(exports, first, last, since=HISTORY_SINCE)
        files = summary.files
        content = {"wanted": wanted, "files": [file.name for file in files]}
        write_whole(stamp, json.dumps(content))
    page.say("sample", files=len(files), first=first, last=last, folder=_shown(exports))


def _run_pending(page: _Page, settings: Settings, nights: list[dt.date]) -> None:
    started = time.monotonic()
    airflow = LocalAirflow(
        home=airflow_home(settings),
        settings=settings,
        last_night=_end_of(nights[-1]),
        extra=_QUICK_RETRIES,
        preloaded=(*PRELOADED, *OF_A_NIGHT),
    )
    count = 0
    with page.console.status(page.text("starting")) as status, airflow:
        page.say("started", version=airflow.version, seconds=time.monotonic() - started)
        started = time.monotonic()
        for event in run_nights(airflow, nights):
            if isinstance(event, Progress):
                now = {"night": event.night, "done": event.done, "count": event.count}
                status.update(page.text("running", tasks=", ".join(event.tasks) or "…", **now))
            else:
                count += 1
                page.show_result(event)
        seconds = time.monotonic() - started
    page.say("stopped", count=count, seconds=seconds)


def _show_figures(page: _Page, settings: Settings) -> None:
    try:
        print_scorecard(settings, page.lang)
    except NothingPublishedError as error:
        page.say("nothing", style="bold red", error=error.in_language(page.lang))
        return
    page.say(
        "next",
        published=_shown(settings.published),
        reports=_shown(settings.folders.reports / "index.html"),
        var=_shown(settings.work.parent),
    )


def _published(settings: Settings) -> list[dt.date]:
    try:
        with open_published(settings) as warehouse:
            return published_nights(warehouse)
    except NothingPublishedError:
        return []


def _end_of(night: dt.date) -> str:
    end = dt.datetime.combine(night + dt.timedelta(days=1), dt.time(), LOCAL_ZONE)
    return end.isoformat()


def _shown(path: Folder) -> Folder:
    if not isinstance(path, Path):
        return path
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path


@contextmanager
def _ending_on_signals() -> Iterator[None]:
    """Handle SIGTERM and SIGHUP (a CI timeout, a closed terminal) like Ctrl-C: stop Airflow."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    before = {
        number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main())
