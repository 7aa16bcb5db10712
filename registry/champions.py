"""What serves: the aliases of versions, moved by us or seen moved in MLflow, and the history of both."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from registry import entities, promotion
from registry.connection import account, is_missing
from registry.errors import NoChampion, StaleChoice
from registry.records import (
    CHALLENGER,
    CHAMPION,
    HISTORY,
    ROLLOUT,
    Served,
    Version,
    VersionInfo,
    champion_at,
    history_of,
    history_tag,
)
from registry.versions import Versions

if TYPE_CHECKING:
    from mlflow import MlflowClient


class Champions(Versions):
    """Versions, and which of them serves. What may be moved is decided in `promotion`."""

    def champion(self, name: str) -> Version | None:
        """The version that a person chose to serve, None where there is none."""
        return self._holder(name, CHAMPION)

    def challenger(self, name: str) -> Version | None:
        """The version on the newest data that passed its gate, None where there is none."""
        return self._holder(name, CHALLENGER)

    def resolve(self, name: str, number: int | None = None, moment: datetime | None = None) -> int:
        """The version that is meant: the one named, else the champion, of today or of a past moment.

        Raises:
            VersionNotFound: There is no such version.
            NoChampion: None was named, and none is or was champion.
        """
        if number is not None:
            return self.version(name, number).number
        if moment is None:
            champion = self.champion(name)
            held = champion.number if champion else None
        else:
            held = champion_at(self.history(name), moment)
        if held is None:
            when = f"had no champion by {moment:%Y-%m-%d %H:%M} UTC" if moment else "has no champion"
            raise NoChampion(f"{name} {when}; promote a version with `agro promote {name}`, or name the one you mean")
        return held

    def _holder(self, name: str, alias: str) -> Version | None:
        from mlflow.exceptions import MlflowException

        with self._mlflow.client() as client:
            try:
                return entities.version_of(client.get_model_version_by_alias(name, alias))
            except MlflowException as exc:
                if is_missing(exc) or getattr(exc, "error_code", "") == "INVALID_PARAMETER_VALUE":
                    return None
                raise

    def promote(
        self, name: str, number: int | None = None, *,
        again: bool = False, force: bool = False, expected_champion: int | None = None, reason: str = "",
    ) -> Version:  # fmt: skip
        """Make a version champion: `number`, or else the challenger. The champion itself stays what it is.

        Args:
            name: Registered model.
            number: The version; None: the challenger.
            again: A version that a rollback rejected is meant all the same; its rejection is taken back.
            force: A version that failed its gate is meant all the same.
            expected_champion: The champion that the choice was made against, where that matters.
            reason: Kept in the history.

        Raises:
            VersionNotFound: There is no such version, or no challenger.
            GateFailed: It did not pass its gate.
            VersionRejected: A rollback rejected it.
            StaleChoice: The champion is another one, or is newer than the challenger.
        """
        versions = self.versions(name)
        champion = promotion.holder(versions, CHAMPION)
        if expected_champion is not None and (champion is None or champion.number != expected_champion):
            now = f"version {champion.number}" if champion else "none"
            raise StaleChoice(f"{name}: the champion is {now} by now, not version {expected_champion}; look again")
        chosen = promotion.choose(name, versions, number, again=again, force=force)
        with self._mlflow.client() as client:
            if chosen.rejected is not None:
                client.delete_model_version_tag(name, str(chosen.number), ROLLOUT)
            if champion is None or champion.number != chosen.number:
                self._move(client, name, versions, chosen, "promote", reason)
        return self.version(name, chosen.number)

    def rollback(self, name: str, reason: str = "rolled back by hand") -> Version:
        """Move `champion` back to the version that had it before, and mark the one that loses it as rejected.

        Raises:
            NoChampion: No version is champion.
            NothingToRollBackTo: No earlier champion is left that was not rejected.
        """
        versions = self.versions(name)
        champion, before = promotion.previous(name, versions)
        with self._mlflow.client() as client:
            client.set_model_version_tag(name, str(champion.number), ROLLOUT, f"rejected:{reason}")
            self._move(client, name, versions, before, "rollback", reason)
        return self.version(name, before.number)

    def history(self, name: str) -> list[Served]:
        """What was champion when, oldest first, with a move in MLflow that nobody has noted yet as the last."""
        versions = self.versions(name)
        unseen = _unseen(versions)
        return history_of(versions) + ([unseen] if unseen else [])

    def observe(self, name: str) -> Version | None:
        """The champion, noting it in the history if somebody moved the alias in MLflow."""
        versions = self.versions(name)
        with self._mlflow.client() as client:
            self._note_unseen(client, name, versions)
        champion = promotion.holder(versions, CHAMPION)
        return self.version(name, champion.number) if champion else None

    def tag(self, name: str, number: int, key: str, value: str) -> None:
        """Note something on a version."""
        with self._mlflow.client() as client:
            client.set_model_version_tag(name, str(number), key, value)

    def _move(
        self, client: "MlflowClient", name: str, versions: list[VersionInfo], to: VersionInfo, by: str, reason: str
    ) -> None:
        self._note_unseen(client, name, versions)
        entry = Served(to.number, _now(), by, account(), reason)
        client.set_model_version_tag(name, str(to.number), HISTORY, history_tag(to, entry))
        client.set_registered_model_alias(name, CHAMPION, str(to.number))

    def _note_unseen(self, client: "MlflowClient", name: str, versions: list[VersionInfo]) -> None:
        entry = _unseen(versions)
        if entry is not None:
            version = promotion.find(name, versions, entry.version)
            client.set_model_version_tag(name, str(entry.version), HISTORY, history_tag(version, entry))


def _unseen(versions: list[VersionInfo]) -> Served | None:
    """The champion, where it is not the one that was noted last."""
    champion, noted = promotion.holder(versions, CHAMPION), history_of(versions)
    if champion is None or (noted and noted[-1].version == champion.number):
        return None
    return Served(champion.number, _now(), "seen", reason="the alias was moved in MLflow")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
