"""Seconds of each page of an installation: the median of three requests, after a first one.

python tests/benchmarks/bench_pages.py     of the installation that the settings name

The seconds of a processor beside them are nearly the same on a busy machine. The unit is the one
with most dossiers, the delivery the one with most rows. Downloads are listed apart: they read all
items.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from statistics import median
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from web_site import browser

from onestop.marts.published import open_published
from onestop.settings import Settings

_PAGES = (
    "/", "/units?level=all", "/units?level=all&indicator=counter_waiting_time",
    "/unit?code=CITY", "/unit?code={unit}",
    "/open?unit=CITY&band=age_above_40", "/figure?unit=CITY", "/figure?unit={unit}",
    "/figure?unit={unit}&role=denominator&q=1.0",
    "/figure?unit={unit}&from={year}-03-03&to={year}-06-17",
    "/figure?indicator=result_digitisation_rate&unit={unit}",
    "/figure?indicator=counter_waiting_time&unit={unit}",
    "/figure?indicator=procedures_published_rate", "/figure?indicator=closed_out_overdue",
    "/nights", "/night?date={night}", "/delivery?id={delivery}", "/quarantine", "/audit",
    "/restatements", "/difference", "/difference?indicator=on_time_rate",
    "/dictionary", "/dictionary?table=mart.scorecard", "/dictionary?part=codes",
    "/dictionary?q=han+tra",
    "/publications", "/figure.csv?unit={unit}", "/figure.xlsx?unit={unit}",
)  # fmt: skip
_TIMES = 3


def main() -> None:
    """Print a line for each page."""
    settings = Settings.from_environment()
    with open_published(settings) as warehouse:
        [row] = warehouse.rows(
            "select unit_code, count(*) as dossiers, (select count(*) from mart.counted_dossier)"
            " as total, (select max(as_of_date) from audit.publication) as night"
            " from mart.counted_dossier group by unit_code order by count(*) desc limit 1"
        )
        delivery = warehouse.value(
            "select delivery_id from audit.delivery order by rows_read desc nulls last limit 1"
        )
    print(f"{row['total']:,} dossiers, {row['dossiers']:,} of them of unit {row['unit_code']}")
    client = browser(settings, reads_record=True)
    names = {
        "unit": quote(row["unit_code"]), "night": row["night"], "year": row["night"].year,
        "delivery": quote(delivery),
    }  # fmt: skip
    for page in _PAGES:
        address = page.format(**names)
        status, seconds, processor = client.get(address).status_code, [], []
        for _ in range(_TIMES):
            start, used = time.perf_counter(), time.process_time()
            client.get(address)
            seconds.append(time.perf_counter() - start)
            processor.append(time.process_time() - used)
        costs = f"{median(seconds):6.2f} s {median(processor):6.2f} s of processor"
        print(f"{costs}  {status}  {address}")


if __name__ == "__main__":
    main()
