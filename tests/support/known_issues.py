"""Known faults of the data, for nights that are computed in tests."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa

from onestop.marts import compute

ON_TIME = "on_time_rate"


def issue(code, feed, first, last=None, *, unit=None, source=None, affects=ON_TIME):
    return {
        "issue_code": code,
        "source": source,
        "feed": feed,
        "unit_code": unit,
        "first_date": dt.date.fromisoformat(first),
        "last_date": last and dt.date.fromisoformat(last),
        "indicator_codes": affects,
        "text_vi": f"Lỗi {code}",
        "text_en": f"Fault {code}",
        "source_clause": "báo lỗi",
        "verified": False,
    }


def patch_issues(monkeypatch, issues):
    """Let the nights be computed with these known issues."""
    read = compute.reference_tables

    def tables(folder):
        found = read(folder)
        return found | {
            "known_issue": pa.Table.from_pylist(issues, schema=found["known_issue"].schema)
        }

    monkeypatch.setattr(compute, "reference_tables", tables)
