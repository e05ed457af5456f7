"""Write the next migration: the difference between the newest one and the tables in `schema`.

Run `python -m tradewire.store.new_migration "Add the column channel."` after changing the tables or the fields of a
trade. The text becomes the migration's docstring.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from textwrap import dedent, indent
from typing import Final

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext

from tradewire.store.engine import reader_engine
from tradewire.store.schema import metadata
from tradewire.store.writing import StoreWriter

VERSIONS: Final = Path(__file__).parent / "migrations/versions"

_TEMPLATE: Final = '''"""{doc}"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{down_revision}"


def upgrade() -> None:
    """{doc}"""
{body}
'''


def new_migration(doc: str, versions: Path = VERSIONS) -> Path | None:
    """Write the next migration.

    Args:
        doc: A sentence that begins with an imperative, such as `Add the column channel.`
        versions: The folder of the migrations.

    Returns:
        The new file. None if the migrations already lead to the tables in `schema`.
    """
    body = _body()
    if not body:
        return None
    newest = max(path.name[:4] for path in versions.glob("[0-9]*.py"))
    revision = f"{int(newest) + 1:04}"
    slug = re.sub(r"\W+", "_", doc.lower()).strip("_")
    path = versions / f"{revision}_{slug}.py"
    path.write_text(_TEMPLATE.format(doc=doc, revision=revision, down_revision=newest, body=indent(body, "    ")))
    return path


def _body() -> str:
    """Return the statements that lead from the newest migration to the tables in `schema`. Empty if there are none."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/store.db"
        writer = StoreWriter(url, "new-migration")
        writer.migrate()
        writer.close()
        engine = reader_engine(url)
        with engine.connect() as connection:
            context = MigrationContext.configure(connection)
            script = produce_migrations(context, metadata)
            assert script.upgrade_ops  # noqa: S101 - produce_migrations always makes them
            code = "" if script.upgrade_ops.is_empty() else render_python_code(script.upgrade_ops)
        engine.dispose()
    statements = "\n".join(line for line in code.splitlines() if not line.lstrip().startswith("#"))
    return dedent(f"    {statements.lstrip()}")


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program and its argument
        sys.exit('Usage: python -m tradewire.store.new_migration "Add the column channel."')
    written = new_migration(sys.argv[1])
    if written is None:
        sys.exit("The migrations already lead to the tables in tradewire/store/schema.py.")
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", written], check=True)
    sys.stdout.write(f"{written}\n")
