"""Options that several commands share."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from agro.console import one_of
from models.families import models

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, progress on stderr.")]
Model = Annotated[str, typer.Argument(help=f"{one_of(models())}.", show_default=False)]
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
