"""The gate: suites, Great Expectations, verdicts, and the reports about them."""

from __future__ import annotations

from onestop.gate.evaluation import BrokenRuleError, RuleResult, run_suite
from onestop.gate.mart_checks import MartsVerdict, check_marts
from onestop.gate.reports import render_data_docs, render_reports
from onestop.gate.suite import (
    MART_SUITES,
    Rule,
    Suite,
    SuiteError,
    all_suites,
    load_suite,
    suite_names,
)
from onestop.gate.validation import keep_unread, validate_delivery
from onestop.gate.verdict import GateVerdict, UsualVolume
from onestop.gate.volume import is_volume_excepted, usual_volume

__all__ = [
    "MART_SUITES",
    "BrokenRuleError",
    "GateVerdict",
    "MartsVerdict",
    "Rule",
    "RuleResult",
    "Suite",
    "SuiteError",
    "UsualVolume",
    "all_suites",
    "check_marts",
    "is_volume_excepted",
    "keep_unread",
    "load_suite",
    "render_data_docs",
    "render_reports",
    "run_suite",
    "suite_names",
    "usual_volume",
    "validate_delivery",
]
