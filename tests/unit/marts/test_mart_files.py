"""The SQL files of the marts, in an order that does not depend on the process."""

from __future__ import annotations

import os
import subprocess
import sys


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
