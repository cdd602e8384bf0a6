"""Set AIRFLOW_HOME before Airflow is imported: its import writes a configuration file there."""

import os
import tempfile

import pytest

os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="onestop-airflow-"))
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "False"


@pytest.fixture
def registered_plugin(monkeypatch):
    """The classes that the product's plugin registers, as Airflow finds them in its folder."""
    from airflow import plugins_manager  # noqa: PLC0415 - once AIRFLOW_HOME is set
    from airflow._shared.module_loading import qualname  # noqa: PLC0415 - idem

    from onestop_plugin import OneStopPlugin  # noqa: PLC0415 - idem

    for name, classes in (
        ("get_partition_mapper_plugins", OneStopPlugin.partition_mappers),
        ("get_windows_plugins", OneStopPlugin.windows),
    ):
        found = {qualname(one): one for one in classes}
        monkeypatch.setattr(plugins_manager, name, lambda found=found: found)
