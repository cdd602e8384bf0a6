"""A lock per delivery: one process at a time works on its staged file."""

from __future__ import annotations

import fcntl
import hashlib
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from onestop.errors import OneStopError
from onestop.said import said

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from onestop.intake.delivery import Delivery

#: How long to wait for the other process; validating a large snapshot takes less.
_WAIT_SECONDS = 600.0
_POLL_SECONDS = 0.1


class DeliveryBusyError(OneStopError):
    """Another run works on the same delivery; says which one and what to do."""


@contextmanager
def working_on(
    delivery: Delivery, locks: Path, *, wait_seconds: float = _WAIT_SECONDS
) -> Iterator[None]:
    """Hold the delivery's lock; the system releases it when the process ends.

    Args:
        delivery: which one.
        locks: the folder of the lock files.
        wait_seconds: how long to wait for another process that holds it.

    Raises:
        DeliveryBusyError: the other process still holds it.
    """
    locks.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(delivery.delivery_id.encode()).digest()
    deadline = time.monotonic() + wait_seconds
    with (locks / f"{digest[0]:02x}").open("ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise DeliveryBusyError(
                        said(
                            "another run is still working on it after {wait_seconds:.0f} s",
                            wait_seconds=wait_seconds,
                        ),
                        subject=delivery.file_name,
                        remedy="let that run end or stop it, then run again",
                    ) from None
                time.sleep(_POLL_SECONDS)
        yield
