"""Build, check and serve the version a person promoted."""

import tempfile
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from bentos import deploy as deploying
from bentos import package as packaging
from bentos import standing
from bentos.bento import Bento, find
from bentos.check import CheckReport, check, replay
from bentos.errors import BentoRefused
from bentos.settings import ServingSettings
from flows import ports
from flows.failures import ALERTING
from flows.locks import one_at_a_time
from flows.parameters import FIRST_MODEL, ModelName
from flows.progress import tell
from flows.retries import WORLD
from models.families import registered
from registry.connection import account
from registry.registry import Registry
from rollout.history import History
from rollout.row import Event, Row


@task(**WORLD)
def build(registry: Registry, model: str, version: int, settings: ServingSettings) -> Bento:
    """The version's Bento: the one that is built already, or one of its files, refused unless their digest is right."""
    digest = registry.digest(model, version)
    if (built := packaging.built(model, version, digest, settings)) is not None:
        return built
    tell(0.1, f"fetching {model} version {version} and checking its digest")
    with tempfile.TemporaryDirectory(prefix="agro-version-") as folder:
        artifact = registry.download(model, version, Path(folder))
        tell(0.3, "building the Bento")
        return packaging.package(model, version, artifact, digest, settings)


@task(cache_policy=NO_CACHE, persist_result=False)
def replay_golden(bento: Bento, settings: ServingSettings) -> CheckReport:
    """Start the Bento where nobody reaches it, ask it the golden requests, stop it.

    Raises:
        BentoRefused: It answers otherwise than the registered model did.
    """
    tell(0.5, f"checking {bento.tag} on its golden requests")
    return approved(check(bento, settings))


@task(cache_policy=NO_CACHE, persist_result=False)
def replace(bento: Bento, beside: list[Bento], settings: ServingSettings) -> CheckReport:
    """Start the Bento beside what serves, ask it the golden requests there, and let it have the port.

    Raises:
        BentoRefused: It answers otherwise than the registered model did; it was stopped, and what served serves.
    """
    tell(0.5, f"starting {bento.tag} beside what serves")
    with deploying.trial(bento, settings, beside=beside) as newcomer:
        tell(0.7, f"checking {bento.tag} on its golden requests")
        report = approved(replay(bento, newcomer.socket, settings, newcomer.ready_s))
        tell(0.8, f"serving {bento.tag}")
    return report


def approved(report: CheckReport) -> CheckReport:
    """The report of a check that was passed.

    Raises:
        BentoRefused: It was not.
    """
    if not report.passed:
        raise BentoRefused(f"{report.tag} answers otherwise than the model: {'; '.join(report.differences[:3])}")
    return report


def serve(bento: Bento, history: History, settings: ServingSettings) -> tuple[Row, int]:
    """Serve a Bento unless it does already: its row of the history, and how many golden requests it was asked."""
    before = history.current(bento.model)
    if deploying.serves(bento, settings):
        known = before is not None and before.tag == bento.tag
        return before if before and known else history.append(row_of(bento, before, "it served already", settings)), 0
    report = replace(bento, neighbours(bento, history, settings), settings)
    return history.append(row_of(bento, before, report.summary(), settings)), report.asked


def neighbours(bento: Bento, history: History, settings: ServingSettings) -> list[Bento]:
    """What the other models of a Bento's service answer with: its process answers for them, too."""
    service = registered(bento.model).service
    others = [row for row in history.serving() if row.arm == "champion" and row.model != bento.model]
    return [find(row.tag, settings.home) for row in others if registered(row.model).service == service]


def row_of(bento: Bento, before: Row | None, result: str, settings: ServingSettings) -> Row:
    """What is written down of a Bento that serves now."""
    return Row(
        bento.model, Event.SERVES, int(bento.version), "champion", bento.tag, bento.digest,
        settings.port(bento.model), before.version if before else None, account(), result,
    )  # fmt: skip


@flow(name="package", validate_parameters=True, **ALERTING)
def package(model: ModelName = FIRST_MODEL, version: int | None = None, deploy: bool = True) -> dict[str, Any]:
    """Build and check the champion's Bento (or a version's); with `deploy`, serve it in place of the old one.

    It is started once, beside what serves, checked there, and takes the port over. What serves already is neither
    checked nor started again (`checked` is 0 then).

    Args:
        model: A registered model.
        version: Its version; None: the champion.
        deploy: Serve it, or only build and check it.
    """
    settings = ServingSettings()
    with one_at_a_time("package"):
        registry, history = ports.connect_registry(), ports.connect_history()
        number = registry.resolve(model, version)
        bento = build(registry, model, number, settings)
        outcome: dict[str, Any] = {"model": model, "version": number, "tag": bento.tag, "digest": bento.digest}
        if deploy:
            row, outcome["checked"] = serve(bento, history, settings)
            outcome["url"], outcome["since"] = standing.url(model, settings), row.to_json()["at"]
        else:
            outcome["checked"] = replay_golden(bento, settings).asked
        packaging.prune(model, settings, {row.tag for row in history.serving()})
    tell(1.0, f"{bento.tag} {'serves' if deploy else 'is built'}")
    return outcome
