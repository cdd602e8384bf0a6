"""The SELECTs of ``sql/`` as Spark reads them.

A text is parsed into sqlglot's syntax tree and written again without translation: sqlglot's own
way to Spark turns ``percentile_cont`` into an approximation. The nodes that Spark reads in another
way are the entries of :data:`DIFFERENCES`, and there are no others. What would be another value
without an error is refused: an integer cast that may have to round, in a form that no entry knows
(Spark cuts the fraction off), and fields of a date that the engines number differently.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from sqlglot import Dialect, exp, generator, parse_one
from sqlglot.errors import SqlglotError

from onestop.errors import OneStopError
from onestop.said import said

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping


class SparkTextError(OneStopError):
    """A SELECT with a part that has no known counterpart on Spark."""


class _Written(Dialect):  # type: ignore[misc]
    """How the SELECTs are written: by default, nulls are the largest values."""

    NULL_ORDERING = "nulls_are_large"


class _OnSpark(Dialect):  # type: ignore[misc]
    """What Spark reads: by default, nulls are the smallest values."""

    NULL_ORDERING = "nulls_are_small"

    class Generator(generator.Generator):  # type: ignore[misc]
        """Writes each node as it was read; types by Spark's names."""

        TYPE_MAPPING = {  # noqa: RUF012 - as sqlglot declares it
            **generator.Generator.TYPE_MAPPING,
            exp.DataType.Type.DOUBLE: "DOUBLE",
            exp.DataType.Type.TEXT: "STRING",
            exp.DataType.Type.VARCHAR: "STRING",
            exp.DataType.Type.TIMESTAMPTZ: "TIMESTAMP",
        }


@dataclass(frozen=True)
class Difference:
    """One way in which Spark reads a SELECT otherwise than DuckDB and PostgreSQL.

    Attributes:
        written: as the SELECTs have it.
        on_spark: as Spark gets it.
        why: what Spark would do with the first one.
        render: replaces a node of the tree, or returns it; None where the writer does it.
    """

    written: str
    on_spark: str
    why: str
    render: Callable[[exp.Expression], exp.Expression] | None = None


def _call(name: str, *arguments: exp.Expression) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=[one.copy() for one in arguments])


def _extracted(node: exp.Expression) -> exp.Expression:
    if isinstance(node, exp.Extract) and node.name.upper() == "EPOCH":
        seconds = exp.Cast(
            this=_call("unix_micros", node.expression), to=exp.DataType.build("double")
        )
        return exp.Paren(this=exp.Div(this=seconds, expression=exp.Literal.number("1000000")))
    if isinstance(node, exp.Extract) and not _is_same_field(node):
        raise SparkTextError(
            said("{part} is not the same on all engines", part=node.sql()),
            subject="sql/mart",
            remedy="use year, month, day, hour, minute, epoch or floor(extract(second from …))",
        )
    return node


def _is_same_field(field: exp.Extract) -> bool:
    """Whether the engines give a field of a date or a moment the same value.

    DuckDB's seconds have no fraction, those of the others have one; weekdays begin with 0 or 1.
    """
    name = field.name.upper()
    return name in {"YEAR", "MONTH", "DAY", "HOUR", "MINUTE"} or (
        name == "SECOND" and isinstance(field.parent, exp.Floor)
    )


#: Types without a fraction.
_INTEGERS = frozenset({exp.DataType.Type.BIGINT, exp.DataType.Type.INT, exp.DataType.Type.SMALLINT})


def _rounded(node: exp.Expression) -> exp.Expression:
    if isinstance(node, exp.Cast) and node.to.this in _INTEGERS:
        inner = node.this.unnest()
        if isinstance(inner, exp.WithinGroup) and isinstance(inner.this, exp.PercentileCont):
            return exp.Cast(this=_call("bround", inner), to=node.to.copy())
        if _may_have_a_fraction(inner):
            raise SparkTextError(
                said("{part} may have to round, which Spark does not", part=node.sql()),
                subject="sql/mart",
                remedy="take floor() of it, or add the form to onestop/spark/dialect.py",
            )
    return node


#: Functions whose value has no fraction.
_WHOLE = (exp.Floor, exp.Ceil, exp.Round, exp.Count)
_FRACTIONS = (exp.Div, exp.PercentileCont, exp.Avg, exp.Sqrt)


