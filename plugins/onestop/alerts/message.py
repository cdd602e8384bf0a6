"""An alert as an e-mail and as the body of a webhook, in both languages or in one."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from onestop.alerts.alert import Alert
    from onestop.schema.number_text import Language

#: Both languages, the first one first.
BOTH: tuple[Language, ...] = ("vi", "en")
_PRODUCT = "onestop"


def email_subject(alert: Alert, languages: Sequence[Language] = BOTH) -> str:
    """The subject of the e-mail; it names neither files nor units."""
    return f"[{_PRODUCT}] {' / '.join(alert.subject(lang) for lang in languages)}"


def email_html(alert: Alert, links: Mapping[str, str], languages: Sequence[Language] = BOTH) -> str:
    """The body of the e-mail.

    Args:
        alert: the alert.
        links: addresses of pages by their names.
        languages: of the text, in this order.
    """
    parts = []
    for lang in languages:
        lines = "".join(f"<li>{escape(line)}</li>" for line in alert.texts(lang))
        parts += [
            f'<div lang="{lang}"><h3>{escape(alert.subject(lang))}</h3>',
            f"<ul>{lines}</ul>" if lines else "",
            f"<p>{escape(alert.remedy(lang))}</p>" if alert.remedy(lang) else "",
            "</div>",
        ]
    named = "<br>".join(
        f'{escape(name)}: <a href="{escape(address)}">{escape(address)}</a>'
        for name, address in links.items()
    )
    return "\n".join([*filter(None, parts), f"<p>{named}</p>" if named else ""])


def webhook_body(
    alert: Alert, links: Mapping[str, str], languages: Sequence[Language] = BOTH
) -> dict[str, Any]:
    """The body of the webhook, as plain JSON values.

    ``text`` is what chat programs show; the other values are for programs.

    Args:
        alert: the alert.
        links: addresses of pages by their names.
        languages: of ``text``, in this order.
    """
    texts = [alert.text(lang) for lang in languages]
    addresses = [f"{name}: {address}" for name, address in links.items()]
    return {
        "text": "\n\n".join([*texts, *addresses]),
        "product": _PRODUCT,
        "code": alert.code,
        "night": alert.night.isoformat(),
        "state": "resolved" if alert.is_resolved else "raised",
        "counts": dict(alert.counts),
        "facts_sha256": alert.facts_sha256,
        **{f"subject_{lang}": alert.subject(lang) for lang in BOTH},
        **{f"lines_{lang}": alert.texts(lang) for lang in BOTH},
        **{f"remedy_{lang}": alert.remedy(lang) for lang in BOTH},
        "links": dict(links),
    }
