"""A session of Apache Spark for one computation."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from onestop.said import said
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.spark.address import ComputeError, Computing, require_spark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

#: Settings that the figures depend on; all others come from ``spark-defaults.conf``.
_NEEDED = {
    # A day is a day of Việt Nam.
    "spark.sql.session.timeZone": LOCAL_ZONE.key,
    # A value that does not fit is an error, not null.
    "spark.sql.ansi.enabled": "true",
    # The older form has no time zone, so that DuckDB would read another moment.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # Names and texts are quoted as in the SELECTs.
    "spark.sql.ansi.doubleQuotedIdentifiers": "true",
    "spark.sql.parser.escapedStringLiterals": "true",
    # Chains of transferred tickets may have more rows together; each is at most 20 long.
    "spark.sql.cteRecursionRowLimit": "-1",
}
#: Settings of a Spark in one process of this machine.
_LOCAL = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
}
#: Spark's own 200 parts of a shuffle cost more than the work where there are few cores.
_PARTITIONS, _DEFAULT_PARTITIONS = "spark.sql.shuffle.partitions", "200"
_FEWEST, _PER_CORE = 8, 3
#: For few rows, most of the time goes into planning, generating code and starting tasks.
_FEW_ROWS = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    _PARTITIONS: "1",
    "spark.sql.leafNodeDefaultParallelism": "1",
}
#: How py4j begins the message of an error of Java.
_CALLED = "An error occurred while calling "
#: So many versions are few.
FEW = 100_000
_QUIET = {"spark.ui.showConsoleProgress": "false", "spark.log.level": "ERROR"}


@contextmanager
def spark_session(computing: Computing) -> Iterator[SparkSession]:
    """A session at an address; one that is open already is used and stays open.

    Args:
        computing: where Spark runs.

    Raises:
        ComputeError: Spark cannot be used; says what to do.
    """
    require_spark(computing)
    with warnings.catch_warnings():
        # Spark Connect imports functions for pandas, which are not used here
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
        from pyspark.errors import PySparkException  # noqa: PLC0415 - an optional extra
        from pyspark.sql import SparkSession  # noqa: PLC0415 - idem

        already_open = SparkSession.getActiveSession()
        builder = SparkSession.builder.appName("onestop")
        if computing.is_connect:
            builder = builder.remote(computing.address)
        else:
            builder = builder.master(computing.address)
            for name, value in (_QUIET | (_LOCAL if computing.is_local else {})).items():
                builder = builder.config(name, value)
        try:
            session = builder.getOrCreate()
            for name, value in _NEEDED.items():
                session.conf.set(name, value)
            if not computing.is_connect and session.conf.get(_PARTITIONS) == _DEFAULT_PARTITIONS:
                parallel = session.sparkContext.defaultParallelism
                session.conf.set(_PARTITIONS, str(max(_FEWEST, _PER_CORE * parallel)))
        except (PySparkException, OSError, RuntimeError) as error:
            raise ComputeError(
                said("Apache Spark does not start: {cause}", cause=first_line(error)),
                subject="ONESTOP_COMPUTE",
                remedy="see its messages above; `onestop doctor` checks what it needs",
            ) from error
    try:
        yield session
    finally:
        if already_open is None:
            session.stop()


@contextmanager
def planned_for(session: SparkSession, rows: int) -> Iterator[None]:
    """Settings that make the computation of few rows quicker; figures do not depend on them.

    Args:
        session: of Spark.
        rows: of the record.
    """
    settings = _FEW_ROWS if rows <= FEW else {}
    before = {name: session.conf.get(name, None) for name in settings}
    for name, value in settings.items():
        session.conf.set(name, value)
    try:
        yield
    finally:
        for name, old in before.items():
            if old is None:
                session.conf.unset(name)
            else:
                session.conf.set(name, old)


def first_line(error: Exception) -> str:
    """The first line of an error's message that says something.

    An error of Java begins with the name of the call and has its message on the second line.
    """
    lines = (line.strip().removeprefix(": ") for line in str(error).splitlines())
    telling = (line for line in lines if line and not line.startswith(_CALLED))
    return next(telling, type(error).__name__)
