"""Great Expectations' SQL engine on an open connection, mainly for DuckDB.

Importing this module imports Great Expectations, which takes seconds and logs much; only
:func:`onestop.gate.evaluation.load_engine` imports it.

On DuckDB, Great Expectations' own SQL engine reads a cursor after closing its connection, and finds
no rows. The engine here keeps one connection open while a suite runs.
``tests/expectations/test_gx_engine.py`` fails as soon as that is no longer needed.

An expectation of a suite is evaluated as one of its kind's subclass here, which does the same with
less work: Great Expectations asks an expectation for its configuration some fifty times and writes
it out each time, and sends two statements for the rows of a query and their number.
"""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import great_expectations as gx
from great_expectations.compatibility import pydantic
from great_expectations.constants import MAX_RESULT_RECORDS
from great_expectations.core.result_format import ResultFormat
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.datasource.fluent import SQLDatasource
from great_expectations.exceptions import GreatExpectationsError
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.core import UnexpectedRowsExpectation
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.query_metric_provider import QueryMetricProvider
from great_expectations.expectations.registry import get_expectation_impl, get_metric_provider
from great_expectations.util import convert_to_json_serializable
from great_expectations.validator.metric_configuration import MetricConfiguration
from great_expectations.validator.v1_validator import Validator

if TYPE_CHECKING:
    from collections.abc import Iterator

    import sqlalchemy as sa

VERSION: str = gx.__version__