def _may_have_a_fraction(node: exp.Expression) -> bool:
    """Whether an expression divides or rounds outside of functions with whole results."""
    if isinstance(node, _WHOLE):
        return False
    if isinstance(node, _FRACTIONS):
        return True
    if isinstance(node, exp.Cast):
        if node.to.this in _INTEGERS or (
            node.to.this == exp.DataType.Type.DECIMAL and _scale(node.to) == 0
        ):
            return False
        return node.to.this in {exp.DataType.Type.DOUBLE, exp.DataType.Type.DECIMAL}
    return any(_may_have_a_fraction(child) for child in node.iter_expressions())


def _scale(type_: exp.DataType) -> int:
    digits = [int(one.name) for one in type_.expressions]
    return digits[1] if len(digits) > 1 else 0


def _list(node: exp.Expression) -> exp.Expression:
    if isinstance(node, exp.GroupConcat):
        order = node.this
        if not isinstance(order, exp.Order):
            raise SparkTextError(
                said("{part} has no order", part=node.sql()),
                subject="sql/mart",
                remedy="add order by",
            )
        separator = node.args.get("separator") or exp.Literal.string("")
        return exp.WithinGroup(
            this=_call("listagg", order.this, separator),
            expression=exp.Order(expressions=[one.copy() for one in order.expressions]),
        )
    return node


def _concatenated(node: exp.Expression) -> exp.Expression:
    if isinstance(node, exp.Concat):
        return _call("concat_ws", exp.Literal.string(""), *node.expressions)
    return node


def _days_between(node: exp.Expression) -> exp.Expression:
    if isinstance(node, exp.Sub) and _is_date(node.this) and isinstance(
        node.expression, exp.Column | exp.Cast
    ):  # fmt: skip
        return _call("datediff", node.this, node.expression)
    return node


def _bracketed_window(node: exp.Expression) -> exp.Expression:
    if isinstance(node, exp.Sub) and isinstance(node.this, exp.Window) and node.this.alias:
        return exp.Sub(this=exp.Paren(this=node.this.copy()), expression=node.expression.copy())
    return node


def _field_of_json(node: exp.Expression) -> exp.Expression:
    if isinstance(node, exp.JSONExtractScalar):
        text = node.this.unnest()
        text = text.this if isinstance(text, exp.Cast) else text
        return _call(
            "get_json_object", text, exp.Literal.string(f"$.{node.expression.output_name}")
        )
    return node


def _position(node: exp.Expression) -> exp.Expression:
    if isinstance(node, exp.StrPosition):
        return _call("locate", node.args["substr"], node.this)
    return node


def _is_date(node: exp.Expression) -> bool:
    """Whether an expression is a date by its form: ``date '2022-12-31'``, ``cast(… as date)``."""
    return isinstance(node, exp.Cast) and node.to.this == exp.DataType.Type.DATE


#: All of them. A test shows each one on a running Spark.
DIFFERENCES = (
    Difference("cast(x as double precision)", "cast(x as double)", "does not know the type's name"),
    Difference("cast(x as varchar)", "cast(x as string)", "asks for a length"),
    Difference(
        "order by x",
        "order by x nulls last",
        "sorts nulls before all values, without an error",
    ),
    Difference(
        "extract(epoch from t)",
        "cast(unix_micros(t) as double) / 1000000",
        "does not know the field",
        _extracted,
    ),
    Difference(
        "cast(percentile_cont(p) within group (order by x) as bigint)",
        "cast(bround(percentile_cont(p) within group (order by x)) as bigint)",
        "cuts the half off, without an error; the others round it to the even number",
        _rounded,
    ),
    Difference(
        "string_agg(x, ' ' order by y)",
        "listagg(x, ' ') within group (order by y)",
        "has the order in another place",
        _list,
    ),
    Difference(
        "concat(x, y)",
        "concat_ws('', x, y)",
        "returns null where one of them is null, without an error; the others leave it out",
        _concatenated,
    ),
    Difference(
        "date '2022-12-31' - x",
        "datediff(date '2022-12-31', x)",
        "returns an interval, which is compared with no number",
        _days_between,
    ),
    Difference(
        "lead(x) over w - y",
        "(lead(x) over w) - y",
        "reads `w - y` as a name with a hyphen",
        _bracketed_window,
    ),
    Difference("position(x in y)", "locate(x, y)", "does not know sqlglot's name of it", _position),
    Difference(
        "cast(x as json) ->> 'name'",
        "get_json_object(x, '$.name')",
        "does not know the type",
        _field_of_json,
    ),
)


