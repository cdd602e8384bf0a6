"""Airflow imports this file by its name; its folder is on the local Airflow's path.

See :mod:`onestop.local.local_airflow`, which sets the variables read here.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import sys
from importlib import import_module
from typing import Any

#: Last night that the scheduler may start by itself; no limit when unset.
LAST_NIGHT = "ONESTOP_LOCAL_LAST_NIGHT"
#: Modules that the scheduler, or a Celery worker, imports once for all tasks, which are forked from
#: it. Importing Great Expectations takes four seconds. ``module:function`` calls the function, too.
PRELOAD = "ONESTOP_LOCAL_PRELOAD"


def dag_policy(dag: Any) -> None:  # noqa: ANN401 - Airflow hands over its own class
    """Stop scheduled runs after the sample's last night; backfills are not limited."""
    if last_night := os.environ.get(LAST_NIGHT):
        dag.end_date = dt.datetime.fromisoformat(last_night)


if {"scheduler", "celery"} & set(sys.argv):
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    for name in os.environ.get(PRELOAD, "").split():
        module, _, function = name.partition(":")
        loaded = import_module(module)
        if function:
            getattr(loaded, function)()
