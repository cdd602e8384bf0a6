"""Sample exports of every feed, as the city's one-stop offices would write them each night.

Everything is random from a seed: the offices' habits, the dossiers and their lives, the tickets and
the faults in the files. People are placeholders, and the figures say nothing about real offices.
The files' formats are those of the built-in source ``one_stop``:

- ``dossiers_<night>.json``: the national sync record, every value a string; with a history
  also ``dossiers_<night>_snapshot.json`` on the first night;
- ``visits_<night>.csv``: queue tickets of a working day;
- ``units_<night>.csv`` and ``procedures_<night>.xlsx``: full registers, on the first night and
  on the first of each month;
- ``declarations_<night>.csv``: figures entered by hand, on the first night and at the end of
  each quarter.

:mod:`.offices` and :mod:`.catalogue` hold the offices and procedures, :mod:`.life` the lives of
dossiers, :mod:`.dirt` the planted faults, :mod:`.exports` the files of each night.
"""

from onestop.sample.exports import SampleSummary, write_sample

__all__ = ["SampleSummary", "write_sample"]
