"""quarantine."""

from typing import Annotated, Any

import typer

from agro.commands.options import AsJson, listed
from features.kinds import learned


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(quarantine)


def quarantine(
    kind: Annotated[str, typer.Argument(help=listed(learned), show_default=False)],
    record: Annotated[str | None, typer.Argument(metavar="[ID]", help="With --back: only this move.")] = None,
    back: Annotated[bool, typer.Option("--back", help="Put moved rows back.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would move.")] = False,
    as_json: AsJson = False,
) -> None:
    """Move stored rows that break their contract out of the way, into files with a record; or put them back."""
    from agro import console
    from features import broken_rows
    from features import quarantine as ward
    from features.settings import StorageSettings
    from features.store import Store

    if record and not back:
        raise typer.BadParameter("an ID is for --back: `agro quarantine KIND ID --back`")
    storage = StorageSettings()
    with Store.connect() as store:
        if dry_run:
            _show_broken([broken.said() for broken in broken_rows.find(store, kind, storage)], as_json)
            return
        moves = ward.put_back(store, kind, storage, record) if back else ward.move(store, kind, storage)
    if as_json:
        console.print_json({"back" if back else "moved": [vars(move) for move in moves]})
        return
    _show(f"{kind}: {'put back' if back else 'moved out of the way'} now", moves)
    if not back:
        _show(f"{kind}: all that was ever moved (`agro quarantine {kind} ID --back`)", ward.records(storage, kind))


def _show_broken(rows: list[dict[str, Any]], as_json: bool) -> None:
    from agro import console

    if as_json:
        console.print_json({"would_move": rows})
        return
    cells = [[row["column"], row["rule"], row["rows"]] for row in rows]
    console.table("would move", ["column", "rule that they break", "rows"], cells)


def _show(title: str, moves: list[Any]) -> None:
    from agro import console

    rows = []
    for move in moves:
        broken = "; ".join(f"{row['column']} {row['rule']}" for row in move.rules)
        rows.append([move.id, move.rows, broken, move.state, move.file])
    console.table(title, ["id", "rows", "rules that they break", "state", "file"], rows)
