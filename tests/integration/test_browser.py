"""The pages in a real browser: Chromium reads them, clicks through them, and axe audits them.

Debian's packages ``chromium`` and ``chromium-driver`` are enough; without them the tests are
skipped. With ``ONESTOP_SCREENSHOTS`` set to a folder, the pages are photographed there.
"""

from __future__ import annotations

import socket
import threading

import pytest
import uvicorn
from fastapi import FastAPI
from real_browser import (
    PHONE,
    WIDE,
    audit,
    downloaded,
    photograph,
    resize,
    skip_without_chromium,
)
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.expected_conditions import url_contains
from selenium.webdriver.support.ui import WebDriverWait
from web_site import NIGHT, REJECTED, SINCE, publish_site

from onestop.figures.web import make_app

skip_without_chromium()
#: Every page, by its name in the screenshots.
PAGES = {
    "overview": "",
    "units": "units?level=all",
    "unit": "unit?code=H24.01",
    "open": "open?unit=CITY&band=age_to_5",
    "figure": f"figure?indicator=on_time_rate&unit=CITY&from={SINCE}&to={NIGHT}",
    "report": "report?code=half_year&issue=1",
    "nights": "nights",
    "night": f"night?date={NIGHT}",
    "delivery": f"delivery?id={REJECTED}",
    "quarantine": "quarantine",
    "rule": "rule?code=DOS-R07",
    "audit": "audit",
    "restatements": "restatements",
    "difference": "difference",
    "publications": "publications",
    "dictionary": "dictionary",
    "table": "dictionary?table=mart.scorecard",
    "codes": "dictionary?part=codes",
    "found": "dictionary?q=han+tra",
    "missing": "unit?code=H99",
}


#: Unfolds what a page only names until it is clicked.
OPEN_ALL = "for (const each of document.querySelectorAll('details')) each.open = true"
#: The headings in a phone's cards that have nothing beside them.
HEADINGS_OF_NOTHING = """
    return [...document.querySelectorAll(".cards td[data-label]")]
        .filter(cell => cell.checkVisibility() && !cell.innerText.trim())
        .filter(cell => !cell.querySelector("svg"))
        .map(cell => cell.dataset.label)
"""
#: The first cells of rows that hold a sentence in a column of about a word.
SQUEEZED = """
    return [...document.querySelectorAll("table:not(.cards) tbody th[scope=row]")]
        .filter(cell => cell.checkVisibility() && cell.innerText.trim().split(/\\s+/).length > 3)
        .filter(cell => cell.clientWidth < 90)
        .map(cell => cell.innerText)
"""
#: Gives the table of rules as many nights as it may have.
FOURTEEN_NIGHTS = """
    for (const row of document.querySelectorAll(".rules tr"))
        while (row.cells.length < 15) row.append(row.lastElementChild.cloneNode(true))
"""


