"""The steps of a night, to be called one by one on an installation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onestop import night as steps

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence
    from pathlib import Path

    from onestop.gate import GateVerdict
    from onestop.intake.candidate import Candidate
    from onestop.intake.delivery import Delivery
    from onestop.night import DeliveryReport, NightStep
    from onestop.record.load import LoadedDelivery
    from onestop.settings import Settings


def discover(settings: Settings, night: dt.date) -> list[Candidate]:
    return steps.discover_deliveries(
        night, settings.source_systems(), settings.warehouse, settings.folders
    )


def awaited(settings: Settings, night: dt.date, candidates: Sequence[Candidate]) -> list[str]:
    return steps.awaited_deliveries(
        night, candidates, settings.source_systems(), settings.warehouse
    )


def land(settings: Settings, candidate: Candidate) -> Delivery:
    return steps.land_delivery(candidate, settings.exports, settings.folders)


def read(settings: Settings, delivery: Delivery) -> Path:
    return steps.read_delivery_file(delivery, settings.mappings(), settings.folders)


def validate(settings: Settings, delivery: Delivery, night: dt.date) -> GateVerdict:
    return steps.validate_delivery_file(delivery, night, settings.folders)


def load(settings: Settings, delivery: Delivery) -> LoadedDelivery:
    return steps.load_delivery(delivery, settings.warehouse, settings.folders)


def take_in(settings: Settings, candidate: Candidate, night: dt.date) -> DeliveryReport:
    return steps.take_in(
        candidate, night, settings.source_systems(), settings.warehouse, settings.folders
    )


def require(settings: Settings, night: dt.date, candidates: Sequence[Candidate] | None) -> None:
    steps.require_expected(
        night, candidates, settings.source_systems(), settings.warehouse, settings.folders
    )


def take_in_all(settings: Settings, night: dt.date) -> list[Candidate]:
    """Run the steps of a night that come before its marts, for tests of the record.

    Computing, checking and publishing cost most of a night.
    """
    candidates = discover(settings, night)
    for candidate in candidates:
        take_in(settings, candidate, night)
    require(settings, night, candidates)
    return candidates


def compute(settings: Settings, night: dt.date) -> NightStep:
    return steps.compute_night(night, settings.warehouse)


def check(settings: Settings, night: dt.date) -> NightStep:
    return steps.check_night(night, settings.mappings(), settings.warehouse, settings.folders)


def publish(settings: Settings, night: dt.date) -> NightStep:
    return steps.publish_night(night, settings.mappings(), settings.warehouse, settings.folders)
