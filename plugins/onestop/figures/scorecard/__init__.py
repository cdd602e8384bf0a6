"""The scorecard: the plan's indicators against their targets, as published."""

from __future__ import annotations

from onestop.figures.scorecard.terminal import print_scorecard
from onestop.figures.scorecard.values import ScorecardLine, read_scorecard

__all__ = ["ScorecardLine", "print_scorecard", "read_scorecard"]
