"""Machines of their own on this one: each has its own network, disk, name and processes.

A machine is a network namespace with one cable to this machine, and in it a process tree in
namespaces of its own: a fresh disk in memory lies over the folder of the test, and no process of
another machine is seen. Killing it is what a power cut does to a machine.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from functools import cache
from ipaddress import IPv4Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING

from onestop.storage import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

#: Networks that are kept for documentation. One that this machine itself is not in is taken; each
#: cable has four of its addresses.
_NETWORKS = ("198.51.100.0/24", "203.0.113.0/24", "192.0.2.0/24")
_PROGRAMS = ("ip", "unshare", "mount", "hostname")


@cache
def network() -> IPv4Network | None:
    """The network of the cables; None where this machine is in all of them."""
    listed_routes = json.loads(_run("ip", "-json", "-4", "route", "show", "table", "all"))
    routes = [ip_network(one["dst"]) for one in listed_routes if one["dst"] != "default"]
    free = (
        candidate
        for candidate in map(IPv4Network, _NETWORKS)
        if not any(candidate.overlaps(route) for route in routes)
    )
    return next(free, None)


def here() -> str:
    """This machine's address, which the others reach; it exists while they do."""
    return _addresses(1)[0]


def why_not() -> str | None:
    """The reason why there can be no such machines here; None where there can."""
    if os.geteuid():
        return "network namespaces need root"
    if missing := [name for name in _PROGRAMS if not shutil.which(name)]:
        return f"there is no program {missing[0]}"
    try:
        if not network():
            return "this machine is in all networks that are kept for documentation"
        with _cable(0):
            pass
    except subprocess.CalledProcessError as refused:
        return f"network namespaces are refused here: {refused.stderr.strip()}"
    return None


@dataclass(eq=False)
class Machine:
    """A machine; off at first.

    Attributes:
        number: 1, 2, …
        address: on its cable, and its name.
        folder: the test's folder. The machine has an empty one of its own there.
    """

    number: int
    address: str
    folder: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(
        self, command: Sequence[str], environment: Mapping[str, str], copied: Path, log: Path
    ) -> None:
        """Switch it on with one program.

        Args:
            command: the program with its arguments.
            environment: all variables that it has.
            copied: a folder that is copied onto its disk before, to the same place: what an
                administrator puts on every machine.
            log: the file of this machine that gets the program's output.
        """
        disk = self.folder / "disk"
        disk.mkdir(exist_ok=True)
        below = disk / copied.relative_to(self.folder)
        script = [
            ["hostname", self.address],
            ["mount", "-t", "tmpfs", "none", str(disk)],
            ["mkdir", "-p", str(below.parent), str(disk / "tmp")],
            ["cp", "-r", str(copied), str(below)],
            ["mount", "--bind", str(disk), str(self.folder)],
            ["exec", *command],
        ]
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [
                    *("ip", "netns", "exec", _name(self.number)),
                    *("unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child"),
                    *("--mount-proc", "--", "sh", "-ec", "\n".join(map(shlex.join, script))),
                ],
                env={**environment, "TMPDIR": str(self.folder / "tmp")},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def is_on(self) -> bool:
        """Whether its program runs."""
        return self._process is not None and self._process.poll() is None

    def files(self) -> list[str]:
        """What lies on its disk now."""
        first = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        return list(listed(Path(f"/proc/{first.split()[0]}/root{self.folder}")))

    def kill(self) -> None:
        """SIGKILL to all its processes at once; its disk is gone with them."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@contextlib.contextmanager
def machines(count: int, folder: Path) -> Iterator[list[Machine]]:
    """Machines on cables to this one; they are killed at the end.

    Args:
        count: how many.
        folder: the test's folder, which each of them has empty at first.
    """
    with contextlib.ExitStack() as stack:
        made = []
        for number in range(1, count + 1):
            made.append(Machine(number, stack.enter_context(_cable(number)), folder))
            stack.callback(_off, made[-1])
        yield made


def _off(machine: Machine) -> None:
    if machine.is_on:
        machine.kill()


def _addresses(number: int) -> tuple[str, str]:
    """The addresses at this end of a cable and at the other."""
    first = 4 * number
    return str(network()[first + 1]), str(network()[first + 2])


def _name(number: int) -> str:
    return f"onestop-{os.getpid()}-{number}"


@contextlib.contextmanager
def _cable(number: int) -> Iterator[str]:
    """A network namespace with a cable to this machine; yields its address there."""
    name, cable = _name(number), f"os{os.getpid()}-{number}"
    near, far = _addresses(number)
    _run("ip", "netns", "add", name)
    try:
        _run("ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name)
        _run("ip", "address", "add", f"{near}/30", "dev", cable)
        _run("ip", "link", "set", cable, "up")
        _run("ip", "-n", name, "address", "add", f"{far}/30", "dev", "eth0")
        _run("ip", "-n", name, "link", "set", "lo", "up")
        _run("ip", "-n", name, "link", "set", "eth0", "up")
        _run("ip", "-n", name, "route", "add", "default", "via", near)
        yield far
    finally:
        # connections that are just closed keep a namespace with its cable for a while
        with contextlib.suppress(subprocess.CalledProcessError):
            _run("ip", "link", "delete", cable)
        _run("ip", "netns", "delete", name)


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
