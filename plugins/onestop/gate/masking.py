"""What people see of a rejected value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onestop.schema.masked_text import hidden, without_letters
from onestop.schema.personal import kind_of

if TYPE_CHECKING:
    from onestop.schema.feeds import Feed


def masked(name: str, feed: Feed) -> str:
    """SQL of a column's value as people may see it: short, and without what identifies anyone.

    The text of an unreadable date or number may be somebody's name when a row's cells are
    shifted: of letters only their number is shown, but for the half of the day after a number, in
    English or Vietnamese, which may be why a time is unreadable. So it is with sentences, and with
    whatever else looks like a name, a number or an address of a person. Long digit groups
    (identity and telephone numbers) and e-mail addresses are hidden wherever they occur.
    """
    value = f"cast(p.{name} as varchar)"
    mapped = next((column for column in feed.columns if f"{column.name}_text" == name), None)
    lettered = without_letters(value)
    kind = "label" if mapped else kind_of(name)
    if kind in {"text", "labels"} or (mapped is not None and not mapped.codes):
        return hidden(lettered)
    return hidden(f"case when gate.is_personal_{kind}({value}) then {lettered} else {value} end")


def masked_key(feed: Feed, row: str) -> str:
    """SQL of a row's key: a part that looks like a person's is masked, all others are as they are.

    Args:
        feed: whose key.
        row: alias of the row.
    """
    parts = []
    for name in feed.key:
        value = f"cast({row}.{name} as varchar)"
        shown = f"regexp_replace({without_letters(value)}, '[0-9]', '•', 'g')"
        parts.append(
            f"case when gate.is_personal_{kind_of(name)}({value}) then {shown} else {value} end"
        )
    return " || '|' || ".join(parts)
