"""What a killed computation leaves is removed by a later one."""

from __future__ import annotations

import os
import time

from onestop.spark.compute import remove_left_behind


def test_only_old_leftovers_are_removed(tmp_path):
    old = time.time() - 3 * 24 * 3600
    for name in ("run-old", "verify-old", "run-new", "dossier_version"):
        (tmp_path / name).mkdir()
        if not name.endswith("new"):
            os.utime(tmp_path / name, (old, old))
    remove_left_behind(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dossier_version", "run-new"]
