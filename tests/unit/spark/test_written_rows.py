"""Rows that a worker wrote on its own machine are not left out of a mart without an error."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from onestop.spark.address import ComputeError
from onestop.spark.compute import require_rows


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / "part-0.parquet", tmp_path / "part-1.parquet"]
    for path, rows in zip(paths, (3, 0), strict=True):
        pq.write_table(pa.table({"unit_code": pa.array(["a"] * rows, pa.string())}), path)
    return paths


def test_files_with_all_rows_are_taken(files):
    require_rows(files, 3, "marts/scorecard")


@pytest.mark.parametrize("rows", [2, 4])
def test_files_with_other_rows_are_refused_with_the_folder_to_set(files, rows):
    expected = (
        f"^ONESTOP_RECORD_FILES: of {rows} rows of marts/scorecard that Spark wrote, this machine"
        " sees 3; set it to a folder that .* share$"
    )
    with pytest.raises(ComputeError, match=expected):
        require_rows(files, rows, "marts/scorecard")


def test_no_file_at_all_is_refused(files):
    with pytest.raises(ComputeError, match=r"of 3 rows of marts/scorecard .* sees 0"):
        require_rows(files[1:], 3, "marts/scorecard")
