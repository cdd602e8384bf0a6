"""Sample exports of every feed: what the city's one-stop offices would leave each night.

Everything is drawn by chance from a seed: the offices' habits, the dossiers, their lives, the
tickets and what is wrong in the files. People are placeholders, figures say nothing about real
offices. The files' formats are those of the built-in source ``one_stop``:

- ``dossiers_<night>.json``: the national sync record, every value a string; with a history
  also ``dossiers_<night>_snapshot.json`` on the first night;
- ``visits_<night>.csv``: queue tickets of a working day;
- ``units_<night>.csv`` and ``procedures_<night>.xlsx``: full registers, on the first night and
  on the first of each month;
- ``declarations_<night>.csv``: figures entered by hand, on the first night and at the end of
  each quarter.

:mod:`.offices` and :mod:`.catalogue` say who there is and what is asked for, :mod:`.life` what
becomes of a dossier, :mod:`.dirt` what goes wrong, :mod:`.exports` what is written when.
"""

from onestop.sample.exports import SampleSummary, write_sample

__all__ = ["SampleSummary", "write_sample"]
