"""Where full computations run, and what keeps them from it."""

from __future__ import annotations

import importlib.util
import socket
from pathlib import Path

import pytest

from onestop.spark import address as module
from onestop.spark.address import ComputeError, Computing, files_apart, obstacles, require_spark


@pytest.fixture
def with_pyspark(monkeypatch):
    """Everything that Python needs is installed, and so is Java."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: True)
    monkeypatch.setattr(module, "_java_problem", lambda: "")


def test_without_the_setting_the_warehouse_computes(monkeypatch):
    monkeypatch.delenv("ONESTOP_COMPUTE", raising=False)
    assert not Computing.from_environment().is_on_spark


@pytest.mark.parametrize(
    "text", ["local", "local[2]", "local[*]", "spark://a:7077", "spark://a:1,b:2", "sc://a:15002"]
)
def test_an_address_of_spark_is_taken_as_it_is(monkeypatch, text):
    monkeypatch.setenv("ONESTOP_COMPUTE", f" {text} ")
    assert Computing.from_environment().address == text


@pytest.mark.parametrize(
    "text", ["yes", "spark", "spark://a", "local[x]", "local[0]", "yarn", "http://a:1"]
)
def test_another_text_is_refused_with_the_forms_that_are_possible(monkeypatch, text):
    monkeypatch.setenv("ONESTOP_COMPUTE", text)
    with pytest.raises(ComputeError, match=r"^ONESTOP_COMPUTE: .*; write local\[2\].*spark://"):
        Computing.from_environment()


def test_the_files_lie_beside_the_landing(monkeypatch, tmp_path):
    monkeypatch.setenv("ONESTOP_COMPUTE", "local[2]")
    monkeypatch.setenv("ONESTOP_LANDING", str(tmp_path / "landing"))
    assert Computing.from_environment().folder == tmp_path / "record"


def test_a_landing_on_object_storage_needs_a_folder_for_the_files(monkeypatch):
    monkeypatch.setenv("ONESTOP_COMPUTE", "local[2]")
    monkeypatch.setenv("ONESTOP_STORE", "s3://bucket/onestop")
    monkeypatch.delenv("ONESTOP_RECORD_FILES", raising=False)
    with pytest.raises(ComputeError, match=r"^ONESTOP_RECORD_FILES: is not set"):
        Computing.from_environment()


def test_without_pyspark_the_remedy_is_the_extra(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ComputeError, match=r"pyspark is not installed; .*onestop\[spark\]"):
        require_spark(Computing("local[2]", Path()))


@pytest.mark.usefixtures("with_pyspark")
def test_without_java_the_remedy_is_a_runtime(monkeypatch, tmp_path):
    monkeypatch.undo()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: True)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    ((what, remedy),) = obstacles(Computing("local[2]", Path()))
    assert (what, "JAVA_HOME" in remedy) == ("there is no Java runtime", True)


def test_an_old_java_is_named_with_its_version(monkeypatch, tmp_path):
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019' >&2\n")
    java.chmod(0o755)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: True)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    ((what, _),) = obstacles(Computing("local[2]", Path()))
    assert what == "Java 11 is too old: Spark needs 17"


@pytest.mark.usefixtures("with_pyspark")
def test_a_cluster_that_does_not_answer_is_named():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        ((what, remedy),) = obstacles(Computing(f"spark://127.0.0.1:{port}", Path()))
    assert what == f"nothing answers at spark://127.0.0.1:{port}"
    assert "ONESTOP_COMPUTE" in remedy


@pytest.mark.usefixtures("with_pyspark")
def test_one_master_that_answers_is_enough():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not list(obstacles(Computing(f"spark://127.0.0.1:1,127.0.0.1:{port}", Path())))


@pytest.mark.usefixtures("with_pyspark")
def test_spark_connect_needs_no_java_here(monkeypatch):
    monkeypatch.setattr(module, "_java_problem", lambda: "there is no Java runtime")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not list(obstacles(Computing(f"sc://127.0.0.1:{port}", Path())))


def test_a_scratch_warehouse_has_files_of_its_own_that_are_removed(tmp_path):
    with files_apart(Computing("local[2]", tmp_path), "verify") as apart:
        assert apart.folder.parent == tmp_path
        apart.folder.mkdir()
    assert not list(tmp_path.iterdir())
