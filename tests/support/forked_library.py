"""What the server of :mod:`clean_processes` imports before it forks."""

from onestop import cli, night  # noqa: F401
from onestop.gate.evaluation import load_engine

load_engine()
