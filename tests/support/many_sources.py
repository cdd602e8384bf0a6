"""Exports of many source systems, each with several files in one night."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from published_marts import FIRST

from onestop.sample import write_sample
from onestop.schema.project import PROJECT_ROOT

if TYPE_CHECKING:
    from pathlib import Path

_MAPPING = PROJECT_ROOT / "plugins" / "onestop" / "schema" / "mappings" / "one_stop.yaml"


def write_sources(exports: Path, mappings: Path, sources: int, files: int) -> None:
    """Write the city's own files, and files of dossiers of further sources, for one night.

    Args:
        exports: the folder of the files.
        mappings: the folder of the further sources' mappings; is made.
        sources: how many further sources there are.
        files: how many files each of them has.
    """
    write_sample(exports, FIRST, FIRST, per_day=3)
    text = next(exports.glob("dossiers_*.json")).read_text(encoding="utf-8")
    mapping = _MAPPING.read_text(encoding="utf-8").replace("expected: true", "expected: false")
    mappings.mkdir()
    for number in range(sources):
        own = mapping.replace("source: one_stop", f"source: office_{number}")
        own = re.sub(r"( name: )(\w+_\(\?P<night>)", rf"\1office{number}_\2", own)
        (mappings / f"office_{number}.yaml").write_text(own, encoding="utf-8")
        for part in range(files):
            mark = f"{number:02d}{part}"
            of_part = re.sub(r'("MaHoSo": "[^"]*?)(\d{4})"', rf'\g<1>{mark}\2"', text)
            name = f"office{number}_dossiers_{FIRST:%Y%m%d}_{part}.json"
            (exports / name).write_text(of_part, encoding="utf-8")
