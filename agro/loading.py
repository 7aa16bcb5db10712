"""Shows what became of loaded rows, and says where too many were rejected."""

from pathlib import Path
from typing import Any

from agro import console


def show(path: Path, outcome: dict[str, Any]) -> None:
    """A row for each file, and under it the first reasons with how many rows and which lines they hit."""
    console.table(
        f"loaded {path}", ["kind", "read", "new", "known", "rejected", "rejects"],
        [[row["kind"], row["read"], row["inserted"], row["duplicates"], row["rejected"], row["rejects_path"]]
         for row in outcome["files"]],
    )  # fmt: skip
    for row in outcome["files"]:
        for said in row["reasons"]:
            console.say(f"  {sentence(said)}")
        if further := row["further_reasons"]:
            console.say(f"  and {further} more reason{'s' * (further > 1)} in {row['rejects_path']}")


def sentence(said: dict[str, Any]) -> str:
    """A reason, how many rows it was held against, and the first of their lines."""
    lines = ", ".join(map(str, said["lines"])) + (", …" if said["rows"] > len(said["lines"]) else "")
    return f"{said['rows']:,} rejected: {said['reason']} (line {lines})"


def too_many(outcome: dict[str, Any], allowed: float) -> list[str]:
    """What is to be said of files of which more was rejected than is allowed."""
    from features.ingest import too_many_rejected

    said = [too_many_rejected(row["rejected"], row["read"], allowed, row["rejects_path"]) for row in outcome["files"]]
    return [each for each in said if each]
