"""Which partitions of an asset start which run, for Airflow's partitioned assets.

A published night is a partition ``<night>``; only the last one starts the periodic reports. A
package is a partition ``<province>|<night>``; a night of the nation is made of one of each
province. Airflow 3.3 has mappers and windows of time and of fixed keys, and none of these, so the
plugin registers the classes, as Airflow documents it. Its scheduler builds them again from what
``serialize`` returns.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from airflow.partition_mappers.base import PartitionMapper
from airflow.partition_mappers.window import Window

from onestop.schema.time_zone import LOCAL_ZONE

if TYPE_CHECKING:
    from collections.abc import Iterable

_MARK = "|"


def package_partition(province_code: str, night: str) -> str:
    """The partition of a province's package."""
    return f"{province_code}{_MARK}{night}"


class LastNight(PartitionMapper):  # type: ignore[misc] # Airflow's class is not typed for us
    """Maps the night that has just ended to itself; earlier ones, as of a backfill, to no run."""

    def to_downstream(self, key: str) -> list[str]:
        """The night, or nothing."""
        last = dt.datetime.now(LOCAL_ZONE).date() - dt.timedelta(days=1)
        return [key] if key == last.isoformat() else []


class NightOfPackage(PartitionMapper):  # type: ignore[misc] # Airflow's class is not typed for us
    """Maps a package's partition to its night."""

    def to_downstream(self, key: str) -> str:
        """The night of ``<province>|<night>``."""
        return key.rpartition(_MARK)[2]


class ProvincesOfNight(Window):  # type: ignore[misc] # Airflow's class is not typed for us
    """The packages that make up a night: one of each province of the registry.

    Args:
        provinces: their codes.
    """

    def __init__(self, provinces: Iterable[str]) -> None:
        super().__init__()
        self.provinces = tuple(sorted(provinces))

    def to_upstream(self, decoded_downstream: str) -> frozenset[str]:
        """The partitions of a night's packages."""
        return frozenset(package_partition(code, decoded_downstream) for code in self.provinces)

    def serialize(self) -> dict[str, Any]:
        """The provinces."""
        return {"provinces": list(self.provinces)}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> ProvincesOfNight:
        """The window of :meth:`serialize`."""
        return cls(data["provinces"])
