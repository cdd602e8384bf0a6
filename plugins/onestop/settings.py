"""Where things are: the settings of one installation, read from the environment."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from onestop.exports import Folder, exports_from_environment

#: The time zone of every clock in the product; deadlines are dates in it.
LOCAL_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")

#: The checkout (or image folder) that holds sql/, expectations/ and dags/.
PROJECT_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Settings:
    """The folders and addresses that one installation works with.

    Attributes:
        exports: where the source systems leave their files: a folder, or one on SFTP or object
            storage (``ONESTOP_EXPORTS``).
        landing: write-once evidence; nothing downstream is needed to rebuild the rest
            (``ONESTOP_LANDING``).
        warehouse: SQLAlchemy URL (``ONESTOP_WAREHOUSE``).
        published: the read-only DuckDB file that BI tools open (``ONESTOP_PUBLISHED``).
        sources: folder of further mapping files, or None (``ONESTOP_SOURCES``).
        enabled_sources: names of the source systems that are used, built-in ones included; all
            when empty (``ONESTOP_SOURCES_ENABLED``, separated by commas).
        work: folder for what can be rebuilt: staged deliveries, results, reports
            (``ONESTOP_WORK``).
    """

    exports: Folder
    landing: Path
    warehouse: str
    published: Path
    sources: Path | None
    work: Path
    enabled_sources: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls) -> Settings:
        """Read the ``ONESTOP_*`` variables; whatever is not set lies under ``var/``.

        ``var/`` is in the current folder's checkout, or wherever ``ONESTOP_VAR`` says.

        Raises:
            ExportsError: the exports are at an address that cannot be used.
        """
        var = Path(os.environ.get("ONESTOP_VAR") or PROJECT_ROOT / "var")

        def path(name: str, default: Path) -> Path:
            return Path(os.environ.get(name) or default).absolute()

        sources = os.environ.get("ONESTOP_SOURCES")
        enabled = os.environ.get("ONESTOP_SOURCES_ENABLED", "")
        return cls(
            exports=exports_from_environment(var / "exports"),
            landing=path("ONESTOP_LANDING", var / "landing"),
            warehouse=os.environ.get("ONESTOP_WAREHOUSE")
            or f"duckdb:///{(var / 'warehouse.duckdb').absolute()}",
            published=path("ONESTOP_PUBLISHED", var / "published" / "onestop.duckdb"),
            sources=Path(sources).absolute() if sources else None,
            work=path("ONESTOP_WORK", var / "work"),
            enabled_sources=tuple(filter(None, re.split(r"[,\s]+", enabled))),
        )

    @property
    def warehouse_name(self) -> str:
        """The warehouse without login and folders: what may be shown and told to others."""
        parts = urlsplit(self.warehouse)
        scheme = parts.scheme.split("+")[0]
        at = f"{parts.hostname}:{parts.port or 5432}" if parts.hostname else ""
        return f"{scheme}://{at}/{Path(parts.path).name}"

    @property
    def lineage(self) -> Path:
        """OpenLineage events of the DAGs, one file each, unless Airflow sends them elsewhere."""
        return self.work / "lineage"

    @property
    def staging(self) -> Path:
        """Staged deliveries, one DuckDB file each; may be deleted, they are read again."""
        return self.work / "staging"

    @property
    def validation_results(self) -> Path:
        """Great Expectations' results, one write-once JSON file per validation."""
        return self.work / "validation"

    @property
    def reports(self) -> Path:
        """Pages for people: Data Docs and the nights' summaries."""
        return self.work / "reports"
