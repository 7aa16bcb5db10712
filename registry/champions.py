"""What serves: the aliases of versions, and who moved them. Their history is kept in `rollout/`."""

from collections.abc import Collection

from registry import approval, entities, promotion
from registry import moves as noted
from registry.connection import is_missing
from registry.errors import NoChampion, StaleChoice
from registry.moves import Move
from registry.records import CHALLENGER, CHAMPION, ROLLOUT, Version
from registry.versions import Versions


class Champions(Versions):
    """Versions, and which of them serves. What may be moved is decided in `promotion`."""

    def champion(self, name: str) -> Version | None:
        """The version that a person chose to serve, None where there is none."""
        return self._holder(name, CHAMPION)

    def challenger(self, name: str) -> Version | None:
        """The version on the newest data that passed its gate, None where there is none."""
        return self._holder(name, CHALLENGER)

    def resolve(self, name: str, number: int | None = None) -> int:
        """The version that is meant: the one named, else the champion.

        Raises:
            VersionNotFound: There is no such version.
            NoChampion: None was named, and none is champion.
        """
        if number is not None:
            return self.version(name, number).number
        champion = self.champion(name)
        if champion is None:
            remedy = f"promote a version with `agro promote {name}`, or name the one you mean"
            raise NoChampion(f"{name} has no champion; {remedy}")
        return champion.number

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
        again: bool = False, force: bool = False, expected_champion: int | None = None,
        approved_first: Collection[str] = (),
    ) -> Version:  # fmt: skip
        """Make a version champion: `number`, or else the challenger. The champion itself stays what it is.

        Args:
            name: Registered model.
            number: The version; None: the challenger.
            again: A version that a rollback rejected is meant all the same; its rejection is taken back.
            force: A version that failed its gate is meant all the same.
            expected_champion: The champion that the choice was made against, where that matters.
            approved_first: Models whose versions have to be approved; `*`: all.

        Raises:
            VersionNotFound: There is no such version, or no challenger.
            GateFailed: It did not pass its gate.
            VersionRejected: A rollback rejected it.
            NotApproved: Its approval is missing.
            StaleChoice: The champion is another one, or is newer than the challenger.
        """
        versions = self.versions(name)
        champion = promotion.holder(versions, CHAMPION)
        if expected_champion is not None and (champion is None or champion.number != expected_champion):
            now = f"version {champion.number}" if champion else "none"
            raise StaleChoice(f"{name}: the champion is {now} by now, not version {expected_champion}; look again")
        chosen = promotion.choose(name, versions, number, again=again, force=force)
        approval.demand(name, chosen, approved_first)
        with self._mlflow.client() as client:
            if chosen.rejected is not None:
                client.delete_model_version_tag(name, str(chosen.number), ROLLOUT)
            if champion is None or champion.number != chosen.number:
                client.set_registered_model_alias(name, CHAMPION, str(chosen.number))
        return self.version(name, chosen.number)

    def roll_back(self, name: str, to: int, reason: str) -> Version:
        """Move `champion` back to a version, and mark the one that loses it as rejected."""
        champion = promotion.holder(self.versions(name), CHAMPION)
        with self._mlflow.client() as client:
            if champion is not None:
                client.set_model_version_tag(name, str(champion.number), ROLLOUT, f"rejected:{reason}")
            client.set_registered_model_alias(name, CHAMPION, str(to))
        return self.version(name, to)

    def reject(self, name: str, number: int, reason: str) -> None:
        """Mark a version as rejected, wherever the aliases are."""
        self.tag(name, number, ROLLOUT, f"rejected:{reason}")

    def put_back(self, name: str, bad: int, good: int | None, reason: str) -> None:
        """Move `champion` off a version, to a good one where there is one, and describe why in the version."""
        with self._mlflow.client() as client:
            known = client.get_model_version(name, str(bad)).description or ""
            told = f"`{CHAMPION}` was put back: {reason}."
            if told not in known:
                client.update_model_version(name, str(bad), "\n\n".join(filter(None, [known, told])))
            if good is None:
                client.delete_registered_model_alias(name, CHAMPION)
            else:
                client.set_registered_model_alias(name, CHAMPION, str(good))

    def moves(self, name: str) -> list[Move]:
        """Moves of `champion` that MLflow's front has noted and nobody has taken into the history, oldest first."""
        from mlflow.exceptions import MlflowException

        with self._mlflow.client() as client:
            try:
                return noted.read(client.get_registered_model(name).tags)
            except MlflowException as exc:
                if is_missing(exc):
                    return []
                raise

    def forget(self, name: str, move: Move) -> None:
        """Remove the note of a move that is in the history."""
        with self._mlflow.client() as client:
            client.delete_registered_model_tag(name, move.key)

    def tag(self, name: str, number: int, key: str, value: str) -> None:
        """Note something on a version."""
        with self._mlflow.client() as client:
            client.set_model_version_tag(name, str(number), key, value)