class OneConnectionEngine(SqlAlchemyExecutionEngine):  # type: ignore[misc] # untyped base class
    """Great Expectations' SQL engine with one connection, kept open until :meth:`close`."""

    _connection: sa.Connection | None

    @contextmanager
    def get_connection(self) -> Iterator[sa.Connection]:
        """The one connection."""
        if self._connection is None:
            self._connection = self.engine.connect()
        yield self._connection

    def close(self) -> None:
        """Close the connection; the SQLAlchemy engine stays open for its owner."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class OneConnectionDatasource(SQLDatasource):  # type: ignore[misc] # untyped base class
    """A SQL data source on an existing SQLAlchemy engine."""

    type: Literal["onestop_sql"] = "onestop_sql"

    _given_engine: Any = pydantic.PrivateAttr(None)
    _execution_engine: Any = pydantic.PrivateAttr(None)

    @property
    def execution_engine_type(self) -> Any:  # noqa: ANN401 - "type" names a field here
        """The engine that keeps its connection."""
        return OneConnectionEngine

    def get_engine(self) -> Any:  # noqa: ANN401 - "type" names a field in this class
        """The SQLAlchemy engine that was given."""
        return self._given_engine

    def get_execution_engine(self) -> SqlAlchemyExecutionEngine:
        """The one execution engine on it."""
        if self._execution_engine is None:
            self._execution_engine = self.execution_engine_type(
                engine=self._given_engine, create_temp_table=False
            )
        return self._execution_engine


def evaluate(
    engine: sa.Engine, query: str, suite: dict[str, Any], index_columns: list[str]
) -> list[dict[str, Any]]:
    """Evaluate a suite on the rows of a query by Great Expectations.

    Args:
        engine: where the rows are.
        query: a SELECT of the rows to check.
        suite: the suite in Great Expectations' JSON.
        index_columns: columns that identify a failing row.

    Returns:
        What is read of Great Expectations' results, as JSON values, one per expectation.

    Raises:
        ValueError: an expectation that Great Expectations does not accept.
    """
    context = _context()
    source = OneConnectionDatasource(
        name=f"onestop_{uuid.uuid4().hex}", connection_string="duckdb://"
    )
    source._given_engine = engine  # noqa: SLF001 - our own class; pydantic takes it no other way
    source = context.add_datasource(datasource=source)
    source._given_engine = engine  # noqa: SLF001 - adding makes a copy without private values
    try:
        asset = source.add_query_asset(suite["name"], query=query)
        batch = asset.add_batch_definition_whole_table("rows")
        expectations = gx.ExpectationSuite(
            name=suite["name"],
            expectations=[_as_kept(item) for item in suite["expectations"]],
        )
        result_format: dict[str, Any] = {"result_format": ResultFormat.COMPLETE.value}
        if index_columns:
            result_format["unexpected_index_column_names"] = index_columns
        outcome = Validator(batch, result_format=result_format).validate_expectation_suite(
            expectations
        )
        return [_as_read(result) for result in outcome.results]
    finally:
        source.get_execution_engine().close()
        context.delete_datasource(source.name)


def _as_read(result: Any) -> dict[str, Any]:  # noqa: ANN401 - untyped library
    """What is read of a result, with the same values as in its own ``to_json_dict``.

    That would copy all of it four times. The causes of an error stay as they are.
    """
    return {
        "success": result.success,
        "expectation_config": {"meta": result.expectation_config.meta},
        "result": convert_to_json_serializable(_with_floats(result.result)),
        "exception_info": result.exception_info,
    }


def _with_floats(value: Any) -> Any:  # noqa: ANN401 - any value of a result
    """A result with each decimal as a float.

    Great Expectations makes the same floats, but for each it reads the source text of every
    function that is running, and imports what was deferred: seconds for a few hundred.
    """
    if isinstance(value, dict):
        return {name: _with_floats(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_floats(item) for item in value]
    return float(value) if isinstance(value, Decimal) else value


def as_expectation(item: dict[str, Any]) -> Any:  # noqa: ANN401 - untyped library
    """One expectation of a suite, checked here because a suite only logs and skips a wrong one.

    Raises:
        ValueError: Great Expectations does not accept it.
    """
    try:
        return ExpectationConfiguration(**item).to_domain_obj()
    except GreatExpectationsError as error:
        raise ValueError(f"{item['meta']['rule_code']}: {error}") from error


def _as_kept(item: dict[str, Any]) -> Any:  # noqa: ANN401 - untyped library
    """One expectation of a suite, of the subclass that it is evaluated as."""
    try:
        return as_expectation({**item, "type": _kept_kind(item["type"]).expectation_type})
    except GreatExpectationsError as error:
        raise ValueError(f"{item['meta']['rule_code']}: {error}") from error


class FoundRows(QueryMetricProvider):  # type: ignore[misc] # untyped base class
    """Metric: how many rows a query finds, and the first of them.

    Great Expectations' own two metrics send a statement each. Here the second one is only sent
    where the first has not returned all rows.
    """

    metric_name = "unexpected_rows_query.found"
    value_keys = ("unexpected_rows_query",)

    @metric_value(engine=SqlAlchemyExecutionEngine)  # type: ignore[untyped-decorator]
    def _found(
        cls,  # noqa: N805 - Great Expectations calls it with the class
        execution_engine: SqlAlchemyExecutionEngine,
        **given: Any,  # noqa: ANN401 - untyped library
    ) -> tuple[int, list[dict[str, Any]]]:
        def of(metric: str) -> Any:  # noqa: ANN401 - untyped library
            provider, function = get_metric_provider(metric, execution_engine)
            return function(provider, execution_engine=execution_engine, **given)

        rows = of("unexpected_rows_query.table")
        if len(rows) < MAX_RESULT_RECORDS:
            return len(rows), rows
        return of("unexpected_rows_query.row_count"), rows


class _Kept:
    """An expectation that writes its configuration out once; nothing changes it afterwards."""

    _configuration: Any

    @property
    def configuration(self) -> Any:  # noqa: ANN401 - untyped library
        """The configuration."""
        if self._configuration is None:
            self._configuration = super().configuration  # type: ignore[misc] # of the other base
        return self._configuration


class KeptUnexpectedRowsExpectation(_Kept, UnexpectedRowsExpectation):  # type: ignore[misc] # untyped
    """Great Expectations' expectation of a query that finds no row."""

    _configuration: Any = pydantic.PrivateAttr(None)

    metric_dependencies: ClassVar[tuple[str, ...]] = ()

    def get_validation_dependencies(
        self,
        execution_engine: Any = None,  # noqa: ANN401 - untyped library
        runtime_configuration: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - untyped library
        """The one metric that it needs."""
        needed = super().get_validation_dependencies(execution_engine, runtime_configuration)
        needed.set_metric_configuration(
            FoundRows.metric_name,
            MetricConfiguration(
                FoundRows.metric_name,
                {"batch_id": self.batch_id},
                {"unexpected_rows_query": self.unexpected_rows_query},
            ),
        )
        return needed

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: Any = None,  # noqa: ANN401 - untyped library
    ) -> Any:  # noqa: ANN401 - untyped library
        count, rows = metrics[FoundRows.metric_name]
        given = {"unexpected_rows_query.table": rows, "unexpected_rows_query.row_count": count}
        return super()._validate(given, runtime_configuration, execution_engine)


@cache
def _kept_kind(expectation_type: str) -> Any:  # noqa: ANN401 - untyped library
    """The subclass that expectations of a kind are evaluated as, registered under its own name."""
    kind = get_expectation_impl(expectation_type)
    if kind is UnexpectedRowsExpectation:
        return KeptUnexpectedRowsExpectation
    own = {
        "__doc__": kind.__doc__,
        "__module__": __name__,
        "_configuration": pydantic.PrivateAttr(None),
    }
    return type(kind)(f"Kept{kind.__name__}", (_Kept, kind), own)


@cache
def _context() -> Any:  # noqa: ANN401 - untyped library
    """A project in memory: without a site's folder, progress bars and analytics.

    There is one per process, because making one takes longer than checking a small table. Its
    configuration is not saved at each change, since nothing reads it again.
    """
    context = gx.get_context(
        mode="ephemeral",
        project_config=DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
            progress_bars=ProgressBarsConfig(globally=False),
            analytics_enabled=False,
        ),
    )
    context._save_project_config = lambda *_: None  # noqa: SLF001 - it offers no such setting
    return context
