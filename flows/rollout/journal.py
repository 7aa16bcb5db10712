"""What a rollout writes down: rows of the history, and mails to people."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flows.rollout.arms import Built, Checked
from rollout.history import History
from rollout.row import Event, Row
from rollout.steps import Rollout

Tell = Callable[[str, Sequence[str], str], None]
"""Writes a mail: subject, lines, and what makes it the same mail when it is written again."""


@dataclass(frozen=True)
class Journal:
    """The history, and whoever tells people. A mail goes out before its row, so that none is lost between the two."""

    history: History
    tell: Tell

    def note(
        self, going: Rollout, event: Event, result: str, state: str = "", arm: str = "", built: Built | None = None
    ) -> None:
        """Write down a step of a rollout."""
        tag, digest = (built.tag, built.digest) if built else ("", "")
        self.history.append(
            Row(going.model, event, going.version, arm, tag, digest, before=going.before, result=result, state=state)
        )

    def serves(self, model: str, version: int, built: Built, arm: str, before: int | None, found: Checked) -> None:
        """Write down that a version serves as an arm."""
        self.history.append(
            Row(
                model, Event.SERVES, version, arm, built.tag, built.digest, found.port, before=before,
                result=found.result,
            )
        )  # fmt: skip

    def stopped(self, model: str, arm: str, version: int | None) -> None:
        """Write down that an arm was stopped."""
        self.history.append(Row(model, Event.STOPPED, arm=arm, before=version))

    def decided(
        self,
        going: Rollout,
        event: Event,
        subject: str,
        lines: Sequence[str],
        result: str,
        state: str = "",
        arm: str = "",
        built: Built | None = None,
    ) -> None:
        """Tell people of a decision, and write it down."""
        self.tell(subject, [line for line in lines if line], f"{going.key} {event} {result}")
        self.note(going, event, result, state, arm, built)
