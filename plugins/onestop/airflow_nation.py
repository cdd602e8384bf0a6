"""The bodies of the tasks of a national office: packages come in, the nation is published."""

from __future__ import annotations

import datetime as dt
import logging
import os
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, MinimumCount, RollupMapper, get_current_context
from airflow.sdk.exceptions import AirflowSkipException

from onestop.airflow_adapter import connection_of, exports_of, night_of_run, settings_of_task
from onestop.airflow_partitions import NightOfPackage, ProvincesOfNight, package_partition
from onestop.language import log, shown_language
from onestop.said import said_text
from onestop.schema.time_zone import LOCAL_ZONE

if TYPE_CHECKING:
    from onestop.federation.registry import Registry
    from onestop.intake.exports import Folder

#: Packages that came in; a partition is ``<province>|<night>``.
PACKAGE = Asset(name="onestop_package", uri="x-onestop://received/package")
#: Nights of the nation to publish even if provinces are missing; a partition is the night.
DUE = Asset(name="onestop_nation_due", uri="x-onestop://received/due")
#: The nation's published figures; a partition is the night.
NATION = Asset(name="onestop_nation", uri="x-onestop://published/nation")

PACKAGES_CONNECTION = "onestop_packages"
#: Stands for the provinces where there is no registry: no package has its code.
_NO_PROVINCE = "(none)"

logger = logging.getLogger(__name__)


def enough_packages() -> Any:  # noqa: ANN401 - Airflow's class is not typed for us
    """The roll-up of a night: it fires once so many provinces' packages have come.

    The provinces are those of the registry when the DAG file is parsed.
    """
    provinces = tuple(_registry_of_dags())
    at_least = 1
    if provinces:
        from onestop.federation.configuration import fewest_provinces

        at_least = fewest_provinces(len(provinces))
    return RollupMapper(
        upstream_mapper=NightOfPackage(),
        window=ProvincesOfNight(provinces or (_NO_PROVINCE,)),
        wait_policy=MinimumCount(at_least),
    )


def _registry_of_dags() -> Registry:
    """The registry; empty in an installation that is no national office."""
    if not os.environ.get("ONESTOP_PROVINCES"):
        return {}
    from onestop.federation.configuration import registry_file
    from onestop.federation.registry import read_registry

    return read_registry(registry_file())


def take_in_packages() -> None:
    """Take in the packages that lie at the office's places; nothing is published.

    Raises:
        FederationError: a place could not be read; the packages of the others are taken in.
    """
    from onestop.federation.configuration import registry_file
    from onestop.federation.federating import REPEATED, Wanted, federate
    from onestop.federation.registry import read_registry
    from onestop.federation.sentences import counts_sentence, outcome_sentence

    done = federate(
        settings_of_task(),
        read_registry(registry_file()),
        _places(),
        Wanted(has_publication=False),
    )
    for outcome in done.outcomes:
        if outcome.state != REPEATED:
            is_news = outcome.refusal is not None and not outcome.is_known
            level = logging.WARNING if is_news else logging.INFO
            log(logger, level, outcome_sentence(outcome))
    log(logger, logging.INFO, counts_sentence(done))
    if done.unreachable:
        raise done.unreachable[0]


def _places() -> list[str | Folder]:
    """The Connection's folder, else what ``ONESTOP_PACKAGES`` names."""
    if connection := connection_of(PACKAGES_CONNECTION):
        return [exports_of(connection)]
    from onestop.federation.configuration import packages_from_environment

    return [*packages_from_environment()]


def report_packages() -> None:
    """An event for each package that no publication covers yet."""
    from onestop.federation.awaited import find_awaited

    found = find_awaited(settings_of_task(), dt.datetime.now(LOCAL_ZONE)).packages
    if not found:
        raise AirflowSkipException(_shown("no package came since the last publication"))
    keys = [package_partition(code, night.isoformat()) for code, night in found]
    get_current_context()["outlet_events"][PACKAGE].add_partitions(keys)


def report_due() -> None:
    """An event for a night whose hour has passed, or that a later package changes."""
    from onestop.federation.awaited import find_awaited

    night = find_awaited(settings_of_task(), dt.datetime.now(LOCAL_ZONE)).due_night
    if night is None:
        raise AirflowSkipException(_shown("no night of the nation is due"))
    get_current_context()["outlet_events"][DUE].add_partitions(night.isoformat())


def publish_nation() -> None:
    """Publish the nation's night; the log names the provinces that are late or missing."""
    from onestop.federation.configuration import registry_file
    from onestop.federation.federating import Wanted, federate
    from onestop.federation.registry import read_registry
    from onestop.federation.sentences import nation_sentences

    night = night_of_run()
    done = federate(settings_of_task(), read_registry(registry_file()), (), Wanted(night))
    for sentence in nation_sentences(done):
        log(logger, logging.INFO, sentence)
    if done.publication_id is None:
        raise AirflowSkipException(_shown("nothing new is published"))
    events = get_current_context()["outlet_events"]
    events[NATION].extra = {"night": night.isoformat(), "publication": done.publication_id}
    events[NATION].add_partitions(night.isoformat())


def _shown(text: str) -> str:
    return said_text(text).in_language(shown_language())
