"""Seconds of each page of an installation: the median of three requests, after a first one.

python tests/benchmarks/bench_pages.py         of the installation that the settings name
python tests/benchmarks/bench_pages.py --make  makes it first, of 1.5 million dossiers of one year,
                                               900,000 tickets, three nights and two issued reports

The seconds of a processor beside them are nearly the same on a busy machine. The unit is the one
with most dossiers, the deliveries are those with most rejected and with most rows. Fails where an
address is refused, or where a page takes a second of both; downloads may, they read all items.
"""

from __future__ import annotations

import argparse
import datetime as dt
import shutil
import sys
import time
from http import HTTPStatus
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from city_exports import (
    City,
    write_changes,
    write_corrections,
    write_dossiers,
    write_registers,
    write_visits,
)
from web_site import browser

from onestop.figures.issued import issue_report
from onestop.marts.published import open_published
from onestop.night import run_night
from onestop.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

PAGES = (
    "/", "/?lang=en", "/units?level=all", "/units?level=all&indicator=counter_waiting_time",
    "/units?level=commune&q=1", "/unit?code=CITY", "/unit?code=COMMUNE", "/unit?code={unit}",
    "/open?unit=CITY&band=age_above_40", "/open?unit={unit}",
    "/figure?unit=CITY", "/figure?unit=COMMUNE&from={year}-01-01", "/figure?unit={unit}",
    "/figure?unit={unit}&role=denominator&q=1.0",
    "/figure?unit={unit}&from={year}-01-01", "/figure?unit={unit}&from={year}-01-01&page=40",
    "/figure?unit={unit}&from={year}-01-01&reason=late",
    "/figure?unit={unit}&from={year}-03-03&to={year}-06-17",
    "/figure?indicator=result_digitisation_rate&unit={unit}",
    "/figure?indicator=counter_waiting_time&unit={unit}",
    "/figure?indicator=counter_waiting_time&unit=CITY&from={year}-01-01",
    "/figure?indicator=online_share_level34&unit={unit}&from={year}-01-01",
    "/figure?indicator=procedures_published_rate", "/figure?indicator=closed_out_overdue",
    "/report?code={report}&issue={issue}", "/report?code={last_report}&issue={last_issue}",
    "/issued/{report}/{issue}/scorecard.html", "/due_soon/{due_file}",
    "/nights", "/night?date={night}", "/night?date={changed_night}", "/night?date={first_night}",
    "/delivery?id={delivery}", "/delivery?id={largest}",
    "/quarantine", "/quarantine?rule={rule}&night={changed_night}", "/rule?code={rule}",
    "/reports/index.html", "/reports/{changed_night}/index.html",
    "/audit", "/audit?unit={unit}", "/restatements", "/restatements?unit={unit}",
    "/restatements?night={changed_night}&type={type}&basis={basis}&start={start}",
    "/difference", "/difference?indicator=on_time_rate",
    "/difference?indicator=on_time_rate&unit={unit}",
    "/difference?indicator=on_time_rate&from={first_night}&to={changed_night}", "/publications",
    "/dictionary", "/dictionary?table=mart.scorecard", "/dictionary?part=codes",
    "/dictionary?q=han+tra", "/style.css",
    "/figure.csv?unit={unit}&from={year}-01-01", "/figure.xlsx?unit={unit}&from={year}-01-01",
    "/quarantine.csv", "/signs.csv",
)  # fmt: skip
#: Pages take less; files of all rows may take longer.
MOST_SECONDS = 1.0
_MADE = (".csv", ".xlsx")
_TIMES = 3
_CITY = City(1_500_000)
_TICKETS, _CHANGES, _CORRECTIONS = 900_000, 20_000, 5_000


