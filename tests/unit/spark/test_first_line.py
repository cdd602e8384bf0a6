"""The cause of an error of Spark, as the log has it in one line."""

from __future__ import annotations

import pytest

from onestop.spark.session import first_line

OF_JAVA = """An error occurred while calling o113.parquet.
: org.apache.spark.SparkException: Job aborted: no space left on device
\tat org.apache.spark.executor.Executor.run(Executor.scala:903)
"""


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        (
            OF_JAVA,
            "org.apache.spark.SparkException: Job aborted: no space left on device",
        ),
        ("\n  [TABLE_OR_VIEW_NOT_FOUND] no t\n== SQL ==", "[TABLE_OR_VIEW_NOT_FOUND] no t"),
        ("An error occurred while calling o1.stop", "RuntimeError"),
        ("", "RuntimeError"),
    ],
)
def test_the_cause_is_the_first_line_that_says_something(message, cause):
    assert first_line(RuntimeError(message)) == cause
