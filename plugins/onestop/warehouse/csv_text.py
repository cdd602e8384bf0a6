"""Rows as CSV text, the same bytes on every engine: digests are made of it."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.csv as arrow_csv


def csv_text(table: pa.Table) -> memoryview:
    """The rows of a table as CSV with a header; texts are quoted, a missing value is not."""
    with pa.BufferOutputStream() as text:
        arrow_csv.write_csv(table, text)
        return memoryview(text.getvalue())
