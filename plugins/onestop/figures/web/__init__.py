"""Pages for the browser: what is published, where it comes from, and what was done afterwards.

They show published figures and the record behind them; the caller decides who may see which. Each
page has a module that reads its values, and a template in ``templates/web``.
"""

from __future__ import annotations

from onestop.figures.web.app import make_app

__all__ = ["make_app"]
