"""The SELECT that turns a batch of source texts into canonical, typed rows.

It is built from a feed's columns and its mapping, in layers: ``tidied`` texts, ``read`` values in
the source's time zone, one layer per column with a fallback or a derivation, and last the instants
and calendar dates.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from onestop.schema.feeds import DUCKDB_TYPES, EXTRA
from onestop.schema.mapping import EPOCH_MILLISECONDS, EPOCH_SECONDS, EXCEL_SERIAL, ColumnMapping
from onestop.schema.wording import UNIT_CODE, fold_code

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from onestop.schema.feeds import Column, Feed
    from onestop.schema.mapping import ConditionalValue, FeedMapping


def literal(text: str) -> str:
    """A text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


#: A time of day in its own cell; Excel may write it as a part of a day, or as a moment of its first
#: calendar days.
_CLOCK = r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?"
#: Functions the SELECT uses; ``tidy_text`` and ``fold_code`` do as
#: :mod:`onestop.schema.wording` does.
MACROS = (
    r"""
    create or replace temporary macro tidy_text(x) as case
        when x = '' then null
        when regexp_full_match(x, '[!-~]+') then x
        when not regexp_matches(
            x, '^ | $|  |[^\P{Z} ]|[\p{Cc}\x{ad}\x{200b}-\x{200f}\x{2060}\x{feff}Ðð]'
        ) then case when strlen(x) = length(x) then x else nfc_normalize(x) end
        else nullif(trim(regexp_replace(replace(replace(
            regexp_replace(nfc_normalize(x), '[\x{ad}\x{200b}-\x{200f}\x{2060}\x{feff}]', '', 'g'),
            'Ð', 'Đ'), 'ð', 'đ'), '[\p{Z}\p{Cc}]+', ' ', 'g')), '')
    end
    """,
    # A sign that comes once, before exactly three digits, may be of thousands or of decimals:
    # `sign`, the decimal sign, decides. A group of thousands never begins with 0.
    r"""
    create or replace temporary macro to_whole(x, sign) as case
        when regexp_full_match(x, '[+-]?\d{1,18}') then try_cast(x as bigint)
        when regexp_full_match(x, '[+-]?[1-9]\d{0,2}((\.\d{3}){1,5}|(,\d{3}){1,5}|( \d{3}){1,5})')
            and not regexp_full_match(x, '[+-]?\d+[' || sign || ']\d{3}')
            then try_cast(regexp_replace(x, '[., ]', '', 'g') as bigint)
        when regexp_full_match(x, '[+-]?\d{1,18}[.,]0+')
            then try_cast(regexp_extract(x, '^[+-]?\d+') as bigint)
    end
    """,
    r"""
    create or replace temporary macro to_number(x, sign) as case
        when regexp_full_match(x, '[+-]?\d+') then try_cast(x as decimal(18, 4))
        when regexp_full_match(x, '[+-]?[1-9]\d{0,2}((\.\d{3})+|(,\d{3})+|( \d{3})+)')
            and not regexp_full_match(x, '[+-]?\d+[' || sign || ']\d{3}')
            then try_cast(regexp_replace(x, '[., ]', '', 'g') as decimal(18, 4))
        when regexp_full_match(x, '[+-]?(\d+|[1-9]\d{0,2}((\.\d{3})+|( \d{3})+)),\d+')
            then try_cast(replace(regexp_replace(x, '[. ]', '', 'g'), ',', '.') as decimal(18, 4))
        when regexp_full_match(x, '[+-]?(\d+|[1-9]\d{0,2}((,\d{3})+|( \d{3})+))\.\d+')
            then try_cast(regexp_replace(x, '[, ]', '', 'g') as decimal(18, 4))
    end
    """,
    # A declared rate is in percent, whether its sign is written or not.
    r"""
    create or replace temporary macro to_declared(x, sign)
        as to_number(regexp_replace(x, ' ?%$', ''), sign)
    """,
    rf"""
    create or replace temporary macro to_clock(x) as case
        when regexp_full_match(x, '{_CLOCK}') then try_cast(x as time)
        when regexp_full_match(x, '(?:1899-12-3[01]|1900-01-0[01])[ T]{_CLOCK}')
            then try_cast(substr(x, 12) as time)
        when regexp_full_match(x, '(?:0?\d|1[0-2]):[0-5]\d(?::[0-5]\d)? ?(?:AM|PM|SA|CH)', 'i')
            then try_strptime(
                replace(replace(upper(replace(x, ' ', '')), 'SA', 'AM'), 'CH', 'PM'),
                ['%I:%M:%S%p', '%I:%M%p']
            )::time
        when regexp_full_match(x, '(?:[01]?\d|2[0-3]) ?(?:h|g|giờ) ?(?:[0-5]\d)?', 'i')
            then make_time(
                regexp_extract(x, '^\d+')::bigint,
                coalesce(try_cast(regexp_extract(x, '\d+$') as bigint), 0),
                0
            )
        when regexp_full_match(x, '(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d)?')
            then try_strptime(x, ['%H%M%S', '%H%M'])::time
        when regexp_full_match(x, '0(?:[.,]\d+)?')
            then time '00:00' + to_seconds(round(replace(x, ',', '.')::double * 86400))
    end
    """,
    # The code of a procedure that became a number, which a comma tells, has lost the zeros at its
    # end: n.nnnnnn has six digits. Where fewer than three are left it may be no such code.
    r"""
    create or replace temporary macro to_procedure_code(x) as case
        when not contains(x, ',') then x
        when regexp_full_match(x, '[1-9],\d{3,6}') then rpad(replace(x, ',', '.'), 8, '0')
        when regexp_full_match(x, '\d+,\d+') then replace(x, ',', '.')
        else x
    end
    """,
    r"""
    create or replace temporary macro spelled_code(x) as upper(
        regexp_replace(regexp_replace(x, '[\p{Pd}\x{2212}]', '-', 'g'), ' ?([.-]) ?', '\1', 'g'))
    """,
    # One spelling of codes of the national forms: capitals and hyphens, without blanks. In another
    # form, small letters or blanks may make another code.
    *(
        rf"""
        create or replace temporary macro {name}(x) as case
            when upper(x) = x and not contains(x, ' ') and strlen(x) = length(x) then x
            when regexp_full_match(spelled_code(x), {form}) then spelled_code(x)
            else x
        end
        """
        for name, form in (
            ("to_unit_code", literal(UNIT_CODE)),
            ("to_dossier_code", literal(rf"{UNIT_CODE}-\d{{6}}-\d{{4,}}")),
        )
    ),
    # ISO 8601 on the clock of `zone`, to which a text with an offset is turned. The hour 24
    # belongs to two days and is not read.
    r"""
    create or replace temporary macro extended_iso_moment(x, zone) as case
        when regexp_full_match(x, '[1-9]\d{3}-\d{2}-\d{2}'
            '([ T]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d([.]\d{1,9})?)?)?')
            then try_cast(x as timestamp)
        when regexp_full_match(x, '[1-9]\d{3}-\d{2}-\d{2}'
            '[ T]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d([.]\d{1,9})?)? ?(Z|[+-](0\d|1[0-5])(:?[0-5]\d)?)')
            then timezone(zone, try_cast(regexp_replace(x, ' ([Z+-])', '\1') as timestamptz))
    end
    """,
    r"""
    create or replace temporary macro iso_moment(x, zone) as coalesce(
        extended_iso_moment(x, zone),
        extended_iso_moment(regexp_replace(regexp_replace(replace(upper(x), ',', '.'),
            '^(\d{4})(\d{2})(\d{2})[T ](\d{2})(\d{2})', '\1-\2-\3T\4:\5'),
            '^([0-9-]{10}T\d{2}:\d{2})(\d{2})', '\1:\2'), zone),
        timezone(zone, timezone('UTC', epoch_ms(try_cast(
            nullif(regexp_extract(x, '^/Date\((-?\d{1,14})([+-]\d{4})?\)/$', 1), '') as bigint))))
    )
    """,
)
#: Column of a batch: a number whose bits mark the columns with texts to tidy.
UNTIDY = "untidy"
#: The column with the reason for leaving a row out.
SKIP_REASON = "skip_reason"
#: A whole number, leading zeros and zero decimals apart.
_WHOLE = re.compile(r"0*(\d+)(?:[.,]0+)?")
_LAST_ASCII = 0x7F
_FIELDS = {
    "Y": r"[1-9]\d{3}",
    "y": r"\d{2}",
    "m": r"\d{1,2}",
    "d": r"\d{1,2}",
    "H": r"\d{1,2}",
    "I": r"\d{1,2}",
    "M": r"\d{1,2}",
    "S": r"\d{1,2}",
    "f": r"\d{1,9}",
    "p": r"(?:AM|PM|SA|CH)",
    "b": r"[A-Z]{3}",
    "B": r"[A-Z]{3,9}",
    "z": r"(?:Z|[+-](?:0\d|1[0-5])(?::?[0-5]\d)?)",
}


