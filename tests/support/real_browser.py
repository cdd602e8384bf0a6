"""A real Chromium without a window: Debian's packages ``chromium`` and ``chromium-driver``.

With ``ONESTOP_SCREENSHOTS`` set to a folder, :func:`photograph` leaves its pictures there.
"""

from __future__ import annotations

import os
import shutil
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver.remote.webdriver import WebDriver

_CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
_DRIVER = shutil.which("chromedriver")
_AXE = (Path(__file__).parents[1] / "data" / "axe" / "axe.min.js").read_text(encoding="utf-8")
#: Without most of these, Chromium looks for hosts of its maker at every start. A page that moves
#: while it scrolls is not where a click goes.
_QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars", "--force-prefers-reduced-motion",
)  # fmt: skip
WIDE, PHONE = (1280, 900), (390, 844)


def skip_without_chromium() -> None:
    """Skip the calling module where there is no Chromium; the report has one line for all."""
    if not (_CHROMIUM and _DRIVER):
        reason = "no Chromium: apt-get install chromium chromium-driver"
        pytest.skip(reason, allow_module_level=True)


@contextmanager
def running_chromium(profile: Path, downloads: Path) -> Iterator[WebDriver]:
    """A browser that nobody has used before.

    Args:
        profile: a folder for what it keeps.
        downloads: where it saves files.
    """
    options = Options()
    options.binary_location = str(_CHROMIUM)
    for argument in (*_QUIET, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chromium = webdriver.Chrome(options, Service(_DRIVER))
    yield chromium
    chromium.quit()


def resize(chromium: WebDriver, size: tuple[int, int]) -> None:
    """Show pages at this width and height."""
    chromium.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False},
    )


def audit(chromium: WebDriver, *, only_contrast: bool = False) -> list[tuple]:
    """What axe finds by WCAG 2.2 A and AA: rule, and where."""
    chromium.execute_script(_AXE)
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    if only_contrast:
        options = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
    found = chromium.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        " axe.run(document, arguments[0]).then(found => done(found.violations));",
        options,
    )
    return [
        (rule["id"], node["target"], node["any"][:1])
        for rule in found
        for node in rule["nodes"][:3]
    ]


def downloaded(folder: Path, name: str) -> bytes:
    """The content of a file that the browser saves; empty if it does not within ten seconds."""
    until = time.monotonic() + 10
    while not (folder / name).is_file():
        if time.monotonic() > until:
            return b""
        time.sleep(0.05)
    return (folder / name).read_bytes()


def photograph(chromium: WebDriver, name: str) -> None:
    """Keep a picture of what the browser shows, where pictures are asked for."""
    if folder := os.environ.get("ONESTOP_SCREENSHOTS"):
        chromium.save_screenshot(str(Path(folder) / f"{name}.png"))
