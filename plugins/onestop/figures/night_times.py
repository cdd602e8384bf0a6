"""How long the steps of a night took, for the night's page and the terminal."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from onestop.record.night_steps import DONE, FAILED, KILLED, REFUSED, RUNNING, STEPS, read_steps
from onestop.schema.number_text import decimal_text, duration

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from onestop.record.night_steps import NightStepRun
    from onestop.schema.number_text import Language
    from onestop.warehouse import Warehouse

#: Names of the steps, for people.
STEP_TEXTS: dict[str, dict[Language, str]] = {
    "discover": {"vi": "tìm tệp của đêm", "en": "find the night's files"},
    "land": {"vi": "chép tệp vào kho gốc", "en": "copy files into the landing"},
    "read": {"vi": "đọc tệp", "en": "read files"},
    "validate": {"vi": "kiểm tra tệp", "en": "validate files"},
    "load": {"vi": "nạp vào kho dữ liệu", "en": "load into the warehouse"},
    "require": {"vi": "xét đủ tệp hay chưa", "en": "require the expected files"},
    "compute": {"vi": "tính số liệu", "en": "compute the figures"},
    "check": {"vi": "kiểm tra số liệu", "en": "check the figures"},
    "publish": {"vi": "công bố", "en": "publish"},
}
OUTCOME_TEXTS: dict[str, dict[Language, str]] = {
    DONE: {"vi": "xong", "en": "done"},
    REFUSED: {"vi": "tệp bị từ chối", "en": "file refused"},
    FAILED: {"vi": "lỗi", "en": "failed"},
    KILLED: {"vi": "bị dừng giữa chừng", "en": "stopped before its end"},
    RUNNING: {"vi": "đang chạy", "en": "running"},
}
#: What the seconds of a night are: steps side by side count each, and no wait between runs does.
SUM_OF_STEPS: dict[Language, str] = {"vi": "Các bước cộng lại", "en": "All steps together"}
_EARLIER: dict[Language, str] = {"vi": "trước đó", "en": "earlier"}
_MINUTE = 60


@dataclass(frozen=True)
class StepTime:
    """All executions of one step of a night.

    Attributes:
        step: one of :data:`onestop.record.night_steps.STEPS`.
        runs: its executions, in order.
        seconds: of all executions with an end together.
        share: of the seconds of all steps, 0 to 1.
    """

    step: str
    runs: Sequence[NightStepRun]
    seconds: float
    share: float

    @property
    def outcome(self) -> str:
        """Of the last execution; of steps that work on files, the worst of their last ones."""
        return max((run.outcome for run in self._last), key=_GRAVITY.index)

    @property
    def rows(self) -> int | None:
        """Rows of the last execution on each file; None where the step counts none."""
        rows = [run.rows_done for run in self._last if run.rows_done is not None]
        return sum(rows) if rows else None

    def outcome_text(self, lang: Language) -> str:
        """What came of the last executions, then what earlier ones came to that were not done."""
        last = Counter(run.outcome for run in self._last)
        earlier = _numbers(Counter(run.outcome for run in self.runs) - last, lang)
        text = _numbers(last, lang) or OUTCOME_TEXTS[DONE][lang]
        return f"{text}; {_EARLIER[lang]} {earlier}" if earlier else text

    @property
    def _last(self) -> Collection[NightStepRun]:
        """The last execution on each file."""
        return {run.file_name: run for run in self.runs}.values()


def _numbers(counts: Counter[str], lang: Language) -> str:
    """The outcomes but done, with their numbers."""
    return ", ".join(
        f"{OUTCOME_TEXTS[code][lang]}: {count}" for code, count in counts.items() if code != DONE
    )


_GRAVITY = (DONE, RUNNING, REFUSED, FAILED, KILLED)


@dataclass(frozen=True)
class NightTimes:
    """When a night was run, and how long each of its steps took.

    Attributes:
        steps: in the order of a night, without those that never began.
        began_at: of the first execution.
        ended_at: of the last one; None while one is running or where none has ended.
        seconds: of all executions together; of those side by side, the time of each.
    """

    steps: Sequence[StepTime]
    began_at: dt.datetime
    ended_at: dt.datetime | None
    seconds: float


def read_night_times(warehouse: Warehouse, folder: Path, night: dt.date) -> NightTimes | None:
    """The times of a night's steps; None where none are known.

    Args:
        warehouse: the record, or its published copy.
        folder: of the steps that are not in it yet.
        night: the night.
    """
    runs = read_steps(warehouse, folder, night)
    if not runs:
        return None
    total = sum(run.seconds or 0 for run in runs)
    steps = []
    for step in STEPS:
        of_step = [run for run in runs if run.step == step]
        seconds = sum(run.seconds or 0 for run in of_step)
        if of_step:
            steps.append(StepTime(step, of_step, seconds, seconds / total if total else 0))
    ends = [run.ended_at for run in runs if run.ended_at is not None]
    is_running = any(run.outcome == RUNNING for run in runs)
    last = max(ends) if ends and not is_running else None
    return NightTimes(steps, runs[0].began_at, last, total)


def seconds_text(seconds: float | None, lang: Language) -> str:
    """A time of a step: ``3,82 giây``, from a minute on ``2 phút 5 giây``; a dash without one."""
    if seconds is None:
        return "–"
    if seconds >= _MINUTE:
        return duration(Decimal(str(seconds)), lang)
    return f"{decimal_text(Decimal(f'{seconds:.2f}'), lang)} {'giây' if lang == 'vi' else 's'}"
