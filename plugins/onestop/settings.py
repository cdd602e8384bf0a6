"""The settings of one installation, read from the environment."""

from __future__ import annotations

import datetime as dt
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from onestop.errors import SettingsError
from onestop.intake.exports import Folder, exports_from_environment
from onestop.said import said
from onestop.schema.project import PROJECT_ROOT
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.storage import store_at

if TYPE_CHECKING:
    from onestop.schema.mapping import Mappings

#: Variables of an installation that are read where they are needed, beside those of
#: :meth:`Settings.to_environment`; and those whose value is a file.
FURTHER_VARIABLES = (
    "ONESTOP_COMPUTE",
    "ONESTOP_DECISION_HOURS",
    "ONESTOP_EXPORTS_KEY_FILE",
    "ONESTOP_EXPORTS_KNOWN_HOSTS",
    "ONESTOP_EXPORTS_PASSWORD",
    "ONESTOP_MEMORY",
    "ONESTOP_NATION_BY",
    "ONESTOP_NATION_MINIMUM",
    "ONESTOP_PACKAGES",
    "ONESTOP_PACKAGE_KEY",
    "ONESTOP_PROVINCE",
    "ONESTOP_PROVINCES",
    "ONESTOP_RECORD_FILES",
    "ONESTOP_RECORD_ROLES",
    "ONESTOP_RETENTION",
    "ONESTOP_THREADS",
    "ONESTOP_WAIT_MINUTES",
)
#: All variables that the product reads; the last two are those of the local Airflow.
VARIABLES = frozenset(
    {
        *("ONESTOP_VAR", "ONESTOP_EXPORTS", "ONESTOP_LANDING", "ONESTOP_WAREHOUSE"),
        *("ONESTOP_PUBLISHED", "ONESTOP_SOURCES", "ONESTOP_SOURCES_ENABLED", "ONESTOP_WORK"),
        *("ONESTOP_STORE", "ONESTOP_WAIT_UNTIL", "ONESTOP_PUBLISH_BY", *FURTHER_VARIABLES),
        *("ONESTOP_LOCAL_LAST_NIGHT", "ONESTOP_LOCAL_PRELOAD"),
    }
)
_FILES = {
    "ONESTOP_EXPORTS_KEY_FILE",
    "ONESTOP_EXPORTS_KNOWN_HOSTS",
    "ONESTOP_PACKAGE_KEY",
    "ONESTOP_PROVINCES",
    "ONESTOP_RECORD_FILES",
    "ONESTOP_RETENTION",
}
#: Name of the readers' copy.
_COPY = "onestop.duckdb"
_MINUTES_OF_A_DAY = 24 * 60
#: No task of a night may take longer.
LONGEST_TASK = dt.timedelta(hours=2)


@dataclass(frozen=True)
class Folders:
    """Where one installation keeps its files.

    Attributes:
        landing: write-once evidence; everything else can be rebuilt from it.
        published: the read-only DuckDB file that BI tools open.
        work: everything that can be rebuilt: staged deliveries, results, reports.
        own_work: of this machine alone, where the others are on object storage that several
            machines share; None where all are on this machine.
    """

    landing: Path
    published: Path
    work: Path
    own_work: Path | None = None

    @property
    def staging(self) -> Path:
        """Staged deliveries, one DuckDB file each; deleted ones are read again."""
        return (self.own_work or self.work) / "staging"

    @property
    def shared_staging(self) -> Path | None:
        """Staged deliveries on their way from one machine to another; None on one machine."""
        return self.work / "staging" if self.own_work else None

    @property
    def locks(self) -> Path:
        """Empty lock files of deliveries, for the processes of one machine; never deleted."""
        return (self.own_work or self.work) / "locks"

    @property
    def refusals(self) -> Path:
        """Notes of refused deliveries that are not in the record yet."""
        return self.work / "refusals"

    @property
    def places(self) -> Path:
        """Notes of files with the bytes of another delivery that are not in the record yet."""
        return self.work / "places"

    @property
    def steps(self) -> Path:
        """Notes of steps of nights that are not in the record yet."""
        return self.work / "steps"

    @property
    def volumes(self) -> Path:
        """Row counts of past deliveries, one file per night."""
        return self.work / "volumes"

    def past_volumes(self, night: dt.date) -> Path:
        """Row counts of past deliveries, for the gates of one night."""
        return self.volumes / f"{night.isoformat()}.json"

    @property
    def validation_results(self) -> Path:
        """Great Expectations' results, one write-once JSON file per validation."""
        return self.work / "validation"

    @property
    def reports(self) -> Path:
        """Pages for people: Data Docs and the nights' summaries."""
        return self.work / "reports"

    @property
    def unpublished_nights(self) -> Path:
        """The file that lists nights which ended without a publication."""
        return self.work / "unpublished_nights.json"

    @property
    def under_work(self) -> Path:
        """Marks of the files that Airflow's tasks are working on, one folder per step."""
        return self.work / "under_work"

    @property
    def lineage(self) -> Path:
        """OpenLineage events of the DAGs, one file each, unless Airflow sends them elsewhere."""
        return (self.own_work or self.work) / "lineage"


