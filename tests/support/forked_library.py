"""What the server of :mod:`clean_processes` imports and reads before it forks.

A process that runs a night needs more than a second of processor time to parse the SQL of the
marts, to read YAML and to compile templates, which are the same in each. Nothing here may leave a
database open or a thread running.
"""

import datetime as dt
from importlib import import_module

from jinja2 import Environment

from onestop.gate.evaluation import load_engine
from onestop.marts.descriptions import column_meanings, table_meanings
from onestop.marts.files import mart_files, rules_digest
from onestop.schema.mapping_files import read_mappings
from onestop.warehouse import sql_text
from onestop.warehouse.sql_text import tables_read
from onestop.warehouse.staged_names import STAGED


def _compile_all(templates: Environment) -> None:
    for name in templates.list_templates():
        templates.get_template(name)


for _name in ("onestop.cli", "onestop.night", "openpyxl", "psycopg"):
    import_module(_name)
load_engine()
_compile_all(import_module("onestop.gate.data_docs")._view().env)
rules_digest()
for _file in mart_files():
    _file.select(dt.date(2022, 1, 1), STAGED)
    tables_read(_file.text)
column_meanings()
table_meanings()
read_mappings(None)
sql_text._parser.cache_clear()
