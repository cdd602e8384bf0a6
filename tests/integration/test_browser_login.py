"""A reader's way through a real Airflow, in a real browser: login, menu, our pages, and out.

The Airflow is the one that ran the nights of ``airflow_nights``.
"""

from __future__ import annotations

import json
from urllib.parse import urlencode, urlsplit

import pytest
from airflow_nights import AFTER, GOOD, READER
from real_browser import WIDE, downloaded, photograph, resize, skip_without_chromium
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    NoSuchElementException,
    StaleElementReferenceException,
)
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from onestop.local.local_airflow import USER

pytestmark = pytest.mark.airflow
skip_without_chromium()

SINCE = "2022-01-01"
FIGURE = f"/onestop/figure?indicator=on_time_rate&unit=CITY&from={SINCE}&to={AFTER}&lang=en"
NIGHT = f"/onestop/night?date={GOOD}"
#: "hạn trả" in the dictionary, as a browser writes it.
SEARCH = "/onestop/dictionary?q=h%E1%BA%A1n+tr%E1%BA%A3"
#: Airflow draws its pages anew while one looks at them.
_MOVING = (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    NoSuchElementException,
    StaleElementReferenceException,
)


class Reader:
    """Somebody with a browser.

    Attributes:
        chromium: the browser.
        expected: addresses that refuse the reader, which the console notes.
    """

    def __init__(self, chromium, airflow):
        self.chromium = chromium
        self.expected = []
        self._url = airflow.url
        passwords = (airflow.home / "passwords.json").read_text(encoding="utf-8")
        self._passwords = json.loads(passwords)

    def open(self, address):
        self.chromium.get(self._url + address)

    @property
    def address(self):
        """Path and query of the page that is shown."""
        return self.chromium.current_url.removeprefix(self._url)

    @property
    def title(self):
        return self.chromium.find_element(By.TAG_NAME, "h1").text

    @property
    def text(self):
        return self.chromium.find_element(By.TAG_NAME, "body").text

    @property
    def lang(self):
        return self.chromium.find_element(By.TAG_NAME, "html").get_attribute("lang")

    @property
    def menu(self):
        """The addresses in the menu of our pages, without their queries."""
        links = self.chromium.find_elements(By.CSS_SELECTOR, "header nav a")
        return [urlsplit(link.get_attribute("href")).path for link in links]

    def wait(self, done):
        return WebDriverWait(self.chromium, 30, 0.1, _MOVING).until(lambda _: done())

    def click(self, what, by=By.CSS_SELECTOR):
        self.wait(lambda: self.chromium.find_element(by, what).click() is None)

    def log_in(self, user, password=None):
        """Fill in Airflow's form."""
        for name, text in (("username", user), ("password", password or self._passwords[user])):
            field = self.wait(lambda name=name: self.chromium.find_element(By.NAME, name))
            field.send_keys(Keys.CONTROL, "a")
            field.send_keys(text)
        self.click("button[type=submit]")

    def read_console(self):
        """What the browser's console says, without what is expected."""
        return [line for line in self.chromium.get_log("browser") if not self._is_expected(line)]

    def _is_expected(self, line):
        source, message = line["source"], line["message"]
        if source == "recommendation":  # Airflow's form does not declare name and password
            return f"{self._url}/auth/login" in message and "autocomplete" in message
        return source == "network" and any(
            message.startswith(f"{self._url}{address} - ") for address in self.expected
        )


@pytest.fixture
def reader(chromium, in_airflow):
    """A stranger; afterwards the console must be empty."""
    resize(chromium, WIDE)
    chromium.delete_all_cookies()
    reader = Reader(chromium, in_airflow.airflow)
    yield reader
    assert reader.read_console() == []


