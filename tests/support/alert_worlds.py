"""A small record with deliveries, nights and figures, for tests of alerts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from published_marts import Figure, _insert, settings_in

from onestop.alerts import Alert, night_alerts
from onestop.marts.publish import refresh_reference
from onestop.record.night_runs import record_night_run
from onestop.said import said_text
from onestop.schema.mapping import Mappings
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.warehouse import open_warehouse

if TYPE_CHECKING:
    from pathlib import Path

    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

BEFORE, NIGHT = dt.date(2022, 11, 23), dt.date(2022, 11, 24)
#: The night is over, and it is too early for its figures to be late.
MORNING = dt.datetime(2022, 11, 25, 2, tzinfo=LOCAL_ZONE)


@dataclass
class World:
    """A warehouse, and what the test puts into it."""

    warehouse: Warehouse
    settings: Settings
    mappings: Mappings = field(default_factory=lambda: Mappings({}))
    number: int = 0

    def publish(self, *nights: dt.date) -> None:
        for night in nights:
            self.number += 1
            self.warehouse.execute(
                "insert into audit.publication (publication_id, as_of_date, published_at,"
                " delivery_count, dossier_count, figures_sha256)"
                " values (:number, :night, :night, 0, 0, '')",
                {"number": self.number, "night": night},
            )

    def end(self, state: str, night: dt.date = NIGHT) -> None:
        record_night_run(self.warehouse, night, state, said_text("why"))

    def deliver(
        self,
        name: str,
        night: dt.date = NIGHT,
        *,
        feed: str = "visits",
        read: int = 100,
        rejected: int = 0,
        accepted: int = 0,
        refused_by: str | None = None,
    ) -> None:
        """Load a file, or refuse it."""
        self.number += 1
        self.warehouse.execute(
            "insert into audit.delivery (delivery_id, attempt, state, source, feed, night, kind,"
            " file_name, file_modified_at, sha256, known_from, rows_read, rows_accepted,"
            " rows_rejected, rows_repeated, rows_blank, warnings, refused_rule, settled_at)"
            " values (:id, 1, :state,"
            " 'one_stop', :feed, :night, 'delta', :name, :at, '', :night, :read, :accepted,"
            " :rejected, 0, 0, 0, :rule, :at)",
            {
                "id": f"{name}.{self.number}",
                "state": "refused" if refused_by else "loaded",
                "feed": feed,
                "night": night,
                "name": name,
                "read": read,
                "rejected": rejected,
                "accepted": accepted,
                "rule": refused_by,
                "at": MORNING + dt.timedelta(minutes=self.number),
            },
        )

    def deliver_tickets(
        self, name: str, *tickets: tuple[str, str, dt.date], night: dt.date = NIGHT
    ) -> None:
        """Load a file of tickets, each with its code, its unit and its day of issue."""
        self.deliver(name, night)
        for row, (code, unit, issued) in enumerate(tickets, start=2):
            self.warehouse.execute(
                "insert into core.visit_version (delivery_id, row_number, night, known_from,"
                " content_hash, is_vanished, ticket_code, unit_code, issued_date)"
                " values (:id, :row, :night, :night, '', false, :code, :unit, :issued)",
                {
                    "id": f"{name}.{self.number}",
                    "row": row,
                    "night": night,
                    "code": code,
                    "unit": unit,
                    "issued": issued,
                },
            )

    def issue_reports(self, *codes: str) -> None:
        for code in codes:
            self.warehouse.execute(
                "insert into audit.report (report_code, issue_number, plan_code, title_vi,"
                " title_en, period_type, period_basis, period_start, period_end, as_of_date,"
                " publication_id, last_day_date, is_late, issued_at, folder, delivery_count,"
                " figures_sha256, content_sha256) values (:code, 1, '', '', '', 'year',"
                " 'calendar', :day, :day, :day, 1, :day, false, :day, '', 0, '', '')",
                {"code": code, "day": BEFORE},
            )

    def state_figures(self, *figures: Figure, night: dt.date, until: dt.date | None = None) -> None:
        for figure in figures:
            _insert(self.warehouse, figure, night, until)

    def alerts(self, *, now: dt.datetime = MORNING, has_ended: bool = True) -> dict[str, Alert]:
        """The alerts of the night by their codes."""
        found = night_alerts(
            self.warehouse, NIGHT, self.settings, self.mappings, now=now, has_ended=has_ended
        )
        return {alert.code: alert for alert in found}


def build_empty_world(folder: Path, _: object) -> None:
    """An installation as of :func:`world_in`, to be kept and copied."""
    settings = settings_in(folder)
    settings.exports.mkdir(parents=True)
    with open_warehouse(settings.warehouse) as warehouse:
        world_in(folder, warehouse)


def world_in(folder: Path, warehouse: Warehouse) -> World:
    """A record in which all reports are issued, and all reference rows are published."""
    refresh_reference(warehouse)
    world = World(warehouse, settings_in(folder))
    world.issue_reports("q1", "half_year", "q3", "year")
    return world
