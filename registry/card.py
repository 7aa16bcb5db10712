"""The model card: what a version is, what it was trained on, how good it is, and where it is not."""

import base64
from collections.abc import Mapping
from typing import Any

from models.bootstrap import Interval
from registry.records import Training, hashes_beside

_STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:58rem;margin:2rem auto;padding:0 1rem;color:#1c2b1f}
h1{color:#1f6f3f}h2{border-bottom:1px solid #cfe3d4;padding-bottom:.2rem;margin-top:2rem}img{max-width:100%}
table{border-collapse:collapse}td,th{border:1px solid #cfe3d4;padding:.25rem .6rem;text-align:left}
pre{background:#f3f8f4;padding:.7rem;overflow-x:auto;white-space:pre-wrap}"""


def markdown(training: Training, digest: str, pictures: Mapping[str, str]) -> str:
    """The whole card; `pictures` are addresses by name."""
    parts = [*_head(training), *_pictures(pictures), *_protocol(training), *_training_set(training), *_origin(training)]
    return "\n".join([*parts, f"- digest of the files: `{digest}`", ""])


def summary(training: Training, pictures: Mapping[str, str]) -> str:
    """The part that a version's page shows: figures, gate and pictures."""
    return "\n".join([*_head(training), *_pictures(pictures)])


def html(text: str) -> str:
    """A card as a page of its own."""
    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Model card</title><style>{_STYLE}</style>{body}'
    )


def inline(png: bytes) -> str:
    """A picture as an address that holds the picture."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _head(training: Training) -> list[str]:
    gate = training.decision
    return [
        f"# {training.name}: {training.recipe.algorithm}",
        "",
        *([training.about, ""] if training.about else []),
        f"**Gate: {gate.outcome}**",
        "",
        *(f"- {reason}" for reason in gate.reasons),
        "",
        "## Figures",
        "",
        *_figures(training),
        *_slices(training),
        *(["", "What to look at before promoting it:", ""] + [f"- {warning}" for warning in gate.warnings]
          if gate.warnings else []),
        "",
    ]  # fmt: skip


def _figures(training: Training) -> list[str]:
    found = training.evaluation
    rows = {found.algorithm: found.metrics, **found.baselines}
    names = list(dict.fromkeys(name for scores in rows.values() for name in scores))
    gains = found.beats
    table = [
        [who, *[_figure(scores.get(name)) for name in names], _interval(gains.get(who)) if who in gains else ""]
        for who, scores in rows.items()
    ]
    note = f"Over n = {found.n}; gain on {found.primary} with its paired 95 % interval, positive is better."
    luck = found.refit_noise
    refitted = f" Refitted with {luck.refits} seeds, {found.primary} varies by ±{luck.sd:.2g}." if luck else ""
    return [*_table(["", *names, "gain over it"], table), "", note + refitted]


def _slices(training: Training) -> list[str]:
    found = training.evaluation
    names = list(dict.fromkeys(name for one in found.slices for name in one.baselines))
    rows = [
        [one.name, str(one.n), _figure(one.score), *[_figure(one.baselines.get(name)) for name in names]]
        for one in found.slices
    ]
    beside = [f"- {name}: {_told(part)}" for name, part in found.notes.items() if _is_plain(part)]
    if not rows and not beside:
        return []
    table = [*_table(["slice", "n", found.primary, *names], rows), ""] if rows else []
    return ["", "## Slices", "", *table, *beside]


def _is_plain(part: Any) -> bool:
    """Whether a note is nothing but numbers by name, which a line can hold."""
    return isinstance(part, Mapping) and all(isinstance(value, int | float) for value in part.values())


def _told(part: Mapping[str, float]) -> str:
    return ", ".join(f"{key} {value:.4g}" for key, value in part.items())


def _pictures(pictures: Mapping[str, str]) -> list[str]:
    if not pictures:
        return []
    return ["## Pictures", "", *(line for name, at in pictures.items() for line in (f"![{name}]({at})", ""))]


def _protocol(training: Training) -> list[str]:
    found = training.evaluation
    rows = [[str(key), str(value)] for key, value in found.protocol.items()]
    recipe = [[key, str(value)] for key, value in training.recipe.params.items()]
    return [
        "## How it was evaluated", "", f"Data: {found.data}. The figures are of a model fitted on the train part; "
        "the registered model has the same recipe and is fitted on all of the data.", "",
        *_table(["protocol", "value"], rows), "",
        "## Recipe", "", f"Algorithm `{training.recipe.algorithm}`.", "",
        *_table(["hyperparameter", "value"], recipe), "",
    ]  # fmt: skip


def _training_set(training: Training) -> list[str]:
    data = training.dataset
    known = {"rows": "rows", "as_of": "events before", "known_at": "arrived by", "content_hash": "content hash"}
    rows = [[text, str(data[key])] for key, text in known.items() if data.get(key) is not None]
    rows += [[f"parameter {key}", str(value)] for key, value in (data.get("params") or {}).items()]
    contract = data.get("contract") or {}
    rows += [["contract", contract_line(contract)]] if contract else []
    rows += [[f"{name}'s content hash", found] for name, found in hashes_beside(data).items()]
    query = ["", "```sql", str(data["query"]).strip().replace("```", "'''"), "```"] if data.get("query") else []
    return ["## Training set", "", *_table(["", ""], rows), *query, ""]


def contract_line(contract: Mapping[str, Any]) -> str:
    """A contract's result in a line."""
    rules = f"{len(contract['rules'])} rules, " if "rules" in contract else ""
    return f"{'held' if contract.get('passed') else 'broken'} ({rules}{contract.get('checked_rows', '?')} rows checked)"


def _origin(training: Training) -> list[str]:
    return ["## Origin", "", f"- git commit: `{training.commit}`", f"- training took {training.seconds:.0f} s"]


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    if not rows:
        return ["(none)"]
    return [_row(head), "|" + "---|" * len(head), *map(_row, rows)]


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _interval(gain: Interval | None) -> str:
    return "" if gain is None else f"{gain.mid:+.4g} [{gain.low:+.4g}, {gain.high:+.4g}]"
