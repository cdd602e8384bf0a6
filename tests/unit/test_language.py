"""The language of what people read: an option, LANG_UI, the operating system's, Vietnamese."""

from __future__ import annotations

import pytest

from onestop.errors import SettingsError
from onestop.language import chosen_language, shown_language
from onestop.schema.project import PROJECT_ROOT


@pytest.fixture(autouse=True)
def _no_locale(monkeypatch):
    for name in ("LANG_UI", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("", "vi"), ("vi", "vi"), ("EN", "en"), (" Vi ", "vi"), ("en_US.UTF-8", "en"),
        ("vi_VN.UTF-8", "vi"), ("vi-VN", "vi"), ("en_GB", "en"), ("vi_VN.utf8@x", "vi"),
    ],
)  # fmt: skip
def test_a_language_is_read_as_a_code_or_a_locale(monkeypatch, text, language):
    monkeypatch.setenv("LANG_UI", text)
    assert chosen_language() == language
    assert chosen_language(text) == language


@pytest.mark.parametrize("text", ["xx", "english", "fr_FR.UTF-8", "C.UTF-8", "en_US;rm"])
def test_another_language_is_refused_with_those_that_there_are(monkeypatch, text):
    monkeypatch.setenv("LANG_UI", text)
    with pytest.raises(SettingsError, match=f"LANG_UI: {text} is no language.*write vi or en"):
        chosen_language()
    with pytest.raises(SettingsError, match=f"lang: {text} is no language"):
        chosen_language(text)
    assert shown_language() == "vi"


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({}, "vi"),
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "C.UTF-8"}, "vi"),
        ({"LANG": "fr_FR.UTF-8"}, "vi"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "vi_VN.UTF-8"}, "vi"),
        ({"LANG": "vi_VN.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LANG_UI": "vi"}, "vi"),
    ],
)
def test_without_lang_ui_the_language_of_the_terminal_counts(monkeypatch, variables, language):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert chosen_language() == language


def test_one_place_reads_the_language():
    readers = [
        path.name
        for path in (PROJECT_ROOT / "plugins").rglob("*.py")
        if 'environ.get("LANG_UI"' in path.read_text(encoding="utf-8")
    ]
    assert readers == ["language.py"]