def text_columns(feed: Feed) -> tuple[Column, ...]:
    """Canonical columns whose source text is kept as ``<column>_text``."""
    return tuple(
        column
        for column in feed.columns
        if not column.derived_from and (column.type != "text" or column.codes)
    )


def staged_columns(feed: Feed) -> tuple[tuple[str, str], ...]:
    """Names and DuckDB types of ``staged_row``, in order."""
    return (
        ("row_number", "bigint"),
        ("sheet", "varchar"),
        *((column.name, DUCKDB_TYPES[column.type]) for column in feed.columns),
        *((f"{column.name}_text", "varchar") for column in text_columns(feed)),
        ("content_hash", "varchar"),
        ("is_repeat", "boolean"),
        ("read_problem", "varchar"),
    )


def staging_select(mapping: FeedMapping, batch: str) -> str:
    """The SELECT over batches whose columns are those of ``mapping.read_columns``."""
    feed = mapping.schema
    steps: list[tuple[str, str]] = [
        ("tidied", f"select {', '.join(_tidied(mapping))} from {batch}"),
        ("given", f"select {', '.join(_given(mapping))} from tidied"),
        ("translated", f"select {', '.join(_translated(mapping))} from given"),
    ]

    def replace_column(name: str, value: str) -> None:
        previous = steps[-1][0]
        steps.append((f"with_{name}", f"select * replace ({value} as {name}) from {previous}"))

    for column in mapping.columns:
        if column.fallback:
            text = _text_name(feed, column.name)
            replace_column(
                column.name,
                f"case when {text} is null then {column.fallback} else {column.name} end",
            )
    for name, rules in mapping.derive:
        replace_column(name, _derived(mapping, name, rules))
    steps.append(("timed", f"select {', '.join(_timed(mapping))} from {steps[-1][0]}"))
    computed = {"content_hash": _content_hash(mapping), "is_repeat": "false"}
    outputs = [
        f"{computed[name]} as {name}" if name in computed else name
        for name, _ in staged_columns(feed)
    ]
    outputs.append(SKIP_REASON)
    layers = ",\n".join(f"{name} as ({select})" for name, select in steps)
    return f"with {layers}\nselect {', '.join(outputs)} from timed"