def test_a_stranger_logs_in_and_lands_on_the_figure_asked_for_and_its_file(reader, downloads):
    reader.open(FIGURE)
    reader.expected.append("/auth/token")
    reader.log_in(USER, "wrong")
    reader.wait(lambda: "Invalid credentials" in reader.text)
    assert reader.address.startswith("/auth/login?next=")
    photograph(reader.chromium, "login")
    reader.log_in(USER)
    reader.wait(lambda: reader.address == FIGURE)
    assert reader.lang == "en"
    photograph(reader.chromium, "login-figure")

    reader.click("CSV", By.PARTIAL_LINK_TEXT)
    listed = downloaded(downloads, f"on_time_rate-CITY-{SINCE}-{AFTER}.csv").decode("utf-8-sig")
    reader.click(".language")
    reader.wait(lambda: reader.lang == "vi")
    reason = reader.chromium.find_element(By.CSS_SELECTOR, ".below-group a")
    count = int(reason.find_element(By.XPATH, "../../td").text)
    reason.click()
    items = reader.chromium.find_elements(By.CSS_SELECTOR, ".items tbody tr")
    assert len(items) == count
    code = items[0].find_element(By.TAG_NAME, "th").text.split()[1]
    assert code in listed
    source = items[0].find_element(By.CSS_SELECTOR, "a[href^='delivery']")
    file = source.text
    source.click()
    assert reader.title == file
    assert "SHA-256" in reader.text


def test_airflow_s_menu_leads_to_the_pages_and_the_run_of_a_night_to_its_page_and_back(reader):
    reader.expected.append("/ui/config")  # Airflow's page asks for it before it asks who it is
    reader.open("/")
    reader.log_in(USER)
    reader.click("button[aria-label=Browse]")
    [first] = reader.chromium.window_handles
    reader.click("Số liệu một cửa", By.PARTIAL_LINK_TEXT)
    reader.wait(lambda: len(reader.chromium.window_handles) > 1)
    [ours] = set(reader.chromium.window_handles) - {first}
    reader.chromium.switch_to.window(ours)
    reader.wait(lambda: reader.menu)
    assert reader.address == "/onestop/"
    assert reader.menu == [
        f"/onestop/{page}" for page in ("", "units", "figure", "nights", "audit")
    ]
    for page in reader.menu:
        reader.open(page)
        assert reader.title
        assert reader.chromium.find_elements(By.CSS_SELECTOR, "main table, main dl"), page
    assert reader.read_console() == []
    reader.chromium.close()
    reader.chromium.switch_to.window(first)

    reader.open(NIGHT)
    reader.click("a[href*='/dags/onestop_nightly/runs']")
    reader.click(f"{GOOD} 01:00:00", By.LINK_TEXT)  # in the city's time, not in UTC
    reader.click("table a[href$='/tasks/compute']")
    reader.click("Details", By.LINK_TEXT)
    reader.click("Trang số liệu", By.LINK_TEXT)
    reader.wait(lambda: reader.address == NIGHT)
    assert f"{GOOD:%d/%m/%Y}" in reader.title


def test_a_viewer_reads_figures_and_is_refused_the_record(reader):
    reader.expected += ["/onestop/nights", "/onestop/quarantine.csv"]
    reader.open("/onestop/nights")
    reader.log_in(READER)
    reader.wait(lambda: reader.address == "/onestop/nights")
    assert "ONESTOP_RECORD_ROLES" in reader.text
    photograph(reader.chromium, "login-refused")
    assert reader.menu == [f"/onestop/{page}" for page in ("", "units", "figure")]
    reader.open("/onestop/quarantine.csv")
    assert "ONESTOP_RECORD_ROLES" in reader.text
    reader.open(FIGURE)
    assert reader.chromium.find_elements(By.CSS_SELECTOR, ".items tbody tr")
    assert reader.chromium.find_elements(By.CSS_SELECTOR, "a[href^='delivery']") == []


def test_after_logging_out_the_old_login_opens_no_page(reader):
    reader.open(SEARCH)
    reader.log_in(USER)
    reader.wait(lambda: reader.address == SEARCH)
    field = reader.chromium.find_element(By.NAME, "q")
    assert field.get_attribute("value") == "hạn trả"
    [token] = [one for one in reader.chromium.get_cookies() if one["name"] == "_token"]
    reader.open("/")
    reader.click("button[aria-label=User]")
    reader.click("//*[@role='menuitem'][contains(., 'Logout')]", By.XPATH)
    reader.click("[data-testid=confirmation-confirm-button]")
    reader.wait(lambda: reader.address.startswith("/auth/login"))
    for cookies in ([], [token]):
        for cookie in cookies:
            reader.chromium.add_cookie(cookie)
        reader.open(SEARCH)
        assert reader.address == f"/auth/login?{urlencode({'next': SEARCH})}"
    reader.chromium.back()
    assert reader.address.startswith("/auth/login")
