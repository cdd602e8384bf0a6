"""Airflow imports this file by its name; the local Airflow has its folder on the path.

See :mod:`onestop.local.local_airflow`, which sets the variables read here.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import sys
from importlib import import_module
from typing import Any

#: Last night that the scheduler may start by itself; nothing set: no limit.
LAST_NIGHT = "ONESTOP_LOCAL_LAST_NIGHT"
#: Modules for the scheduler to import once, so that each task, forked from it, has them already.
#: Great Expectations alone takes four seconds.
PRELOAD = "ONESTOP_LOCAL_PRELOAD"


def dag_policy(dag: Any) -> None:  # noqa: ANN401 - Airflow hands over its own class
    """Let the scheduler start no nights after the sample's last; backfills are free to."""
    if last_night := os.environ.get(LAST_NIGHT):
        dag.end_date = dt.datetime.fromisoformat(last_night)


if "scheduler" in sys.argv:
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    for module in os.environ.get(PRELOAD, "").split():
        import_module(module)