def _text_name(feed: Feed, name: str) -> str:
    """The column that shows whether the source gave a value."""
    return f"{name}_text" if feed.column(name) in text_columns(feed) else name


def untidy_bit(place: int) -> int:
    """The bit of :data:`UNTIDY` for a column's position; the last bit stands for all others."""
    return 1 << min(place, 62)


def _tidied(mapping: FeedMapping) -> list[str]:
    return [
        "row_number",
        "sheet",
        "read_problem",
        *(
            f"case when {UNTIDY} & {untidy_bit(place)} = 0 then nullif({column.name}, '')"
            f" else tidy_text({column.name}) end as {column.name}"
            for place, column in enumerate(mapping.read_columns)
        ),
    ]


def _given(mapping: FeedMapping) -> list[str]:
    """The texts, with null for the source's texts that mean no value."""
    chosen = ["row_number", "sheet", "read_problem"]
    for column in mapping.read_columns:
        name, blank = column.name, _is_blank(column)
        chosen.append(f"case when {blank} then null else {name} end as {name}" if blank else name)
    return chosen


def _is_blank(column: ColumnMapping) -> str:
    """Condition: a text is one of the column's blanks; a cheap test excludes most texts."""
    tests = []
    exact = [fold_code(text) for text in column.blanks if not text.endswith("*")]
    starts = [fold_code(text[:-1]) for text in column.blanks if text.endswith("*")]
    if exact:
        longest = max(len(text.encode()) for text in exact)
        listed = ", ".join(map(literal, exact))
        tests.append(f"strlen({column.name}) <= {longest} and lower({column.name}) in ({listed})")
    if starts:
        first = {letter for text in starts for letter in (text[0], text[0].upper())}
        guard = f"{column.name} >= {literal(min(first))}"
        if ord(max(first)) < _LAST_ASCII:
            guard += f" and {column.name} < {literal(chr(ord(max(first)) + 1))}"
        shape = literal(f"^({'|'.join(map(re.escape, starts))})")
        tests.append(f"{guard} and regexp_matches({column.name}, {shape}, 'i')")
    return " or ".join(f"({test})" for test in tests)


