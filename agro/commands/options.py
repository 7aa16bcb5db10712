"""Options that several commands share."""

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from agro.console import one_of
from base.packages import BadPackage
from models.families import models


def listed(names: Callable[[], Iterable[str]]) -> str:
    """Names to choose from, for a help text; a package that is broken is told by the command itself."""
    try:
        return f"{one_of(names())}."
    except BadPackage:
        return "One of those that there are."


AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, progress on stderr.")]
Model = Annotated[str, typer.Argument(help=listed(models), show_default=False)]
Version = Annotated[int | None, typer.Argument(help="Version number.", show_default=False, min=1)]
DataPath = Annotated[Path | None, typer.Option("--data", help="File or folder to load first.", show_default=False)]
AsOf = Annotated[
    datetime | None,
    typer.Option(
        "--as-of",
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
        help="Learn only from what happened before this moment (UTC).",
        show_default=False,
    ),
]
