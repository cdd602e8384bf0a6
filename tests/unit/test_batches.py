"""Files in batches: each is processed on its own; an error of one does not stop the others."""

from __future__ import annotations

import multiprocessing
import os
import signal
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onestop.batches import MOST_BATCHES, batch_label, in_batches, work_through
from onestop.intake.delivery import RefusedDeliveryError

#: Airflow's default ``max_map_length``.
MAP_LENGTH = 1024


@dataclass(frozen=True)
class Named:
    file_name: str

    def to_json(self):
        return {"file_name": self.file_name}


def files(count):
    return [Named(f"dossiers_20221124_{number:04d}.json") for number in range(count)]


def worked(batch, step, tmp_path, before=lambda _: None):
    return work_through(batch, step, marks=tmp_path / "marks", before_suspects=before)


def names(passed):
    return [file.file_name[-9:-5] for file in passed]


@given(st.integers(0, 5000))
def test_every_file_is_in_one_batch_and_in_its_order(count):
    batches = in_batches(files(count))
    assert [file for batch in batches for file in batch] == files(count)
    assert len(batches) <= MOST_BATCHES < MAP_LENGTH
    assert all(batches)


def test_up_to_a_number_of_files_each_have_a_batch_of_their_own():
    assert [len(batch) for batch in in_batches(files(MOST_BATCHES))] == [1] * MOST_BATCHES
    assert max(len(batch) for batch in in_batches(files(MOST_BATCHES + 1))) == 2


def test_no_more_tasks_are_started_for_many_files_than_airflow_runs_in_two_rounds():
    assert [len(batch) for batch in in_batches(files(257))] == [9] * 28 + [5]


def test_a_label_names_the_file_or_the_first_and_the_last_and_their_number():
    assert batch_label(files(1)) == "dossiers_20221124_0000.json"
    assert (
        batch_label(files(15)) == "dossiers_20221124_0000.json … dossiers_20221124_0014.json (15)"
    )
    long = [Named(f"{'a/' * 150}{number}.json") for number in range(3)]
    assert len(batch_label(long)) <= 250
    assert batch_label(long).endswith("2.json (3)")
    assert batch_label(long[:1]).endswith("a/0.json")


def test_a_refused_and_a_failed_file_leave_the_others_as_they_are(tmp_path):
    batch = files(4)

    def step(file):
        if file is batch[1]:
            raise RefusedDeliveryError(file.file_name, "DOS-F01", "no columns")
        if file is batch[2]:
            raise OSError("disk full")
        return file

    outcome = worked(batch, step, tmp_path)
    assert names(outcome.passed) == ["0000", "0003"]
    assert [refused.rule_code for refused in outcome.refused] == ["DOS-F01"]
    assert [(name, str(error)) for name, error in outcome.failed] == [
        ("dossiers_20221124_0002.json", "disk full")
    ]
    assert not list((tmp_path / "marks").iterdir())


def test_a_file_that_killed_the_process_is_tried_last_the_next_time(tmp_path):
    batch = files(4)

    def step(file):
        if file == batch[1]:
            os.kill(os.getpid(), signal.SIGKILL)
        return file

    process = multiprocessing.get_context("fork").Process(
        target=worked, args=(batch, step, tmp_path)
    )
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL

    order, kept = [], []

    def survive(file):
        order.append(file)
        return file

    outcome = worked(batch, survive, tmp_path, kept.extend)
    assert names(order) == ["0000", "0002", "0003", "0001"]
    assert names(kept) == ["0000", "0002", "0003"], "kept before the dangerous file is opened"
    assert names(outcome.passed) == ["0000", "0001", "0002", "0003"]
    order.clear()
    worked(batch, survive, tmp_path)
    assert names(order) == ["0000", "0001", "0002", "0003"], "no longer a suspect"


def test_an_interrupt_is_not_recorded_as_an_error_of_a_file(tmp_path):
    def step(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        worked(files(2), step, tmp_path)
