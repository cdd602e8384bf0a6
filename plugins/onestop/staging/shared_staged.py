"""Staged files on their way between machines: fetched before a step, put back after it.

Two objects hold a delivery's staged file: as it was read, and with the gate's tables. Both depend
on the landed bytes and the rules alone. So a step that two machines work on at the same time, as
when a worker was given up too early, gives the same object twice, in any order, and needs no lock
across machines.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from onestop.intake.landing import make_private
from onestop.staging.staged_delivery import staged_path
from onestop.storage import fetch, put_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from onestop.intake.delivery import Delivery
    from onestop.settings import Folders

#: The folders of the two objects: as read, and with the gate's tables.
READ, JUDGED = "read", "judged"


@contextmanager
def staged_at_hand(
    delivery: Delivery, folders: Folders, *, takes: str, gives: str = ""
) -> Iterator[Path]:
    """The path of a delivery's staged file on this machine, for one step.

    Where several machines share the files, it is fetched before and put back after the step. This
    machine's copy is deleted, since it may hold personal data. Hold the delivery's lock meanwhile.

    Args:
        delivery: the delivery.
        folders: of the installation.
        takes: :data:`READ` or :data:`JUDGED`: what the step works on; it may not be there.
        gives: what the step makes; empty where it only reads.

    Raises:
        StoreError: it cannot be fetched or put.
    """
    staged = staged_path(folders.staging, delivery.delivery_id)
    shared = folders.shared_staging
    if shared is None:
        yield staged
        return
    staged.unlink(missing_ok=True)
    try:
        _fetch(shared / takes / staged.name, staged)
        yield staged
        if gives:
            put_file(staged, shared / gives / staged.name)
    finally:
        staged.unlink(missing_ok=True)


def _fetch(shared: Path, staged: Path) -> None:
    make_private(staged.parent)
    with suppress(FileNotFoundError):
        fetch(shared, staged)
