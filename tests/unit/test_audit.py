"""The audit of the locks trusts only a database that reports a known vulnerability."""

from __future__ import annotations

import importlib.util

import pytest

from onestop.schema.project import PROJECT_ROOT

_SPEC = importlib.util.spec_from_file_location("audit", PROJECT_ROOT / "requirements" / "audit.py")
audit = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(audit)

KNOWN = {"name": "jinja2", "version": "2.10", "vulns": [{"id": "GHSA-1", "fix_versions": ["2.11"]}]}
SKIPPED = {"name": "jinja2", "skip_reason": "not found"}
CLEAN = {"name": "pandas", "version": "3.1.1", "vulns": []}


def databases(monkeypatch, **answers):
    """Fake databases by name: the answer of each for the canary, then for the locks."""

    def ask(service, pinned):
        of_canary, of_locks = answers[service]
        answer = of_canary if pinned == [audit.CANARY] else of_locks
        if answer is None:
            raise audit.AuditError("no route")
        return answer

    monkeypatch.setattr(audit, "ask", ask)


def test_every_package_of_the_locks_is_asked_for():
    for lock in audit.LOCKS:
        text = lock.read_text(encoding="utf-8")
        assert len(audit.pins(text)) == text.count("==") - text.count(" == ")
    assert "duckdb==2.0.0" in audit.pins(audit.LOCKS[0].read_text(encoding="utf-8"))


@pytest.mark.parametrize("of_canary", [None, [SKIPPED], [{**KNOWN, "vulns": []}], []])
def test_databases_that_do_not_answer_or_know_nothing_do_not_count_as_an_audit(
    monkeypatch, capsys, of_canary
):
    databases(monkeypatch, pypi=(of_canary, [CLEAN]), osv=(None, None))
    assert audit.main([]) == 1
    assert audit.main(["--lenient"]) == 0
    printed = capsys.readouterr()
    assert printed.err.startswith("NOT AUDITED")
    assert printed.out.startswith("NOT AUDITED")


def test_the_second_database_is_asked_when_the_first_one_does_not_answer(monkeypatch, capsys):
    databases(monkeypatch, pypi=(None, None), osv=([KNOWN], [CLEAN]))
    assert audit.main([]) == 0
    assert "1 packages asked for at osv: 0 complaints" in capsys.readouterr().out


def test_a_vulnerability_fails_in_lenient_mode_too_and_names_its_remedy(monkeypatch, capsys):
    databases(monkeypatch, pypi=([KNOWN], [CLEAN, KNOWN]), osv=(None, None))
    assert audit.main(["--lenient"]) == 1
    assert "jinja2 2.10: GHSA-1; fixed in 2.11" in capsys.readouterr().err


def test_an_unchecked_package_or_a_broken_connection_fails(monkeypatch):
    databases(monkeypatch, pypi=([KNOWN], [CLEAN, SKIPPED]), osv=(None, None))
    assert audit.main(["--lenient"]) == 1
    databases(monkeypatch, pypi=([KNOWN], None), osv=(None, None))
    assert audit.main(["--lenient"]) == 1


def test_an_ignored_vulnerability_needs_a_reason():
    assert audit.read_ignored("# note\nGHSA-1  not reached from outside\n") == {
        "GHSA-1": "not reached from outside"
    }
    assert audit.complain([KNOWN], {"GHSA-1": "not reached"}) == []
    with pytest.raises(ValueError, match="GHSA-1: say why"):
        audit.read_ignored("GHSA-1\n")
