"""Set-up installs the locks with uv, or with pip where uv is not available."""

from __future__ import annotations

import os
import stat
import subprocess

import pytest

from onestop.schema.project import PROJECT_ROOT

REQUIREMENTS = PROJECT_ROOT / "requirements"
LOCKS = sorted(REQUIREMENTS.glob("*.lock"))
#: A fake Python: logs its arguments, and fails if they contain one of the words of FAILS.
PYTHON = """#!/bin/sh
echo "$@ [$UV_DEFAULT_INDEX|$UV_INDEX]" >> "$CALLS"
for word in $FAILS; do case " $* " in *" $word "*) exit 1 ;; esac; done
case "$*" in
    *"config get global.index-url") echo first ;;
    *"config get :env:.extra-index-url") printf 'second\\nthird\\n' ;;
    *"config get"*) exit 1 ;;
esac
"""


@pytest.fixture
def install(tmp_path):
    """Function: runs install.sh with that Python; returns its calls and the exit status."""

    def run(fails=""):
        python = tmp_path / "python"
        python.write_text(PYTHON, encoding="utf-8")
        python.chmod(python.stat().st_mode | stat.S_IXUSR)
        calls = tmp_path / "calls"
        calls.write_text("", encoding="utf-8")
        mine = {key: value for key, value in os.environ.items() if not key.startswith("UV_")}
        done = subprocess.run(
            [REQUIREMENTS / "install.sh", python, "--no-deps", "-r", "requirements/some.lock"],
            env={**mine, "CALLS": str(calls), "FAILS": fails},
            check=False, capture_output=True, text=True, timeout=30,
        )  # fmt: skip
        lines = calls.read_text(encoding="utf-8").splitlines()
        return [line for line in lines if "config get" not in line], done

    return run


def test_uv_comes_from_its_hash_lock_and_then_installs(install):
    (first, second), done = install()
    assert done.returncode == 0
    assert "pip install" in first
    assert "--require-hashes --requirement requirements/uv.lock" in first
    assert second.startswith("-m uv pip install ")
    assert "--no-deps -r requirements/some.lock" in second


def test_uv_asks_the_indexes_that_pip_is_set_to(install):
    (_, second), _ = install()
    assert second.endswith("[first|second third ]")


def test_modules_are_compiled_at_the_installation_only_in_the_image(install):
    (_, second), _ = install()
    assert "--compile-bytecode" not in second
    image = (PROJECT_ROOT / "Dockerfile").read_text(encoding="utf-8")
    installs = image.count('requirements/install.sh "$(command -v python)"')
    assert image.count("RUN UV_COMPILE_BYTECODE=1 requirements/install.sh") == installs > 0


@pytest.mark.parametrize("fails", ["requirements/uv.lock", "uv"])
def test_pip_installs_when_uv_is_missing_or_fails(install, fails):
    calls, done = install(fails)
    assert done.returncode == 0
    assert calls[-1].startswith("-m pip install ")
    assert "--no-deps -r requirements/some.lock" in calls[-1]
    assert "uv could not" in done.stderr


def test_set_up_fails_when_both_fail(install):
    _, done = install("install")
    assert done.returncode == 1


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_locked_package_has_hashes_and_no_url(lock):
    text = lock.read_text(encoding="utf-8")
    packages = text.replace("\\\n", " ").splitlines()
    assert [line for line in packages if line and "--hash=sha256:" not in line] == []
    assert "://" not in text
