"""Files in batches: one Airflow task works on several files, each independently.

Airflow maps a task over a limited number of elements (``max_map_length``, 1,024 by default), and
a night after an outage, or the first night over years of exports, has more files than that. To
start a task also takes as long as to validate a small file. So the elements are batches of files. A
file that is refused, fails, or kills the process does not affect the other files of its batch.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from onestop.intake.delivery import RefusedDeliveryError
from onestop.storage import mark, names_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


class File(Protocol):
    """A file on its way through the steps: a candidate or a delivery."""

    @property
    def file_name(self) -> str:
        """Its path below the exports."""

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""


FileT = TypeVar("FileT", bound=File)
Result = TypeVar("Result")

#: The most batches; up to this many files each get a batch of their own. Airflow runs at most 16
#: tasks of a DAG at the same time (``max_active_tasks_per_dag``), so more would only wait.
MOST_BATCHES = 32
#: Width of the column in which Airflow stores a mapped task's label.
_LABEL_LENGTH = 250


@dataclass
class Outcome(Generic[Result]):
    """What became of the files of a batch in one step.

    Attributes:
        passed: the step's result for each file that succeeded, in the batch's order.
        refused: the refusals, one for each refused file.
        failed: name and error of each file that failed otherwise.
    """

    passed: list[Result] = field(default_factory=list)
    refused: list[RefusedDeliveryError] = field(default_factory=list)
    failed: list[tuple[str, Exception]] = field(default_factory=list)


def in_batches(files: Sequence[FileT], most: int = MOST_BATCHES) -> list[list[FileT]]:
    """Divide files into at most ``most`` batches of one length, in their order.

    Args:
        files: candidates or deliveries.
        most: how many batches there may be.
    """
    size = max(1, math.ceil(len(files) / most))
    return [list(files[start : start + size]) for start in range(0, len(files), size)]


def batch_label(batch: Sequence[File]) -> str:
    """The name of a batch's file, or of its first and last one and how many there are."""
    names = [file.file_name for file in batch]
    if len(names) == 1:
        return names[0][-_LABEL_LENGTH:]
    count = f" ({len(names)})"
    room = (_LABEL_LENGTH - len(count) - len(" … ")) // 2
    return f"{names[0][-room:]} … {names[-1][-room:]}{count}"


def work_through(
    batch: Sequence[FileT],
    step: Callable[[FileT], Result],
    *,
    marks: Path,
    before_suspects: Callable[[list[Result]], None],
) -> Outcome[Result]:
    """Run a step on each file of a batch, continuing after errors.

    A mark file exists while a file is worked on. A mark found at the start was left by a process
    that died on that file; such suspects come last, so that the other files are done first.

    Args:
        batch: the files.
        step: what to do with each of them.
        marks: the folder of this step's marks.
        before_suspects: called with the results so far, before the first suspect.
    """
    is_alone = len(batch) == 1
    marked = set() if is_alone else names_in(marks)
    suspects = [file for file in batch if _mark(marks, file).name in marked]
    results: dict[int, Result] = {}
    outcome: Outcome[Result] = Outcome()
    for file in [*(file for file in batch if file not in suspects), *suspects]:
        if suspects and file is suspects[0]:
            before_suspects(_in_order(results))
        mark_file = _mark(marks, file)
        if not is_alone:
            mark(mark_file)
        try:
            results[batch.index(file)] = step(file)
        except RefusedDeliveryError as refused:
            outcome.refused.append(refused)
        except Exception as error:  # noqa: BLE001 - the caller raises it after the other files
            outcome.failed.append((file.file_name, error))
        if not is_alone:
            mark_file.unlink(missing_ok=True)
    outcome.passed = _in_order(results)
    return outcome


def _in_order(results: dict[int, Result]) -> list[Result]:
    return [results[place] for place in sorted(results)]


def _mark(marks: Path, file: File) -> Path:
    text = json.dumps(file.to_json(), sort_keys=True, ensure_ascii=False)
    return marks / hashlib.sha256(text.encode()).hexdigest()[:32]
