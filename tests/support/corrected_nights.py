"""Two nights with what readers look for: corrections, an issued report, a known fault."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pytest
from known_issues import issue, patch_issues
from published_marts import FIRST, SECOND

from onestop.figures.issued.issuing import issue_report
from onestop.night import run_night
from onestop.sample import write_sample

if TYPE_CHECKING:
    from onestop.settings import Settings

_AFTER_FIRST = dt.datetime(2022, 11, 16, 8, tzinfo=dt.UTC)
_REOPENED = 20


def publish_corrected_nights(settings: Settings) -> None:
    """Publish two nights; the second corrects files of the first, on which a report rests."""
    since = dt.date(2022, 10, 3)
    write_sample(settings.exports, FIRST, SECOND, since=since, per_day=10, communes=1)
    with pytest.MonkeyPatch.context() as patch:
        patch_issues(patch, [issue("cut_rows", "dossiers", "2022-11-01")])
        assert run_night(settings, FIRST).state == "published"
        issue_report(settings, "year", now=_AFTER_FIRST, because="thử trước hạn")
        for path in settings.exports.glob(f"dossiers_{FIRST:%Y%m%d}*.json"):
            rows = json.loads(path.read_text(encoding="utf-8"))
            for row in [row for row in rows if row["NgayKetThucXuLy"]][:_REOPENED]:
                row.update(NgayKetThucXuLy=None, TrangThaiHoSo="4")
            path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
        assert run_night(settings, SECOND).state == "published"
