"""Counts one-stop offices' dossiers every night against Hải Phòng's 2022 reform plan.

The library does the work; ``dags/`` says when, ``sql/`` says what the numbers are,
``expectations/`` says what good data is, and ``sql/reference/`` says what was promised.
"""

__version__ = "0.1.0"