@pytest.fixture(scope="module")
def address(kept, tmp_path_factory):
    """The site, served under the path that it has in Airflow."""
    settings = kept.copy(publish_site, tmp_path_factory.mktemp("site") / "var")
    outer = FastAPI()
    outer.mount(
        "/onestop",
        make_app(
            lambda: settings,
            guard=lambda: None,
            login_url=lambda page: f"/login?next={page}",
            reads_record=lambda: True,
        ),
    )
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(outer, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/onestop/"
        server.should_exit = True
        thread.join()


@pytest.fixture
def page(chromium, address):
    """Opens a page at a width; afterwards the console must be empty."""

    def open_page(path="", size=WIDE):
        resize(chromium, size)
        chromium.get(address + path)
        return chromium

    chromium.get_log("browser")
    yield open_page
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    said = chromium.get_log("browser")
    assert [line for line in said if "/unit?code=H99" not in line["message"]] == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_and_fits_a_phone(page, name):
    chromium = page(PAGES[name])
    assert chromium.find_element(By.TAG_NAME, "h1").text
    photograph(chromium, name)
    assert audit(chromium) == []
    for lang in ("vi", "en"):
        chromium = page(f"{PAGES[name]}{'&' if '?' in PAGES[name] else '?'}lang={lang}", PHONE)
        photograph(chromium, f"{name}-phone-{lang}")
        chromium.execute_script(OPEN_ALL)
        width = chromium.execute_script("return document.documentElement.scrollWidth")
        assert width <= PHONE[0], lang
        assert chromium.execute_script(HEADINGS_OF_NOTHING) == [], lang
        assert chromium.execute_script(SQUEEZED) == [], lang
    assert audit(chromium) == []


def test_on_a_phone_the_rules_of_many_nights_are_sentences_not_columns_of_words(page):
    chromium = page(PAGES["nights"], PHONE)
    assert chromium.find_elements(By.CSS_SELECTOR, ".rules tbody th")
    chromium.execute_script(FOURTEEN_NIGHTS)
    assert chromium.execute_script(SQUEEZED) == []
    assert chromium.execute_script("return document.documentElement.scrollWidth") <= PHONE[0]


def test_a_phone_says_once_of_what_an_indicator_has_no_figures(page):
    chromium = page("?lang=en", PHONE)
    rows = chromium.find_elements(By.CSS_SELECTOR, ".indicators tbody tr")
    said = [row.text.lower().count("not applicable") for row in rows]
    assert set(said) == {0, 1}


@pytest.mark.parametrize("name", ["overview", "units", "nights"])
def test_a_dark_page_has_enough_contrast(page, chromium, name):
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": dark})
    page(f"{PAGES[name]}{'&' if '?' in PAGES[name] else '?'}lang=en")
    assert audit(chromium, only_contrast=True) == []
    photograph(chromium, f"{name}-dark")


def test_a_number_leads_to_its_items_and_on_to_the_file_and_row(page):
    chromium = page()
    shown = chromium.find_element(By.CSS_SELECTOR, ".big a")
    figure = shown.text
    shown.click()
    assert chromium.find_element(By.CSS_SELECTOR, ".figure-line .big").text == figure
    assert "Các mục cộng lại khớp" in chromium.find_element(By.TAG_NAME, "main").text
    reason = chromium.find_element(By.CSS_SELECTOR, ".below-group a")
    count = reason.find_element(By.XPATH, "../../td").text
    reason.click()
    assert chromium.find_element(By.ID, "items").text.endswith(f": {count}")
    chromium.find_element(By.CSS_SELECTOR, ".items a[href^='delivery']").click()
    assert "SHA-256" in chromium.find_element(By.TAG_NAME, "main").text


def test_the_language_switch_keeps_the_page_and_every_link_after_it(page):
    chromium = page("units?level=district")
    chromium.find_element(By.CSS_SELECTOR, ".language").click()
    html = chromium.find_element(By.TAG_NAME, "html")
    assert html.get_attribute("lang") == "en"
    assert "level=district" in chromium.current_url
    chromium.find_element(By.CSS_SELECTOR, ".heat tbody th a").click()
    assert chromium.find_element(By.TAG_NAME, "html").get_attribute("lang") == "en"
    chromium.find_element(By.CSS_SELECTOR, ".language").click()
    assert chromium.find_element(By.TAG_NAME, "html").get_attribute("lang") == "vi"


def test_a_filter_keeps_the_language_and_shows_what_was_chosen(page):
    chromium = page("quarantine?lang=en")
    chromium.find_element(By.CSS_SELECTOR, "select[name=state] option[value=open]").click()
    chromium.find_element(By.CSS_SELECTOR, "form.filter button").click()
    WebDriverWait(chromium, 10).until(url_contains("state=open"))
    assert chromium.find_element(By.TAG_NAME, "html").get_attribute("lang") == "en"
    states = chromium.find_elements(By.CSS_SELECTOR, "tbody td:last-child")
    assert {state.text for state in states} == {"! open"}


@pytest.mark.parametrize("ending", ["CSV", "XLSX"])
def test_the_items_of_a_figure_are_downloaded(page, downloads, ending):
    chromium = page(PAGES["figure"])
    chromium.find_element(By.PARTIAL_LINK_TEXT, ending).click()
    name = f"on_time_rate-CITY-{SINCE}-{NIGHT}.{ending.lower()}"
    assert len(downloaded(downloads, name)) > 1000


def test_the_keyboard_reaches_the_content_first(page):
    chromium = page()
    chromium.switch_to.active_element.send_keys(Keys.TAB)
    focused = chromium.switch_to.active_element
    assert focused.get_attribute("class") == "skip"
    assert focused.is_displayed()
    focused.send_keys(Keys.ENTER)
    assert chromium.switch_to.active_element.get_attribute("id") == "main"
