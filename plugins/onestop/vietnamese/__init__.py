"""The Vietnamese of every sentence of the code, by its English template."""

from __future__ import annotations

from onestop.vietnamese import (
    commands,
    federation,
    figures,
    intake,
    record,
    settings,
    tasks,
    upkeep,
    warehouse,
)

#: The modules with translations, each for some folders of the package.
CATALOGUES = (commands, federation, figures, intake, record, settings, tasks, upkeep, warehouse)
#: The Vietnamese sentence of each English template.
SENTENCES: dict[str, str] = {
    english: own for module in CATALOGUES for english, own in module.SENTENCES.items()
}