@dataclass(frozen=True)
class SourceSystems:
    """The systems that deliver to one installation.

    Attributes:
        exports: where they leave their files: a folder, or one on SFTP or object storage.
        mappings: how their files are recognised and read.
    """

    exports: Folder
    mappings: Mappings


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
        wait_until: the clock time of the next morning until which a night waits for a delivery
            that it needs (``ONESTOP_WAIT_UNTIL``).
        publish_by: the clock time of the next morning by which figures are to be published; later
            there is an alert (``ONESTOP_PUBLISH_BY``).
        store: address of the object storage on which several machines share landing, work and
            published files; empty on one machine (``ONESTOP_STORE``). The folders of
            ``ONESTOP_LANDING`` and ``ONESTOP_PUBLISHED`` are not used then, and that of
            ``ONESTOP_WORK`` only for copies.
    """

    exports: Folder
    landing: Path
    warehouse: str
    published: Path
    sources: Path | None
    work: Path
    enabled_sources: tuple[str, ...] = ()
    wait_until: dt.time = dt.time(6)
    publish_by: dt.time = dt.time(6)
    store: str = ""

    @classmethod
    def from_environment(cls) -> Settings:
        """Read the ``ONESTOP_*`` variables; the folders default to places under ``var/``.

        ``var/`` is in the checkout; ``ONESTOP_VAR`` sets another folder.

        Raises:
            ExportsError: the exports are at an address that cannot be used.
            SettingsError: ``ONESTOP_WAIT_UNTIL`` or ``ONESTOP_PUBLISH_BY`` is no time of day.
            StoreError: ``ONESTOP_STORE`` is no address of object storage.
        """
        var = Path(os.environ.get("ONESTOP_VAR") or PROJECT_ROOT / "var")

        def path(name: str, default: Path) -> Path:
            return Path(os.environ.get(name) or default).absolute()

        sources = os.environ.get("ONESTOP_SOURCES")
        enabled = os.environ.get("ONESTOP_SOURCES_ENABLED", "")
        landing = path("ONESTOP_LANDING", var / "landing")
        published = path("ONESTOP_PUBLISHED", var / "published" / _COPY)
        if address := os.environ.get("ONESTOP_STORE") or "":
            shared = store_at(address)
            landing, published = shared / "landing", shared / "published" / _COPY
        return cls(
            exports=exports_from_environment(var / "exports"),
            landing=landing,
            warehouse=os.environ.get("ONESTOP_WAREHOUSE")
            or f"duckdb:///{(var / 'warehouse.duckdb').absolute()}",
            published=published,
            sources=Path(sources).absolute() if sources else None,
            work=path("ONESTOP_WORK", var / "work"),
            enabled_sources=tuple(filter(None, re.split(r"[,\s]+", enabled))),
            wait_until=_time_of_day("ONESTOP_WAIT_UNTIL", cls.wait_until),
            publish_by=publishes_by_clock(),
            store=address,
        )

    def to_environment(self) -> dict[str, str]:
        """The variables by which another process has these settings.

        Variables that are read where they are needed are handed on as they are in this process,
        files with their whole paths.
        """
        own = {
            "ONESTOP_EXPORTS": str(self.exports),
            "ONESTOP_LANDING": str(self.landing),
            "ONESTOP_WAREHOUSE": self.warehouse,
            "ONESTOP_PUBLISHED": str(self.published),
            "ONESTOP_STORE": self.store,
            "ONESTOP_SOURCES": str(self.sources or ""),
            "ONESTOP_SOURCES_ENABLED": ",".join(self.enabled_sources),
            "ONESTOP_WORK": str(self.work),
            "ONESTOP_WAIT_UNTIL": self.wait_until.isoformat(),
            "ONESTOP_PUBLISH_BY": self.publish_by.isoformat(),
        }
        further = {
            name: str(Path(value).expanduser().absolute()) if name in _FILES else value
            for name in FURTHER_VARIABLES
            if (value := os.environ.get(name))
        }
        return {name: value for name, value in own.items() if value} | further

    def waits_until(self, night: dt.date) -> dt.datetime:
        """The moment in the next morning until which a night waits."""
        return dt.datetime.combine(night + dt.timedelta(days=1), self.wait_until, LOCAL_ZONE)

    def publishes_by(self, night: dt.date) -> dt.datetime:
        """The moment in the next morning by which a night is to be published."""
        return dt.datetime.combine(night + dt.timedelta(days=1), self.publish_by, LOCAL_ZONE)

    def mappings(self) -> Mappings:
        """The source systems that this installation uses.

        Raises:
            MappingError: as :func:`onestop.schema.mapping_files.read_mappings` does.
        """
        from onestop.schema.mapping_files import read_mappings  # noqa: PLC0415 - DAG files import this

        return read_mappings(self.sources, self.enabled_sources)

    def source_systems(self) -> SourceSystems:
        """The exports, with the mappings of the source systems.

        Raises:
            MappingError: as :meth:`mappings` does.
        """
        return SourceSystems(self.exports, self.mappings())

    @property
    def folders(self) -> Folders:
        """Where this installation keeps its files.

        Raises:
            SettingsError: machines that share a store do not share a warehouse.
        """
        if not self.store:
            return Folders(self.landing, self.published, self.work)
        from onestop.warehouse import engine_of  # noqa: PLC0415 - DAG files import this module

        if engine_of(self.warehouse).file_of(self.warehouse):
            raise SettingsError(
                "several machines cannot share a warehouse that is a file",
                subject="ONESTOP_STORE",
                remedy="set ONESTOP_WAREHOUSE to a PostgreSQL database, or unset ONESTOP_STORE",
            )
        return Folders(self.landing, self.published, self.landing.parent / "work", self.work)

    @property
    def warehouse_name(self) -> str:
        """The warehouse's name for logs and pages: without login, password and folders."""
        parts = urlsplit(self.warehouse)
        scheme = parts.scheme.split("+")[0]
        at = f"{parts.hostname}:{parts.port or 5432}" if parts.hostname else ""
        return f"{scheme}://{at}/{Path(parts.path).name}"