@dataclass(frozen=True)
class Step:
    """A common table expression that is held, because the query reads it more than once.

    Attributes:
        name: of the relation that holds it.
        select: its SELECT.
    """

    name: str
    select: str


@dataclass(frozen=True)
class SparkQuery:
    """A SELECT for Spark.

    Attributes:
        steps: what to hold first, in order.
        select: the SELECT itself.
    """

    steps: tuple[Step, ...]
    select: str


def relation_name(table: str) -> str:
    """The name of a ``schema.table`` on Spark, where all relations are temporary views."""
    return table.replace(".", "__").lower()


@cache
def for_spark(sql: str, name: str = "query") -> SparkQuery:
    """A SELECT of ``sql/`` for Spark.

    Spark computes a common table expression again at each place that reads it, so those that are
    read more than once are taken out of the query.

    Args:
        sql: the SELECT, without parameters.
        name: prefix of the names of the held steps.

    Raises:
        SparkTextError: it has a part that is not known to give the same on Spark.
    """
    try:
        tree = parse_one(sql, read=_Written)
    except SqlglotError as error:
        raise SparkTextError(
            said("cannot be read: {reason}", reason=str(error).splitlines()[0]),
            subject=name,
            remedy="correct it",
        ) from error
    tree = _with_relations(tree)
    for difference in DIFFERENCES:
        if difference.render is not None:
            tree = tree.transform(difference.render)
    steps, rest = _take_out_steps(tree, name)
    return SparkQuery(
        tuple(Step(held, part.sql(dialect=_OnSpark, comments=False)) for held, part in steps),
        rest.sql(dialect=_OnSpark, comments=False),
    )


def _with_relations(tree: exp.Expression) -> exp.Expression:
    """The tree with each ``schema.table`` replaced by the name of its relation."""
    for table in tree.find_all(exp.Table):
        if table.db:
            if not table.alias:
                table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name)))
            table.set("this", exp.to_identifier(relation_name(f"{table.db}.{table.name}")))
            table.set("db", None)
    for column in tree.find_all(exp.Column):
        if column.args.get("db"):
            column.set("db", None)
    return tree


def _take_out_steps(
    tree: exp.Expression, name: str
) -> tuple[list[tuple[str, exp.Expression]], exp.Expression]:
    """The steps that are read more than once, with what they read, in order; and the rest."""
    with_ = tree.args.get("with_")
    if with_ is None:
        return [], tree
    ctes: dict[str, exp.Expression] = {cte.alias: cte.this for cte in with_.expressions}
    reads = {
        cte: [table.name for table in query.find_all(exp.Table) if table.name in ctes]
        for cte, query in ctes.items()
    }
    uses: dict[str, int] = dict.fromkeys(ctes, 0)
    for table in tree.find_all(exp.Table):
        if table.name in uses:
            uses[table.name] += 1
    recursive = {cte for cte, read in reads.items() if cte in read}
    held = {
        cte: f"{name}__{cte}"
        for cte, count in uses.items()
        if count > 1 and cte not in recursive and not _is_trivial(ctes[cte])
    }
    if not held:
        return [], tree
    for table in tree.find_all(exp.Table):
        if table.name in held:
            if not table.alias:
                table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name)))
            table.set("this", exp.to_identifier(held[table.name]))
    taken = [
        (relation, _with(ctes[cte], with_, _needed(reads[cte], reads, held)))
        for cte, relation in held.items()
    ]
    tree.set("with_", None)
    own = [table.name for table in tree.find_all(exp.Table)]
    return taken, _with(tree, with_, _needed(own, reads, held))


def _with(query: exp.Expression, with_: exp.With, names: set[str]) -> exp.Expression:
    """A copy of a query whose steps are those of these names."""
    steps = [cte.copy() for cte in with_.expressions if cte.alias in names]
    whole = query.copy()
    whole.set(
        "with_",
        exp.With(expressions=steps, recursive=with_.args.get("recursive")) if steps else None,
    )
    return whole


def _needed(first: list[str], reads: Mapping[str, list[str]], held: Collection[str]) -> set[str]:
    """The steps that these read, directly or through others, up to held ones."""
    found: set[str] = set()
    waiting = [name for name in first if name in reads and name not in held]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [one for one in reads[name] if one not in held]
    return found


def _is_trivial(query: exp.Expression) -> bool:
    """Whether a step reads no table, so that computing it again costs nothing."""
    return query.find(exp.Table) is None