def _translated(mapping: FeedMapping) -> list[str]:
    """Canonical values with their source texts; timestamps in the source's time zone."""
    feed = mapping.schema
    mapped = {column.name: column for column in mapping.columns}
    chosen = ["row_number", "sheet", "read_problem"]
    for column in feed.columns:
        if column.derived_from:
            continue
        if column.name == EXTRA:
            chosen.append(f"{_further(mapping)} as {EXTRA}")
            continue
        given = mapped.get(column.name, ColumnMapping(column.name))
        chosen.append(f"{_value(column, given, mapping)} as {column.name}")
        if column in text_columns(feed):
            chosen.append(f"{_source_text(given)} as {column.name}_text")
    chosen += [one.name for one in (*mapping.helpers, *mapping.extra)]
    return chosen


def _further(mapping: FeedMapping) -> str:
    """The filled ones of the source's further columns as a JSON object, or null."""
    pairs = [
        f"case when {one.name} is not null"
        f" then {literal(json.dumps(one.name.removeprefix('extra__')) + ': ')}"
        f" || to_json({one.name})::varchar end"
        for one in mapping.extra
    ]
    if not pairs:
        return "null::varchar"
    filled = " or ".join(f"{one.name} is not null" for one in mapping.extra)
    return f"case when {filled} then '{{' || concat_ws(', ', {', '.join(pairs)}) || '}}' end"


def _source_text(given: ColumnMapping) -> str:
    """The source's own text of a column, null where it gives none."""
    text = given.name
    if given.join:  # a value of which a part is missing is not whole
        separator = literal(given.separator)
        text = f"({f' || {separator} || '.join(part.name for part in given.parts)})"
    elif not given.sources:
        return "null::varchar"
    if given.clock:
        return f"nullif(concat_ws(' ', {text}, {given.clock.name}), '')"
    return text


def _value(column: Column, given: ColumnMapping, mapping: FeedMapping) -> str:
    stored = "timestamp" if column.type in {"timestamp", "date"} else DUCKDB_TYPES[column.type]
    constant = literal(given.constant) if given.constant is not None else None
    if constant is not None:
        value = constant
    elif not given.needed:
        value = "null"
    else:
        text = given.name if given.sources else _source_text(given)
        if given.extract:
            text = f"nullif(regexp_extract({text}, {literal(given.extract)}, 1), '')"
        value = _parsed(column, given, text, mapping)
    if given.default is not None and constant is None:
        default = literal(given.default)
        value = f"case when {_source_text(given)} is null then {default} else {value} end"
    cast = DUCKDB_TYPES["date"] if column.type == "date" else stored
    return f"({value})::{cast}"


def _parsed(column: Column, given: ColumnMapping, text: str, mapping: FeedMapping) -> str:
    """The typed value of a source text, null where it cannot be understood."""
    if column.type in {"timestamp", "date"}:
        return _moment(text, given, mapping.time_zone)
    if column.name == "procedure_code":
        text = f"to_procedure_code({text})"
    coded = _coded(given, text) if given.codes else None
    if column.type == "integer":
        whole = f"to_whole({text}, {literal(mapping.decimal)})"
        return f"coalesce({coded}::bigint, {whole})" if coded else whole
    if column.type == "decimal":
        return f"to_declared({text}, {literal(mapping.decimal)})"
    if column.type == "boolean":
        return f"{coded}::boolean"
    if coded and not column.codes:
        # aliases, such as the names that a list gives for units' codes; others stay as they are
        return f"coalesce({coded}, {text})"
    return coded or text


