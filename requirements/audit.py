"""Have known vulnerabilities looked up for every package of the locks, by pip-audit.

A database that cannot be reached, or that answers without knowing anything, must not look like
"nothing found": a release with well-known vulnerabilities is asked for first, and only a database
that knows them is believed.

    audit.py            exit 1 on a vulnerability, and when no database could be asked
    audit.py --lenient  exit 0 when no database could be asked; it is still reported
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
LOCKS = tuple(FOLDER / f"{name}.lock" for name in ("runtime", "dev", "uv", "spark", "celery"))
IGNORED = FOLDER / "audit-ignored.txt"
#: Every database of Python vulnerabilities knows some of this release.
CANARY = "jinja2==2.10"
SERVICES = ("pypi", "osv")
_TIMEOUT_SECONDS = 900


class AuditError(Exception):
    """A database of vulnerabilities could not be asked."""


def main(arguments: list[str]) -> int:
    """Audit the locks; the exit status."""
    try:
        ignored = read_ignored(IGNORED.read_text(encoding="utf-8"))
    except ValueError as error:
        return _say(str(error), 1)
    service = next((one for one in SERVICES if knows_canary(one)), None)
    if service is None:
        return _say(
            "NOT AUDITED: no database of vulnerabilities answers from here"
            f" ({' and '.join(SERVICES)} were asked about {CANARY}). Nothing is known about the"
            " packages of the locks; run `make audit` on a machine that reaches one of them.",
            0 if "--lenient" in arguments else 1,
        )
    pinned = sorted({line for lock in LOCKS for line in pins(lock.read_text(encoding="utf-8"))})
    try:
        found = ask(service, pinned)
    except AuditError as error:
        return _say(f"NOT AUDITED: {service} was asked, and then: {error}", 1)
    complaints = complain(found, ignored)
    for complaint in complaints:
        _say(complaint, 1)
    return _say(
        f"{len(found)} packages asked for at {service}: {len(complaints)} complaints,"
        f" {len(ignored)} vulnerabilities let pass by {IGNORED.name}",
        1 if complaints else 0,
    )


def pins(lock: str) -> list[str]:
    """``name==version`` of each package of a lock, for whatever machine it is."""
    return re.findall(r"^[A-Za-z0-9][\w.-]*==[^\s;\\]+", lock, re.MULTILINE)


def read_ignored(text: str) -> dict[str, str]:
    """Identifiers that are let pass, and why.

    Raises:
        ValueError: a line gives no reason.
    """
    found = {}
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        identifier, _, reason = line.partition(" ")
        if not reason.strip():
            raise ValueError(f"{IGNORED.name}: {identifier}: say why it may pass")
        found[identifier] = reason.strip()
    return found


def knows_canary(service: str) -> bool:
    """Whether a database answers, and knows what every one of them knows."""
    try:
        return any(one.get("vulns") for one in ask(service, [CANARY]))
    except AuditError:
        return False


def ask(service: str, pinned: list[str]) -> list[dict[str, Any]]:
    """What a database says about packages, one entry each.

    Raises:
        AuditError: it could not be asked.
    """
    with tempfile.TemporaryDirectory(prefix="onestop-audit-") as folder:
        requirements = Path(folder) / "requirements.txt"
        requirements.write_text("\n".join(pinned) + "\n", encoding="utf-8")
        options = ["--no-deps", "--disable-pip", "--format=json", "--progress-spinner=off"]
        try:
            done = subprocess.run(  # noqa: S603 - a tool of ours, our own arguments
                [sys.executable, "-m", "pip_audit", *options, f"--vulnerability-service={service}",
                 f"--requirement={requirements}"],
                capture_output=True, text=True, check=False, timeout=_TIMEOUT_SECONDS,
            )  # fmt: skip
            answer: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
        except subprocess.TimeoutExpired as error:
            raise AuditError(f"no end after {_TIMEOUT_SECONDS} s") from error
        except (ValueError, KeyError) as error:
            reason = done.stderr.strip().splitlines()[-1:] or ["pip-audit said nothing"]
            raise AuditError(reason[0]) from error
    return answer


def complain(found: list[dict[str, Any]], ignored: dict[str, str]) -> list[str]:
    """One sentence for each vulnerability that is not let pass, and each package not looked up."""
    complaints = []
    for one in found:
        if reason := one.get("skip_reason"):
            complaints.append(f"{one['name']}: not looked up: {reason}")
        for vulnerability in one.get("vulns", ()):
            names = {vulnerability["id"], *vulnerability.get("aliases", ())}
            if names.isdisjoint(ignored):
                fixed = ", ".join(vulnerability.get("fix_versions") or ()) or "no release yet"
                complaints.append(
                    f"{one['name']} {one['version']}: {', '.join(sorted(names))}; fixed in {fixed}."
                    f" Raise it and run `make lock`, or let it pass with a reason in {IGNORED.name}"
                )
    return complaints


def _say(text: str, status: int) -> int:
    (sys.stderr if status else sys.stdout).write(f"{text}\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
