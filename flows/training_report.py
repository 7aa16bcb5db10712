"""What a training run leaves on its page in Prefect: figures, the gate's word with reasons, and where to go on."""

from collections.abc import Mapping
from typing import Any

from flows.ports import Ports
from registry.settings import MLflowSettings


def published(env: Ports, outcome: dict[str, Any]) -> dict[str, Any]:
    """Put the outcome of a training on its run's page, where it is a run, and give it back."""
    from prefect.artifacts import create_markdown_artifact
    from prefect.runtime import flow_run

    if flow_run.id:
        run_id = env.registry.version(outcome["model"], outcome["version"]).run_id
        page = markdown(outcome, MLflowSettings().uri, run_id)
        create_markdown_artifact(page, key=f"training-{outcome['model']}", description="What came of a training.")
    return outcome


def markdown(outcome: Mapping[str, Any], mlflow: str, run_id: str) -> str:
    """The outcome as a page.

    Args:
        outcome: As `agro train --json` prints it.
        mlflow: Address of the MLflow server.
        run_id: The training's run there.
    """
    model, version, gate = outcome["model"], outcome["version"], outcome["gate"]
    lines = [f"# {model} version {version}: gate {'passed' if gate['passed'] else 'FAILED'}", ""]
    lines += [f"- {reason}" for reason in gate["reasons"]]
    lines += ["", *_table(outcome), "", f"{outcome['rows']:,} rows, {outcome['seconds']} s", ""]
    lines += [f"- [the version]({mlflow}/#/models/{model}/versions/{version})"]
    lines += [f"- [the run: parameters, pictures, training set]({mlflow}/#/runs/{run_id})"]
    return "\n".join(lines) + "\n"


def _table(outcome: Mapping[str, Any]) -> list[str]:
    """The algorithm's figures over those of its baselines."""
    names = list(outcome["metrics"])
    rows = {outcome["algorithm"]: outcome["metrics"], **outcome["baselines"]}
    lines = [f"| | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for name, scores in rows.items():
        lines.append(f"| {name} | {' | '.join(_figure(scores.get(metric)) for metric in names)} |")
    return lines


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
