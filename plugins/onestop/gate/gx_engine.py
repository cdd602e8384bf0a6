"""Great Expectations' SQL engine on an open connection, mainly for DuckDB.

Importing this module imports Great Expectations, which takes seconds and logs much; only
:func:`onestop.gate.evaluation.load_engine` imports it.

On DuckDB, Great Expectations' own SQL engine reads a cursor after closing its connection, and finds
no rows. The engine here keeps one connection open while a suite runs.
``tests/expectations/test_gx_engine.py`` fails as soon as that is no longer needed.
"""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import great_expectations as gx
from great_expectations.compatibility import pydantic
from great_expectations.core.result_format import ResultFormat
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.datasource.fluent import SQLDatasource
from great_expectations.exceptions import GreatExpectationsError
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
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
        Great Expectations' results, as JSON values, one per expectation.

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
            expectations=[as_expectation(item) for item in suite["expectations"]],
        )
        result_format: dict[str, Any] = {"result_format": ResultFormat.COMPLETE.value}
        if index_columns:
            result_format["unexpected_index_column_names"] = index_columns
        outcome = Validator(batch, result_format=result_format).validate_expectation_suite(
            expectations
        )
        return list(outcome.to_json_dict()["results"])
    finally:
        source.get_execution_engine().close()
        context.delete_datasource(source.name)


def as_expectation(item: dict[str, Any]) -> Any:  # noqa: ANN401 - untyped library
    """One expectation of a suite, checked here because a suite only logs and skips a wrong one.

    Raises:
        ValueError: Great Expectations does not accept it.
    """
    try:
        return ExpectationConfiguration(**item).to_domain_obj()
    except GreatExpectationsError as error:
        raise ValueError(f"{item['meta']['rule_code']}: {error}") from error


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
