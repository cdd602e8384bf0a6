"""The installations of three nights that many tests start from; see ``kept_installations``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from published_marts import FIRST, SECOND, THIRD, settings_in
from steps_by_hand import take_in_all

from onestop.night import run_night
from onestop.sample import write_sample

if TYPE_CHECKING:
    from pathlib import Path

    from kept_installations import KeptInstallations


def publish_one_night(folder: Path, _: KeptInstallations) -> None:
    """Write the exports of three nights; publish the first."""
    settings = settings_in(folder)
    write_sample(settings.exports, FIRST, THIRD, per_day=10, communes=1)
    assert run_night(settings, FIRST).state == "published"


def load_second_night(folder: Path, kept: KeptInstallations) -> None:
    """Load the second night's files on top, without computing anything."""
    take_in_all(kept.copy(publish_one_night, folder), SECOND)


def publish_second_night(folder: Path, kept: KeptInstallations) -> None:
    """Publish the second night on top."""
    assert run_night(kept.copy(load_second_night, folder), SECOND).state == "published"
