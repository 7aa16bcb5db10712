"""What the demo found, as a document and as tables."""

from pathlib import Path
from typing import Any

from agro import console
from agro.demo.source import Source
from models.families import family

_KEPT = ("algorithm", "gate", "metrics", "baselines", "beats", "endpoint", "answer", "requests", "latency_ms")


def document(
    models: dict[str, dict[str, Any]],
    drift: dict[str, Any],
    steps: dict[str, float],
    rows: dict[str, Any],
    chosen: Source,
    seconds: float,
) -> dict[str, Any]:
    """The content of `summary.json`."""
    from agro import status

    return {
        "seconds": round(seconds, 1),
        "steps": steps,
        "data": {"source": chosen.name, "leaves": chosen.leaves_note, "shift_weeks": chosen.shift_weeks, "rows": rows},
        "models": {
            name: {"version": row["champion"], "trained_version": row["version"]} | {key: row[key] for key in _KEPT}
            for name, row in models.items()
        },
        "drift": {"quiet": drift["quiet"], "shifted": drift["shifted"]},
        "mail": drift["mail"],
        "urls": {row["part"]: row["url"] for row in status.parts() if row["url"]},
    }


def show(found: dict[str, Any], path: Path, running: bool) -> None:
    """The figures and links a person wants to see at the end."""
    rows = []
    for name, model in found["models"].items():
        rows.append([
            f"{name} v{model['version']}", *_gain(name, model),
            f"{model['latency_ms']['p50']} / {model['latency_ms']['p95']}",
        ])  # fmt: skip
    columns = ["model", "metric", "ours", "baseline", "better by [95 %]", "ms p50 / p95"]
    console.table(f"the loop turned in {found['seconds']:.0f} s", columns, rows)
    links = [[part, url] for part, url in found["urls"].items() if part not in found["models"]]
    links += [[name, model["endpoint"]] for name, model in found["models"].items()]
    links += [["drift report", found["drift"]["shifted"]["report"]], ["mail", found["mail"]], ["summary", str(path)]]
    console.table("where to look" if running else "where to look (`agro up` starts the servers again)", ["", ""], links)


def _gain(name: str, model: dict[str, Any]) -> list[str]:
    """Metric, its value, the strongest baseline's value and the gain over it."""
    metric = family(name).primary
    baseline, gain = min(model["beats"].items(), key=lambda beaten: float(beaten[1]["mid"]))
    return [
        metric,
        f"{model['metrics'][metric]:.4f}",
        f"{model['baselines'][baseline][metric]:.4f} {baseline}",
        f"{gain['mid']:+.3f} [{gain['low']:.3f}, {gain['high']:.3f}]",
    ]
