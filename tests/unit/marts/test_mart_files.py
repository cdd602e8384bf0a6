"""The SQL files of the marts, in an order that does not depend on the process."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys

from onestop.marts.files import mart_files, read_all, rules_digest
from onestop.warehouse import sql_text
from onestop.warehouse.staged_names import STAGED


def test_the_digest_of_the_rules_is_the_same_in_every_process():
    """Python's sets have another order in each process."""
    program = (
        "from onestop.marts.files import mart_files, rules_digest;"
        "print(rules_digest(), *(file.name for file in mart_files()))"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in map(str, range(1, 9))
    }
    assert len(printed) == 1


def test_once_all_are_read_no_night_parses_a_text_again():
    read_all()
    parsed = sql_text._tree.cache_info().misses
    for file in mart_files():
        file.select(dt.date(2022, 11, 15), STAGED)
    rules_digest()
    assert sql_text._tree.cache_info().misses == parsed > 0