def wait_interval() -> dt.timedelta:
    """How often a night that waits looks for its files (``ONESTOP_WAIT_MINUTES``, 5 by default).

    Raises:
        SettingsError: the variable holds no number of minutes above 0.
    """
    text = os.environ.get("ONESTOP_WAIT_MINUTES") or "5"
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes <= _MINUTES_OF_A_DAY:
        raise SettingsError(
            said("{text} is no number of minutes", text=text),
            subject="ONESTOP_WAIT_MINUTES",
            remedy="write it as 5",
        )
    return dt.timedelta(minutes=minutes)


def decision_time() -> dt.timedelta:
    """How long a night waits for a person's decision (``ONESTOP_DECISION_HOURS``, 5 by default).

    Raises:
        SettingsError: the variable holds no number of hours above 0.
    """
    text = os.environ.get("ONESTOP_DECISION_HOURS") or "5"
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    if not 0 < hours <= _MINUTES_OF_A_DAY / 60:
        raise SettingsError(
            said("{text} is no number of hours", text=text),
            subject="ONESTOP_DECISION_HOURS",
            remedy="write it as 5",
        )
    return dt.timedelta(hours=hours)


def publishes_by_clock() -> dt.time:
    """The time of day by which figures are to be published (``ONESTOP_PUBLISH_BY``, 06:00).

    Raises:
        SettingsError: the variable is no time of day.
    """
    return _time_of_day("ONESTOP_PUBLISH_BY", Settings.publish_by)


def record_roles() -> frozenset[str]:
    """The roles of Airflow that see deliveries, quarantine and audit pages, in lower case.

    They are named by ``ONESTOP_RECORD_ROLES``, separated by commas; by default ``Op`` and
    ``Admin``.
    """
    names = os.environ.get("ONESTOP_RECORD_ROLES") or "Op,Admin"
    return frozenset(name.strip().lower() for name in names.split(",") if name.strip())


def _time_of_day(name: str, default: dt.time) -> dt.time:
    text = os.environ.get(name)
    if not text:
        return default
    try:
        return dt.time.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise SettingsError(
            said("{text} is no time of day", text=text), subject=name, remedy="write it as 06:00"
        ) from None
