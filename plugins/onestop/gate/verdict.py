"""The gate's verdict on a delivery."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from onestop.intake.delivery import RefusedDeliveryError
from onestop.said import said_both

if TYPE_CHECKING:
    from onestop.gate.evaluation import RuleResult


@dataclass(frozen=True)
class UsualVolume:
    """How many rows such a delivery usually has.

    Attributes:
        rows: the median of past weeks' deliveries of the same weekday.
        basis_vi: the basis of the median, in Vietnamese ("trung vị của 4 thứ Hai").
        basis_en: the same in English ("median of 4 Mondays").
    """

    rows: int
    basis_vi: str
    basis_en: str


@dataclass(frozen=True)
class GateVerdict:
    """The gate's verdict on a delivery.

    ``rows_read`` = ``rows_accepted`` + ``rows_rejected`` + ``rows_repeated`` + ``rows_blank`` +
    ``rows_skipped``.

    Attributes:
        delivery_id: the delivery.
        file_name: its path below the exports.
        verdict: ``passed`` or ``refused``.
        refused_rule: the first critical rule it broke.
        reason_vi: why it was refused, with rule, rows and remedy.
        reason_en: the same in English.
        rows_read: rows of the file, of all kinds.
        rows_blank: blank, title and footer rows.
        rows_skipped: rows that the mapping leaves out.
        rows_repeated: exact repeats of an earlier row.
        rows_rejected: rows in quarantine.
        rows_accepted: rows that may be loaded.
        warnings: findings of all warning rules together.
        rules: the result of each rule.
        reason_lines: the reason in parts, each in both languages: the rule's sentence, the worst
            rows, the remedy.
        result_file: name of the validation result, relative to the results folder.
    """

    delivery_id: str
    file_name: str
    verdict: Literal["passed", "refused"]
    refused_rule: str | None
    reason_vi: str | None
    reason_en: str | None
    rows_read: int
    rows_blank: int
    rows_repeated: int
    rows_rejected: int
    rows_accepted: int
    warnings: int
    rows_skipped: int = 0
    rules: tuple[RuleResult, ...] = field(default=(), repr=False)
    reason_lines: tuple[str, ...] = field(default=(), repr=False)
    result_file: str | None = None

    @property
    def is_refused(self) -> bool:
        """Whether the delivery must not be loaded."""
        return self.verdict == "refused"

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values, with the failed rules only."""
        left_out = ("rules", "reason_lines")
        values = {name: value for name, value in vars(self).items() if name not in left_out}
        return {**values, "rules": [rule.to_json() for rule in self.rules if not rule.success]}

    def as_error(self) -> RefusedDeliveryError:
        """The refusal as an exception."""
        return RefusedDeliveryError(
            self.file_name,
            self.refused_rule or "?",
            said_both(vi=self.reason_vi or "bị từ chối", en=self.reason_en or "refused"),
            self.reason_lines,
        )
