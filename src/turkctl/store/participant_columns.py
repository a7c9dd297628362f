"""Read tables of older psiTurks, which have no column for the mode or the bonus, as if they had them.

Where such a column is missing, queries get the same value for every row: the mode that the settings name, and no bonus.
Writing to a missing column is refused by those who write.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Engine, String, event
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

OPTIONAL = ("bonus", "mode")
"""psiTurk's columns that its older versions do not have."""
_ABSENT = "turkctl_absent_columns"
_COLUMNS = {
    "sqlite": "SELECT name FROM pragma_table_info({})",
    "postgresql": "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass({}) AND attnum > 0"
    " AND NOT attisdropped",
    "mysql": "SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = {}",
}


class OptionalColumn(Column[Any]):
    """A column of psiTurk's that the table may lack."""

    inherit_cache = True


@compiles(OptionalColumn)
def _column_or_value(column: OptionalColumn, compiler: SQLCompiler, **how: Any) -> str:
    """Return the column, or in its place the value that every row has, named like it where a query returns it."""
    absent = getattr(compiler.dialect, _ABSENT, {}).get(getattr(column.table, "name", None), {})
    if column.name not in absent:
        return compiler.visit_column(column, **how)
    value = _literal(absent[column.name], column, compiler)
    note = how.get("add_to_result_map")
    if note is not None:
        note(column.name, column.name, (column, column.name, column.key), column.type)
    named = how.get("within_columns_clause") and not how.get("within_label_clause")
    return f"{value} AS {compiler.preparer.quote(column.name)}" if named else value


def _literal(value: str | None, column: OptionalColumn, compiler: SQLCompiler) -> str:
    text = "NULL" if value is None else compiler.render_literal_value(value, String())
    if compiler.dialect.name != "postgresql":
        return text
    return f"CAST({text} AS {compiler.dialect.type_compiler_instance.process(column.type)})"


def substitute(engine: Engine, table: str, mode: str | None) -> None:
    """Let queries of this engine read a table that lacks one of :data:`OPTIONAL`; see which at the first connection.

    Args:
        engine: not connected yet.
        table: the name of the participants table.
        mode: what stands for the mode of every row.
    """

    def look(connection: Any, _record: Any) -> None:
        if hasattr(engine.dialect, _ABSENT):
            return
        there = _columns(connection, engine, table)
        values = {"mode": mode, "bonus": None}
        absent = {name: values[name] for name in OPTIONAL if there and name not in there}
        setattr(engine.dialect, _ABSENT, {table: absent})

    event.listen(engine, "connect", look)


def _columns(connection: Any, engine: Engine, table: str) -> set[str]:
    """Return the names of the table's columns; none if it is not there."""
    quoted = engine.dialect.identifier_preparer.quote(table) if engine.dialect.name == "postgresql" else table
    mark = "?" if engine.dialect.name == "sqlite" else "%s"
    cursor = connection.cursor()
    try:
        cursor.execute(_COLUMNS[engine.dialect.name].format(mark), (quoted,))
        return {str(row[0]) for row in cursor.fetchall()}
    finally:
        cursor.close()
        if engine.dialect.name != "sqlite":
            connection.rollback()


def absent(engine: Engine, table: str) -> tuple[str, ...]:
    """Return the columns of :data:`OPTIONAL` that the table lacks; the engine has connected before."""
    return tuple(getattr(engine.dialect, _ABSENT, {}).get(table, ()))