def _coded(given: ColumnMapping, text: str) -> str:
    """The canonical code of a text, or of the same whole number (04, 4.0)."""
    texts: dict[str, str] = {}
    numbers: dict[str, set[str]] = {}
    for canonical, spellings in given.codes:
        for spelling in map(fold_code, spellings):
            texts.setdefault(spelling, canonical)
            if match := _WHOLE.fullmatch(spelling):
                numbers.setdefault(match[1], set()).add(canonical)
    cases = [f"when lower({text}) in ({spellings}) then {code}" for code, spellings in _by(texts)]
    same = _by({number: min(codes) for number, codes in numbers.items() if len(codes) == 1})
    if same:
        number = f"regexp_extract({text}, {literal(f'^{_WHOLE.pattern}$')}, 1)"
        found = " ".join(f"when {number} in ({spellings}) then {code}" for code, spellings in same)
        cases.append(f"else case {found} end")
    return f"(case {' '.join(cases)} end)"


def _by(codes: dict[str, str]) -> list[tuple[str, str]]:
    """Each canonical code with its spellings, as literals."""
    return [
        (literal(code), ", ".join(literal(text) for text, other in codes.items() if other == code))
        for code in dict.fromkeys(codes.values())
    ]


def _moment(text: str, given: ColumnMapping, time_zone: str) -> str:
    """A naive timestamp; its time of day comes from the clock's column, if there is one."""
    moment = _dated(text, given.formats, time_zone)
    if not given.clock:
        return moment
    clock = given.clock.name
    return f"(case when {clock} is null then {moment} else {moment}::date + to_clock({clock}) end)"


def _dated(text: str, formats: Sequence[str], time_zone: str) -> str:
    """A naive timestamp by the first pattern that matches the whole text, else by ISO 8601.

    A text with its own UTC offset is converted to the source's time zone.
    """
    zone = literal(time_zone)
    cases = [_number_moment(text, one, zone) or _pattern_moment(text, one, zone) for one in formats]
    found = f"case {' '.join(cases)} else iso_moment({text}, {zone}) end"
    return f"(case when {text} is not null then {found} end)"


def _number_moment(text: str, name: str, zone: str) -> str | None:
    """The case of a date written as a number; epochs are limited to the years 2001 to 2033."""
    number = f"replace({text}, ',', '.')::double"
    shape, value = {
        EXCEL_SERIAL: (
            r"[1-9]\d{4}([.,]\d+)?",
            f"timestamp '1899-12-30' + to_seconds(round({number} * 86400))",
        ),
        EPOCH_SECONDS: (
            r"1\d{9}([.,]\d{1,9})?",
            f"timezone({zone}, to_timestamp({number}))",
        ),
        EPOCH_MILLISECONDS: (
            r"1\d{12}([.,]\d{1,9})?",
            f"timezone({zone}, to_timestamp({number} / 1000))",
        ),
    }.get(name, ("", ""))
    return f"when regexp_full_match({text}, {literal(shape)}) then {value}" if shape else None


def _pattern_moment(text: str, pattern: str, zone: str) -> str:
    value = text
    if "%p" in pattern:
        value = f"replace(replace(upper({text}), 'SA', 'AM'), 'CH', 'PM')"
    if "%z" in pattern:
        value = f"regexp_replace({value}, '[Zz]$', '+00')"
    moment = f"try_strptime({value}, {literal(pattern)})"
    if "%z" in pattern:
        moment = f"timezone({zone}, {moment})"
    return f"when regexp_full_match({text}, {literal(_shape(pattern))}, 'i') then {moment}"


