"""The statistics form II.06a/VPCP/KSTT (TT 01/2020/TT-VPCP) as a spreadsheet for signing.

A unit's form has one row per field of work; the form of a level or of the city one row per unit,
in blocks by level. Published figures are used where the span is one of the published periods;
any other span is counted from the same record by the same SELECTs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onestop.figures.form_06a.figures import Form06a, FormCounts, FormRow, read_form_06a
from onestop.figures.form_06a.sheet import form_06a_bytes
from onestop.files import write_whole
from onestop.progress import advance, working

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from onestop.settings import Settings

__all__ = [
    "Form06a",
    "FormCounts",
    "FormRow",
    "form_06a_bytes",
    "read_form_06a",
    "write_form_06a",
]


def write_form_06a(
    settings: Settings,
    unit: str,
    first: dt.date,
    last: dt.date,
    as_of: dt.date | None,
    basis: str,
    out: Path,
) -> Form06a:
    """Write the form of a unit, a level or the city as an XLSX file.

    The same figures give the same bytes.

    Args:
        settings: of this installation.
        unit: a unit's code, ``DEPARTMENT``, ``DISTRICT``, ``COMMUNE`` or ``CITY``.
        first: first day of the period.
        last: last day of the period.
        as_of: a published night; defaults to the last one.
        basis: ``calendar`` or ``government``: which published periods may be used.
        out: the file to write; replaced when it exists.

    Returns:
        The form that was written.

    Raises:
        QuestionError: no such unit, night or basis, or the period is reversed.
    """
    with working("reporting", out.name, unit="files", total=1):
        form = read_form_06a(settings, unit, first, last, as_of, basis)
        write_whole(out, form_06a_bytes(form))
        advance()
    return form
