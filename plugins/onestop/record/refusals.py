"""Refused deliveries: noted while files are worked on in parallel, then entered in the record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from onestop.files import write_whole
from onestop.gate import keep_unread
from onestop.intake.delivery import Delivery
from onestop.readers import FILE_RULES
from onestop.record.notes import read_notes
from onestop.record.settlements import (
    NO_ROWS,
    first_open_night,
    insert_settlement,
    note_settlement,
)
from onestop.said import translated
from onestop.staging.delivery_lock import working_on
from onestop.staging.shared_staged import JUDGED, staged_at_hand

if TYPE_CHECKING:
    from pathlib import Path

    from onestop.gate import GateVerdict
    from onestop.intake.delivery import RefusedDeliveryError
    from onestop.readers.refusals import FileRule
    from onestop.settings import Folders
    from onestop.warehouse import Warehouse


def record_refusal(
    warehouse: Warehouse,
    delivery: Delivery,
    *,
    staged: Path | None = None,
    rule_code: str,
    reason_vi: str,
    reason_en: str,
) -> None:
    """Record that a delivery was refused, and why; an identical refusal is recorded once.

    Args:
        warehouse: open for writing.
        delivery: the delivery.
        staged: its staged file with the gate's tables, if it was validated.
        rule_code: the rule that refused it.
        reason_vi: the reason in Vietnamese.
        reason_en: the reason in English.
    """
    known = warehouse.value(
        "select count(*) from audit.delivery where delivery_id = :delivery_id"
        " and (state = 'loaded' or (refused_rule = :rule_code and reason_en = :reason_en))",
        {"delivery_id": delivery.delivery_id, "rule_code": rule_code, "reason_en": reason_en},
    )
    if known:
        return
    known_from = first_open_night(warehouse, delivery.night)
    refusal = {"refused_rule": rule_code, "reason_vi": reason_vi, "reason_en": reason_en}
    if staged is None:
        with warehouse.transaction():
            insert_settlement(warehouse, delivery, known_from, "refused", {**NO_ROWS, **refusal})
        return
    with warehouse.staged(staged) as prefix, warehouse.transaction():
        note_settlement(warehouse, delivery, prefix, known_from, state="refused", more=refusal)


def refuse_unread(
    notes: Path,
    results: Path,
    delivery: Delivery,
    rule_code: str,
    found: str = "",
    found_vi: str = "",
) -> str:
    """Refuse a file before its rows are validated: write a result, and a note for the record.

    Args:
        notes: folder of the notes of refusals.
        results: folder of the validation results.
        delivery: the delivery, as far as known.
        rule_code: the rule that refused it (``FILE-F01`` …).
        found: what was found, in English; defaults to the rule's sentence.
        found_vi: the same in Vietnamese; defaults to the translation of ``found``.

    Returns:
        The file's page among the reports, relative to them.
    """
    rule = FILE_RULES[rule_code]
    reason_vi = found_vi or _vietnamese(found, rule)
    reason_en = str(found or rule.en)
    kept = keep_unread(delivery, results, rule_code, reason_vi, reason_en)
    note_refusal(notes, delivery, rule_code, reason_vi, reason_en)
    return page_of(str(kept.relative_to(results)))


def _vietnamese(found: str, rule: FileRule) -> str:
    """What was found, in Vietnamese; where that is unknown, the rule's sentence with it."""
    if not found:
        return rule.vi
    own = translated(found, "vi")
    return f"{rule.vi} [{found}]" if own == found else own[:1].upper() + own[1:]


def refuse_judged(notes: Path, delivery: Delivery, verdict: GateVerdict) -> RefusedDeliveryError:
    """Note a refusal by the gate for the record; returns the error to raise."""
    error = verdict.as_error()
    error.page = page_of(verdict.result_file or "")
    note_refusal(
        notes,
        delivery,
        error.rule_code,
        verdict.reason_vi or error.reason,
        verdict.reason_en or error.reason,
    )
    return error


def page_of(result_file: str) -> str:
    """The English page of a validation result, relative to the reports."""
    return f"{result_file.removesuffix('.json')}.en.html"


def note_refusal(
    notes: Path, delivery: Delivery, rule_code: str, reason_vi: str, reason_en: str
) -> None:
    """Note a refusal for the step that writes the warehouse; replaces an earlier note."""
    refusal = {
        "delivery": delivery.to_json(),
        "rule_code": rule_code,
        "reason_vi": reason_vi,
        "reason_en": reason_en,
    }
    write_whole(_note_of(notes, delivery), json.dumps(refusal, ensure_ascii=False))


def withdraw_refusal(notes: Path, delivery: Delivery) -> None:
    """Remove the note of a refusal that no longer holds."""
    _note_of(notes, delivery).unlink(missing_ok=True)


def record_noted_refusals(warehouse: Warehouse, folders: Folders) -> None:
    """Enter the noted refusals into the record, and remove the notes.

    Args:
        warehouse: open for writing.
        folders: the notes, the staged deliveries and their locks.
    """
    for note, text in read_notes(folders.refusals):
        refusal = json.loads(text)
        delivery = Delivery.from_json(refusal["delivery"])
        with (
            working_on(delivery, folders.locks),
            staged_at_hand(delivery, folders, takes=JUDGED) as staged,
        ):
            was_judged = not refusal["rule_code"].startswith("FILE-") and staged.exists()
            record_refusal(
                warehouse,
                delivery,
                staged=staged if was_judged else None,
                rule_code=refusal["rule_code"],
                reason_vi=refusal["reason_vi"],
                reason_en=refusal["reason_en"],
            )
        note.unlink(missing_ok=True)


def _note_of(notes: Path, delivery: Delivery) -> Path:
    return notes / f"{delivery.delivery_id}.json"
