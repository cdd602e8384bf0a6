"""Installations that tests share: built once and completely; each test gets its own copy."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time

import pytest
from kept_installations import kept_installations

FORK = multiprocessing.get_context("fork")


@pytest.fixture
def kept(tmp_path):
    with kept_installations(tmp_path / "kept", "now") as opened:
        yield opened


def build_and_count(folder, _):
    (folder / "exports").mkdir(parents=True)
    with (folder.parents[2] / "builds").open("a") as builds:
        builds.write(".")
    time.sleep(0.3)
    (folder / "exports" / "file").write_text("whole")


def build_on_top(folder, kept):
    kept.copy(build_and_count, folder / "below")
    (folder / "exports").mkdir(parents=True)


def die(folder, _):
    (folder / "exports").mkdir(parents=True)
    os.kill(os.getpid(), signal.SIGKILL)


def test_simultaneous_requests_get_copies_of_one_build(kept, tmp_path):
    children = [
        FORK.Process(target=kept.copy, args=(build_and_count, tmp_path / f"copy{number}"))
        for number in range(3)
    ]
    for child in children:
        child.start()
    for number, child in enumerate(children):
        child.join()
        assert (tmp_path / f"copy{number}" / "exports" / "file").read_text() == "whole"
    assert (tmp_path / "builds").read_text() == "."


def test_changing_one_copy_changes_no_other(kept, tmp_path):
    (kept.copy(build_and_count, tmp_path / "one").exports / "file").write_text("changed")
    assert (kept.copy(build_and_count, tmp_path / "other").exports / "file").read_text() == "whole"


def test_an_installation_can_be_built_on_top_of_another(kept, tmp_path):
    copy = kept.copy(build_on_top, tmp_path / "copy").exports.parent
    assert (copy / "below" / "exports" / "file").read_text() == "whole"


def test_a_killed_build_leaves_no_installation_and_is_repeated(kept, tmp_path):
    child = FORK.Process(target=kept.copy, args=(die, tmp_path / "copy"))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    assert not (tmp_path / "copy").exists()

    def die_no_more(folder, _):
        assert not folder.exists()
        (folder / "exports").mkdir(parents=True)

    die_no_more.__name__ = die.__name__
    assert kept.copy(die_no_more, tmp_path / "copy").exports.is_dir()


def test_installations_of_other_code_are_deleted_unless_another_run_uses_them(tmp_path):
    folder = tmp_path / "kept"
    with kept_installations(folder, "old") as old:
        old.copy(build_and_count, tmp_path / "one")
        with kept_installations(folder, "new"):
            assert (folder / "old").is_dir()
    with kept_installations(folder, "new"):
        assert not (folder / "old").exists()