def main() -> None:
    """Print a line for each page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--make", action="store_true", help="make the installation first")
    settings = Settings.from_environment()
    if parser.parse_args().make:
        make_installation(settings)
    names = read_names(settings)
    client, wrong = browser(settings, reads_record=True), []
    for page in PAGES:
        address = page.format(**names)
        status, seconds, processor = client.get(address).status_code, [], []
        for _ in range(_TIMES):
            start, used = time.perf_counter(), time.process_time()
            client.get(address)
            seconds.append(time.perf_counter() - start)
            processor.append(time.process_time() - used)
        costs = f"{median(seconds):6.2f} s {median(processor):6.2f} s of processor"
        print(f"{costs}  {status}  {address}", flush=True)
        least = min(median(seconds), median(processor))  # on a busy machine a page waits
        is_slow = least >= MOST_SECONDS and not urlsplit(address).path.endswith(_MADE)
        if status != HTTPStatus.OK or is_slow:
            wrong.append(address)
    if wrong:
        raise SystemExit(f"refused, or a second and more: {', '.join(wrong)}")


def make_installation(settings: Settings) -> None:
    """Publish three nights of a made-up city, with two issued reports after the first.

    The second night brings changes, signs for an auditor and rejected rows, so that each page has
    something to show. The third brings its file again: two nights before it are compared, too.
    """
    exports = settings.exports
    write_registers(_CITY, exports)
    write_dossiers(_CITY, exports, "csv")
    write_visits(_CITY, exports, _TICKETS)
    run_night(settings, _CITY.night, print)
    issue_report(settings, "q3")
    issue_report(settings, "year", because="to measure its page", decided_by="benchmark")
    changes = write_changes(_CITY, exports, _CHANGES)
    write_corrections(_CITY, exports, _CORRECTIONS)
    run_night(settings, _CITY.next_night, print)
    last_night = _CITY.next_night + dt.timedelta(days=1)
    shutil.copy(changes, exports / f"dossiers_{last_night:%Y%m%d}.csv")
    run_night(settings, last_night, print)


def read_names(settings: Settings) -> dict[str, object]:
    """What the addresses of the pages are filled with."""
    with open_published(settings) as warehouse:
        [row] = warehouse.rows(
            "select unit_code, count(*) as dossiers, (select count(*) from mart.counted_dossier)"
            " as total from mart.counted_dossier group by unit_code order by count(*) desc limit 1"
        )
        [nights] = warehouse.rows(
            "select min(as_of_date) as first_night, max(as_of_date) as night from audit.publication"
        )
        changed_night = warehouse.value(
            "select night from audit.delivery order by rows_rejected desc, delivery_id limit 1"
        )
        [deliveries] = warehouse.rows(
            "select max_by(delivery_id, rows_rejected) as rejected,"
            " max_by(delivery_id, rows_read) as largest from audit.delivery"
        )
        issues = warehouse.rows(
            "select report_code, issue_number from audit.report order by issued_at"
        )
        rule = warehouse.value("select max(rule_code) from audit.rejected_row")
        [restated] = warehouse.rows(
            "select period_type as type, period_basis as basis, period_start as start"
            " from mart.restatement where unit_code = 'CITY' and restated_night = :night"
            " group by all order by count(*) desc limit 1",
            {"night": changed_night},
        )
    print(f"{row['total']:,} dossiers, {row['dossiers']:,} of them of unit {row['unit_code']}")
    due = sorted(path.name for path in (settings.published.parent / "due_soon").glob("*.csv"))
    return {
        "unit": quote(row["unit_code"]),
        **nights,
        "changed_night": changed_night,
        **restated,
        "year": nights["night"].year,
        "delivery": quote(deliveries["rejected"]),
        "largest": quote(deliveries["largest"]),
        "report": issues[0]["report_code"],
        "issue": issues[0]["issue_number"],
        "last_report": issues[-1]["report_code"],
        "last_issue": issues[-1]["issue_number"],
        "rule": rule,
        "due_file": due[0],
    }


def unmeasured(routes: Iterable[str]) -> list[str]:
    """The routes of the site that no address of the benchmark leads to.

    Args:
        routes: ``/report``, ``/issued/{code}/{number}/{name:path}``, …
    """
    measured = {urlsplit(page).path.split("/")[1] for page in PAGES}
    return [route for route in routes if route.split("/")[1] not in measured]


if __name__ == "__main__":
    main()
