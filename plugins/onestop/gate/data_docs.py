"""Data Docs: a validation result rendered by Great Expectations, made safe.

Great Expectations' page escapes nothing and loads scripts and styles from several web sites. Here
every text is escaped before rendering, and everything external is removed from the page. Its
overview calls a validation failed when a warning found something, and shows the night as a time of
day; the gate's verdict replaces it.
Imports Great Expectations: see :func:`onestop.gate.evaluation.load_engine`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from html import escape
from typing import Any

from great_expectations import __version__
from great_expectations.core.expectation_validation_result import (
    ExpectationSuiteValidationResult,
    ExpectationValidationResult,
)
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.render.renderer import ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaPageView
from lxml import html

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'"
_STYLE = """
:root { color-scheme: light dark; --ink: #1d232b; --soft: #5b6673; --line: #dfe3e8;
  --met: #14713d; --miss: #b3261e; --link: #1857a4; --paper: #fff; --band: #f5f7f9; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --soft: #9aa5b1; --line: #333b45;
  --met: #5fc88d; --miss: #ff8a80; --link: #8ab8f0; --paper: #171b20; --band: #20262d; } }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem 1.25rem 3rem; background: var(--paper);
  color: var(--ink); font: 15px/1.45 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
a { color: var(--link); }
table { border-collapse: collapse; width: 100%; margin-bottom: 1rem; }
th, td { padding: .4rem .6rem; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { font-size: .82rem; color: var(--soft); white-space: nowrap; overflow-wrap: normal; }
h1 { font-size: 1.4rem; margin: 0 0 1rem; }
h5 { font-size: 1.1rem; margin: 1.5rem 0 .5rem; } h6 { font-size: .95rem; margin: .6rem 0; }
code { display: block; color: var(--soft); font-size: .82rem; margin-top: .2rem; }
em { color: var(--soft); }
ul { padding-left: 1rem; } li { list-style: none; }
.collapse, .ml-2 { margin: 0; }
.alert { background: var(--band); padding: .6rem .9rem; }
.fa-check-circle::before { content: "✓"; color: var(--met); font-weight: 700; }
.fa-times::before { content: "✗"; color: var(--miss); font-weight: 700; }
.fa-exclamation-triangle::before { content: "!"; color: var(--miss); font-weight: 700; }
i { font-style: normal; }
"""
#: Parts of Great Expectations' page that load something, run something or advertise.
_NOT_OURS = (
    "//script | //link | //style | //iframe | //object | //embed | //form | //img | //nav"
    " | //footer | //meta[@http-equiv] | //*[contains(@class, 'modal')]"
    " | //*[contains(@class, 'sticky')] | //*[contains(@class, 'col-md-2')]"
    " | //*[contains(@class, 'cooltip')]/span[contains(@class, 'top')]"
    " | //a[@data-toggle='collapse'] | //*[@id='section-1']"
)


@dataclass(frozen=True)
class Verdict:
    """The gate's decision, in both languages.

    Attributes:
        is_good: the delivery is accepted, or the marts may be published.
        vi: the verdict in Vietnamese.
        en: the verdict in English.
    """

    is_good: bool
    vi: str
    en: str


def data_docs_page(
    title: str,
    suite: str,
    name: str,
    night: str,
    verdict: Verdict,
    results: list[dict[str, Any]],
) -> str:
    """The page of one validation.

    Args:
        title: what was validated, for people.
        suite: the suite's name.
        name: the validation's name.
        night: the night it belongs to, as in ``2022-06-30``.
        verdict: the gate's, for the head of the page.
        results: as in the result file.
    """
    passed = sum(bool(item["success"]) for item in results)
    outcome = ExpectationSuiteValidationResult(
        success=verdict.is_good,
        results=[_result(item) for item in results],
        suite_name=_safe(suite),
        statistics={
            "evaluated_expectations": len(results),
            "successful_expectations": passed,
            "unsuccessful_expectations": len(results) - passed,
            "success_percent": 100 * passed / max(len(results), 1),
        },
        meta={
            "great_expectations_version": __version__,
            "run_id": {"run_name": _safe(name), "run_time": night},
            "batch_spec": {"data_asset_name": _safe(name)},
        },
    )
    page = _view().render(ValidationResultsPageRenderer().render(outcome))
    return _on_its_own(page, title, night, verdict, _found(passed, len(results)))


def _found(passed: int, rules: int) -> str:
    return (
        f"{rules} quy tắc, {passed} không bị vi phạm – {rules} rules, {passed} not broken –"
        f" Great Expectations {__version__}"
    )


@cache
def _view() -> DefaultJinjaPageView:
    """The renderer, one per process, because a new one compiles all templates."""
    return DefaultJinjaPageView()


def _result(item: dict[str, Any]) -> ExpectationValidationResult:
    config = item["expectation_config"]
    result = {name: value for name, value in item["result"].items() if name != "listed_rows"}
    return ExpectationValidationResult(
        success=item["success"],
        expectation_config=ExpectationConfiguration(
            type=config["type"],
            kwargs=_escaped(config["kwargs"]),
            description=_description(item),
            severity=config["severity"],
        ),
        result=_escaped(result),
        exception_info={
            "raised_exception": False,
            "exception_message": None,
            "exception_traceback": None,
        },
    )


def _description(item: dict[str, Any]) -> str:
    """The page's text for an expectation: the rule, its sentences, SQL and rows."""
    config, meta = item["expectation_config"], item["expectation_config"]["meta"]
    query = config["kwargs"].get("unexpected_rows_query", config["type"])
    parts = [
        f"<b>{_safe(meta['rule_code'])}</b> {_safe(meta['message_vi'])}<br>",
        f"<em>{_safe(meta['message_en'])}</em>",
        f"<code>{_safe(query)}</code>",
    ]
    numbers = [row["row_number"] for row in item["result"]["listed_rows"] if "row_number" in row]
    if numbers:
        parts.append(f"<em>dòng / rows: {_safe(', '.join(str(number) for number in numbers))}</em>")
    return "".join(parts)


def _safe(text: str) -> str:
    """Text escaped for HTML and for Great Expectations' placeholders."""
    return escape(text).replace("$", "&#36;")


def _escaped(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, str):
        return _safe(value)
    if isinstance(value, dict):
        return {name: _escaped(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    return value


def _on_its_own(page: str, title: str, night: str, verdict: Verdict, found: str) -> str:
    """The page without scripts and external links, with our own style."""
    root = html.document_fromstring(page)
    for part in root.xpath(_NOT_OURS):
        part.drop_tree()
    for part in root.iter():
        for name in list(part.attrib):
            if name.startswith("on") or (name in ("href", "src") and part.get(name)[:1] != "#"):
                del part.attrib[name]
    for old in root.xpath("//title"):
        old.drop_tree()
    head = root.find("head")
    head.insert(0, _element("meta", {"http-equiv": "Content-Security-Policy", "content": _POLICY}))
    head.append(_element("title", {}, f"{title} – Data Docs"))
    head.append(_element("style", {}, _STYLE))
    body = root.find("body")
    sign = "fa-check-circle" if verdict.is_good else "fa-times"
    decided = _element("p", {"class": "alert"})
    decided.append(_element("i", {"class": sign}))
    decided.append(_element("b", {}, f" {verdict.vi} – {verdict.en}"))
    body.insert(0, _element("p", {}, found))
    body.insert(0, decided)
    body.insert(0, _element("h1", {}, title))
    body.insert(0, _element("a", {"href": "../index.html"}, night))
    return str(html.tostring(root, encoding="unicode", doctype="<!DOCTYPE html>"))


def _element(tag: str, attributes: dict[str, str], text: str | None = None) -> Any:  # noqa: ANN401 - lxml
    element = html.Element(tag, attributes)
    element.text = text
    return element
