"""Moves of the alias `champion`: made by us, or seen in MLflow; each is a row of the history."""

from datetime import datetime
from typing import Self

from registry import approval, promotion
from registry.connection import account
from registry.errors import NoChampion
from registry.moves import Move
from registry.records import CHAMPION, Served, Version, history_of
from registry.registry import Registry
from rollout.history import History
from rollout.row import Event, Row
from rollout.settings import ApprovalSettings, HistorySettings


class Champions:
    """The registry's champions with their history."""

    def __init__(self, registry: Registry, history: History) -> None:
        self.registry, self.history = registry, history
        self.approved_first = ApprovalSettings().models

    @classmethod
    def open(cls, registry: Registry, settings: HistorySettings | None = None) -> Self:
        """The champions of a registry with this platform's history.

        Raises:
            HistoryDamaged: The history cannot be read.
            HistoryUnreachable: Its database does not answer.
        """
        return cls(registry, History.open(settings))

    def promote(
        self,
        name: str,
        number: int | None = None,
        *,
        again: bool = False,
        force: bool = False,
        expected_champion: int | None = None,
        reason: str = "",
    ) -> Version:
        """Make a version champion, as `Registry.promote` does, and write it down.

        Raises:
            RegistryError: What `Registry.promote` raises.
        """
        before = self.observe(name)
        champion = self.registry.promote(
            name,
            number,
            again=again,
            force=force,
            expected_champion=expected_champion,
            approved_first=self.approved_first,
        )
        if before is None or before.number != champion.number:
            self._note(name, champion.number, Event.PROMOTED, before.number if before else None, reason)
        return champion

    def rollback(self, name: str, reason: str = "rolled back by hand") -> Version:
        """Move `champion` back to the version that had it before, mark the one that loses it, and write it down.

        Raises:
            NoChampion: No version is champion.
            NothingToRollBackTo: No earlier champion is left that was not rejected.
        """
        earlier, versions = self._observed(name), self.registry.versions(name)
        may = {one.number for one in versions if approval.missing(name, one, self.approved_first) is None}
        bad, good = promotion.previous(name, versions, [row.version for row in earlier if row.version in may])
        champion = self.registry.roll_back(name, good.number, reason)
        self._note(name, champion.number, Event.ROLLED_BACK, bad.number, reason)
        return champion

    def take_back(self, name: str, bad: int, good: int | None, reason: str) -> None:
        """Mark a version as rejected; where it is champion still, and one is good, move `champion` back to that."""
        before = self.observe(name)
        if before is None or before.number != bad or good is None:
            self.registry.reject(name, bad, reason)
            return
        self.registry.roll_back(name, good, reason)
        self._note(name, good, Event.ROLLED_BACK, bad, reason)

    def put_back(self, name: str, bad: int, serving: int | None, reason: str) -> None:
        """Move `champion` off a version that may not carry it, and say why in the version's description.

        It goes to the version that was champion last and is approved, or serves; where there is none, it goes away.
        """
        moves, before = self._observed(name), self.registry.champion(name)
        if before is None or before.number != bad:
            return
        good = self._may_serve(name, [row.version for row in moves if row.version != bad], serving)
        self.registry.put_back(name, bad, good, reason)
        self._note(name, good, Event.PUT_BACK, bad, reason)

    def _may_serve(self, name: str, moves: list[int | None], serving: int | None) -> int | None:
        """Of versions that were champion, the last one that may serve, or does."""
        may = {
            one.number
            for one in self.registry.versions(name)
            if one.rejected is None
            and (one.number == serving or approval.missing(name, one, self.approved_first) is None)
        }
        return next((number for number in reversed(moves) if number in may), serving)

    def observe(self, name: str) -> Version | None:
        """The champion; what was done to the alias in MLflow is written down first."""
        self._observed(name)
        return self.registry.champion(name)

    def resolve(self, name: str, number: int | None = None, moment: datetime | None = None) -> int:
        """The version that is meant: the one named, else the champion, of today or of a past moment.

        Raises:
            VersionNotFound: There is no such version.
            NoChampion: None was named, and none is or was champion.
        """
        if number is not None or moment is None:
            return self.registry.resolve(name, number)
        held = [row.version for row in self._observed(name) if row.at <= moment]
        if not held or held[-1] is None:
            when = f"{moment:%Y-%m-%d %H:%M} UTC"
            raise NoChampion(f"{name} had no champion by {when}; name the version you mean")
        return held[-1]

    def _observed(self, name: str) -> list[Row]:
        """What became champion when, with what nobody had written down yet."""
        versions = self.registry.versions(name)
        self.history.once(f"mlflow:{name}", lambda: [_earlier(name, entry) for entry in history_of(versions)])
        for move in self.registry.moves(name):
            self._take(name, move, Event.SEEN if move.version else Event.REMOVED, "the alias was moved in MLflow")
        rows, champion = self.history.moves(name), promotion.holder(versions, CHAMPION)
        held, noted = champion.number if champion else None, rows[-1].version if rows else None
        if held == noted:
            return rows
        what = Event.SEEN if held else Event.REMOVED
        seen = Row(name, what, held, before=noted, result="the alias was moved in MLflow; seen at this time")
        self.history.once(f"seen:{name}:{len(rows)}", lambda: [seen])
        return self.history.moves(name)

    def _note(self, name: str, number: int | None, what: Event, before: int | None, reason: str) -> None:
        """Write down a move of our own, at the time that MLflow's front noted, where it did."""
        own = [move for move in self.registry.moves(name) if move.version == number]
        if own:
            self._take(name, own[-1], what, reason, before, account())
        else:
            self.history.append(Row(name, what, number, before=before, who=account(), result=reason))

    def _take(self, name: str, move: Move, what: Event, result: str, before: int | None = None, who: str = "") -> None:
        """Write down, once, a move that MLflow's front noted; then its note may go."""
        row = Row(name, what, move.version, before=before, who=move.who or who, result=result, at=move.at)
        self.history.once(f"{name}:{move.key}", lambda: [row])
        self.registry.forget(name, move)


def _earlier(name: str, entry: Served) -> Row:
    """What an earlier version of the platform kept of a move in MLflow's tags."""
    at = datetime.fromisoformat(entry.at)
    return Row(name, entry.by, entry.version, who=entry.who, result=entry.reason, at=at)
