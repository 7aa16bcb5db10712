"""rollout."""

from typing import Annotated

import typer

from agro.commands.options import AsJson, Model

Pause = Annotated[bool, typer.Option("--pause", help="Take no further step; a worse version is still taken back.")]
Resume = Annotated[bool, typer.Option("--resume", help="End the pause, or go on without waiting for more requests.")]
Abort = Annotated[bool, typer.Option("--abort", help="Take the version back, now and for good.")]
Once = Annotated[bool, typer.Option("--once", help="Show it as it is, and do not watch.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(rollout)


def rollout(
    model: Model, pause: Pause = False, resume: Resume = False, abort: Abort = False, once: Once = False,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Show how far a model's rollout is, live until it ends; or say how it goes on."""
    from agro import console, rollouts

    for wanted, say in ((pause, rollouts.pause), (resume, rollouts.resume), (abort, rollouts.abort)):
        if wanted:
            say(model)
    if as_json:
        console.print_json(rollouts.document(model))
    elif once or pause or resume or abort:
        rollouts.show(model)
    else:
        rollouts.watch(model)
