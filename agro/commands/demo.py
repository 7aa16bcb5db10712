"""demo."""

from pathlib import Path
from typing import Annotated

import typer

from agro.commands.options import AsJson


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(demo)


def demo(
    data: Annotated[
        Path | None,
        typer.Option(help="Folder with interactions/, demand/ and leaves/ instead of the packaged data.",
                     show_default=False),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the platform running at the end.")] = False,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Turn the whole loop once: load, check, train, gate, promote, serve, call, watch, mail."""
    import os

    for library in ("OMP_NUM", "OPENBLAS_NUM", "TF_NUM_INTRAOP", "TF_NUM_INTEROP"):
        os.environ.setdefault(f"{library}_THREADS", "1")  # the worker trains beside this process
    from agro.demo import run

    run.demo(data, keep, as_json)
