"""migrate."""

from typing import Annotated

import typer

from agro.commands.options import AsJson


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(migrate)


def migrate(
    shorten: Annotated[
        bool, typer.Option("--shorten", help="Also where rows live longer now: ClickHouse deletes those over age.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring the store's schema and retention to what the settings say; no other command changes them."""
    from agro import console
    from features.store import Store

    with Store.connect() as store:
        done = store.migrate(shorten=shorten)
    if as_json:
        console.print_json({"done": done})
    else:
        console.say("\n".join(done) or "the schema and the retention are as they should be")
