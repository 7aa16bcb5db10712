"""Build, check and serve the version a person promoted."""

import tempfile
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from bentos import deployed
from bentos.bento import Bento
from bentos.check import check
from bentos.deploy import deploy as put_in_place
from bentos.deploy import serves_already, url
from bentos.errors import BentoRefused
from bentos.package import package as build_bento
from bentos.package import prune
from bentos.settings import ServingSettings
from flows import ports
from flows.failures import ALERTING
from flows.locks import one_at_a_time
from flows.parameters import ModelName
from flows.progress import tell
from flows.retries import WORLD
from registry.errors import NoChampion
from registry.registry import Registry


@task(cache_policy=NO_CACHE, persist_result=False)
def choose(registry: Registry, model: str, version: int | None) -> int:
    """The version asked for, the champion by default.

    Raises:
        NoChampion: Nobody has promoted a version yet.
    """
    if version is not None:
        return version
    champion = registry.champion(model)
    if champion is None:
        raise NoChampion(f"{model} has no champion; promote a version: `agro promote {model}`")
    return champion.number


@task(**WORLD)
def build(registry: Registry, model: str, version: int, settings: ServingSettings) -> Bento:
    """Fetch the version's files, refuse them unless their digest is the registered one, build the Bento."""
    tell(0.1, f"fetching {model} version {version} and checking its digest")
    with tempfile.TemporaryDirectory(prefix="agro-version-") as folder:
        artifact = registry.download(model, version, Path(folder))
        tell(0.3, "building the Bento")
        return build_bento(
            model, version, artifact, registry.digest(model, version), registry.golden(model, version), settings
        )


@task(cache_policy=NO_CACHE, persist_result=False)
def replay_golden(bento: Bento, settings: ServingSettings) -> int:
    """Start the Bento aside and ask it the golden requests; the number asked.

    Raises:
        BentoRefused: It answers otherwise than the registered model did.
    """
    tell(0.5, f"checking {bento.tag} on its golden requests")
    report = check(bento, settings)
    if not report.passed:
        raise BentoRefused(f"{bento.tag} answers otherwise than the model: {'; '.join(report.differences[:3])}")
    return report.asked


@flow(name="package", validate_parameters=True, **ALERTING)
def package(model: ModelName = "recommender", version: int | None = None, deploy: bool = True) -> dict[str, Any]:
    """Build and check the champion's Bento (or a version's); with `deploy`, serve it in place of the old one.

    What serves already is neither checked nor started again (`checked` is 0 then).

    Args:
        model: A registered model.
        version: Its version; None: the champion.
        deploy: Serve it, or only build and check it.
    """
    settings = ServingSettings()
    with one_at_a_time("package"):
        registry = ports.connect_registry()
        number = choose(registry, model, version)
        bento = build(registry, model, number, settings)
        outcome: dict[str, Any] = {"model": model, "version": number, "tag": bento.tag, "digest": bento.digest}
        entry = serves_already(bento, settings) if deploy else None
        outcome["checked"] = replay_golden(bento, settings) if entry is None else 0
        if deploy:
            tell(0.8, f"serving {bento.tag}")
            entry = entry or put_in_place(bento, settings)
            outcome["url"], outcome["since"] = url(settings, entry.port), entry.since
        prune(model, settings, deployed.tags(model, settings.deployed))
    tell(1.0, f"{bento.tag} {'serves' if deploy else 'is built'}")
    return outcome
