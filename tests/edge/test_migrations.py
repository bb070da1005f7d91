"""The tables that the code names are those that the steps make."""

import sqlite3
from contextlib import closing

from dave.edge.migrations import MIGRATIONS, TABLES


def test_tables_are_as_the_code_knows_them():
    with closing(sqlite3.connect(":memory:")) as connection:
        for step in MIGRATIONS:
            connection.executescript(step)
        made = dict(connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'"))
        assert made.keys() == TABLES.keys()
        for table in TABLES.values():
            assert "STRICT" in made[table.name]
            info = connection.execute(f"PRAGMA table_info({table.name})").fetchall()
            assert tuple(column[1] for column in info) == table.columns
            keys = [column[1] for column in sorted(info, key=lambda c: c[5]) if column[5]]
            assert tuple(keys) == table.columns[: table.keys]