def _shape(pattern: str) -> str:
    """The regular expression of the texts that a strptime pattern accepts.

    Adjacent fields without a separator must have all their digits; strptime itself would read
    2022030110300 as half past ten.
    """
    parts = re.findall(r"%.|[^%]", pattern)
    shape = []
    for place, part in enumerate(parts):
        if not part.startswith("%"):
            shape.append(re.escape(part))
            continue
        neighbours = parts[max(place - 1, 0) : place] + parts[place + 1 : place + 2]
        field = _FIELDS[part[1]]
        if any(neighbour.startswith("%") for neighbour in neighbours):
            field = field.replace(r"\d{1,2}", r"\d{2}")
        shape.append(field)
    return "".join(shape)


def _derived(mapping: FeedMapping, name: str, rules: Iterable[ConditionalValue]) -> str:
    feed = mapping.schema
    cases = []
    for rule in rules:
        tests = [_test(feed, column, wanted) for column, wanted in rule.when]
        cases.append(f"when {' and '.join(tests) or 'true'} then {literal(rule.value)}")
    given = _text_name(feed, name)
    cast = DUCKDB_TYPES[feed.column(name).type]
    derived = f"(case {' '.join(cases)} end)::{cast}"
    # A code that the mapping does not list stays unknown; no derived value replaces it.
    return f"case when {given} is null and {name} is null then {derived} else {name} end"


def _skip_reason(mapping: FeedMapping) -> str:
    """The reason for leaving a row out, or null; a row with a read problem is kept."""
    cases = [
        f"when {' and '.join(_test(mapping.schema, name, wanted) for name, wanted in rule.when)}"
        f" then {literal(rule.value)}"
        for rule in mapping.skip
    ]
    if not cases:
        return "null::varchar"
    return f"case when read_problem is not null then null {' '.join(cases)} end"


def _test(feed: Feed, name: str, wanted: tuple[str, ...] | str) -> str:
    if isinstance(wanted, str):
        given = _text_name(feed, name) if name in feed.column_names else name
        return f"{given} is not null" if wanted == "present" else f"{given} is null"
    exact = [fold_code(text) for text in wanted if not text.endswith("*")]
    starts = [fold_code(text[:-1]) for text in wanted if text.endswith("*")]
    value = f"lower({name}::varchar)"
    tests = [f"starts_with({value}, {literal(start)})" for start in starts]
    if exact:
        tests.append(f"{value} in ({', '.join(map(literal, exact))})")
    return f"coalesce({' or '.join(tests)}, false)"


def _timed(mapping: FeedMapping) -> list[str]:
    """Instants, and calendar dates in the source's time zone."""
    feed = mapping.schema
    chosen = ["row_number", "sheet", "read_problem"]
    for column in feed.columns:
        if column.derived_from:
            chosen.append(f"{column.derived_from}::date as {column.name}")
        elif column.type == "timestamp":
            chosen.append(f"timezone({literal(mapping.time_zone)}, {column.name}) as {column.name}")
        elif mapping.spells(column):
            macro = "to_unit_code" if column.is_unit_code else "to_dossier_code"
            chosen.append(f"{macro}({column.name}) as {column.name}")
        else:
            chosen.append(column.name)
    chosen += [f"{column.name}_text" for column in text_columns(feed)]
    return [*chosen, f"{_skip_reason(mapping)} as {SKIP_REASON}"]


def _content_hash(mapping: FeedMapping) -> str:
    """Hash of a row's content, without its origin and time of change."""
    parts = []
    given = {column.name for column in mapping.columns} | {name for name, _ in mapping.derive}
    if mapping.extra:
        given.add(EXTRA)
    for column in mapping.schema.columns:
        if column.derived_from or column.name == "modified_at":
            continue
        if column.is_optional and column.name not in given:
            continue
        text = f"epoch_us({column.name})" if column.type == "timestamp" else column.name
        parts.append(f"coalesce({text}::varchar, chr(30))")
    return f"md5(concat_ws(chr(31), {', '.join(parts)}))"


def unreadable_signature(feed: Feed) -> str:
    """Expression that distinguishes rows which are equal only because texts were unreadable."""
    parts = [f"case when {c.name} is null then {c.name}_text end" for c in text_columns(feed)]
    return f"concat_ws(chr(31), {', '.join(f'coalesce({p}, chr(30))' for p in parts)})"
