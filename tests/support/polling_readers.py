"""Readers that poll PostgreSQL while nights run, and record answers that mix nights."""

from __future__ import annotations

import datetime as dt
import threading
import time
from contextlib import contextmanager

import psycopg

MARTS = ("scorecard", "indicator_value", "form_06a", "dossier", "unit", "period")
ONE_NIGHT = " union all ".join(
    f"select '{table}' as mart, min(as_of_date) as first, max(as_of_date) as last,"
    f" count(*) as row_count from mart.{table}"
    for table in MARTS
)
#: The form's total must equal the dossiers of the same night, and the history must end with it.
JOINED = """
select form.as_of_date, form.received_total, dossier.received, history.known_from
from mart.form_06a as form
inner join (
    select as_of_date, count(*) as received from mart.dossier group by as_of_date
) as dossier
    on form.as_of_date = dossier.as_of_date
cross join (
    select max(valid_from) as known_from from mart.form_06a_history
    where unit_code = 'CITY' and period_type = 'year' and period_basis = 'calendar'
        and field_code = 'ALL'
) as history
where form.unit_code = 'CITY' and form.field_code = 'ALL' and form.period_type = 'year'
    and form.period_basis = 'calendar' and form.period_start = date '2022-01-01'
"""


class Reader(threading.Thread):
    """Polls repeatedly, and records every answer that is not of one complete night."""

    def __init__(self, url, isolation, queries, pause):
        super().__init__(daemon=True)
        self.url, self.isolation, self.queries, self.pause = url, isolation, queries, pause
        self.done = threading.Event()
        self.polls, self.nights, self.wrong, self.slowest = 0, set(), [], 0.0
        self.is_finished = False

    def run(self):
        with psycopg.connect(self.url) as connection:
            connection.isolation_level = self.isolation
            while not self.done.wait(self.pause):
                started = time.monotonic()
                answers = [connection.execute(query).fetchall() for query in self.queries]
                self.slowest = max(self.slowest, time.monotonic() - started)
                connection.rollback()
                self.judge(answers)
        self.is_finished = True

    def judge(self, answers):
        self.polls += 1
        for answer in answers:
            self.wrong += [row for row in answer if not row or 0 in row]
        nights = {cell for answer in answers for row in answer for cell in row
                  if isinstance(cell, dt.date)}  # fmt: skip
        self.nights |= nights
        if len(nights) != 1 or not all(answers):
            self.wrong.append(answers)
        for _, received_total, received, _ in answers[-1] if len(answers[-1]) == 1 else []:
            if received_total != received:
                self.wrong.append(answers[-1])


@contextmanager
def reading(url, *, joins=True, pause=0.02):
    """Four readers that poll during the block, each with its own transactions and queries.

    Args:
        url: address for a login that reads.
        joins: whether tables are compared: only if all dossiers of the marts are of one year.
    """
    committed = psycopg.IsolationLevel.READ_COMMITTED
    repeatable = psycopg.IsolationLevel.REPEATABLE_READ
    joined = JOINED if joins else ONE_NIGHT
    each = [f"select distinct as_of_date from mart.{table}" for table in MARTS]
    readers = [
        Reader(url, committed, [ONE_NIGHT], pause),
        Reader(url, committed, [joined], pause),
        Reader(url, repeatable, [*each, ONE_NIGHT, joined], pause),
        Reader(url, repeatable, [joined, *reversed(each), joined], pause),
    ]
    for reader in readers:
        reader.start()
    try:
        yield readers
    finally:
        for reader in readers:
            reader.done.set()
        for reader in readers:
            reader.join(60)
