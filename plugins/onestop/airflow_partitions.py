"""The roll-up of provinces' packages into a night of the nation, for Airflow's partitioned assets.

A package is a partition ``<province>|<night>`` of its asset; the nation's partition is the night.
Airflow 3.3 has windows of time and windows of fixed keys, and none whose keys have both, so these
two classes are registered by the plugin, as Airflow documents it. Its scheduler builds them again
from what :meth:`serialize` returns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.partition_mappers.base import PartitionMapper
from airflow.partition_mappers.window import Window

if TYPE_CHECKING:
    from collections.abc import Iterable

_MARK = "|"


def package_partition(province_code: str, night: str) -> str:
    """The partition of a province's package."""
    return f"{province_code}{_MARK}{night}"


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
