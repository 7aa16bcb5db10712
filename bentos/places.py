"""Places: where the versions of an arm stand one after another, with a port, a log and a note of who has them."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

from base.files import write_whole


@dataclass(frozen=True)
class Place:
    """A service's arm. One process at a time has its port; the next one starts beside it.

    The note names the program that is to have the port. Every process of the place looks at it, so that it holds for
    one that crashed and is started again.
    """

    folder: Path
    """Private, and short enough for the path of a socket."""
    service: str
    arm: str = "champion"

    @property
    def name(self) -> str:
        """As its log is called.

        >>> Place(Path("/run"), "recommender").name
        'recommender-champion'
        """
        return f"{self.service}-{self.arm}"

    @property
    def handover(self) -> Path:
        """The socket on which the holder of the port waits for the next one."""
        return self.folder / f"{self.name}.port"

    def program(self, number: int) -> str:
        """Name of one of its processes.

        >>> Place(Path("/run"), "recommender").program(2)
        'recommender-champion-2'
        """
        return f"{self.name}-{number}"

    def numbered(self, program: str) -> bool:
        """Whether a program is one of this place."""
        return program.rpartition("-")[0] == self.name and program.rpartition("-")[2].isdigit()

    def socket(self, program: str) -> Path:
        """The socket on which one of its processes answers from its start."""
        return self.folder / f"{program}.sock"

    def holder(self) -> str:
        """The program that is to have the port; empty where there is none."""
        with contextlib.suppress(OSError):
            return self._note.read_text().strip()
        return ""

    def give(self, program: str) -> None:
        """Let a program have the port; empty: nobody."""
        write_whole(self._note, program.encode())

    @property
    def _note(self) -> Path:
        return self.folder / f"{self.name}.holder"
