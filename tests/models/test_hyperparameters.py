"""docs/hyperparameters.md tells every hyperparameter with its default."""

import ast
import json
import re
from pathlib import Path

import pytest

from models.families import family, models

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "hyperparameters.md").read_text()
ALGORITHMS = {one.name: one.config for name in models() for one in family(name).algorithms.values()}


def table(algorithm):
    """Cell of each name in the algorithm's column."""
    told = {}
    for block in re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE):
        head, _, *rows = [[cell.strip() for cell in line[1:-1].split("|")] for line in block.strip().split("\n")]
        if f"`{algorithm}`" in head:
            told |= {row[0].strip("`"): row[head.index(f"`{algorithm}`")] for row in rows}
    return {name: cell for name, cell in told.items() if cell}


def written(default):
    return "chosen" if default is None else f"`{default if isinstance(default, str) else json.dumps(default)}`"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_hyperparameter_is_told_with_its_default(algorithm):
    defaults = {name: written(value) for name, value in ALGORITHMS[algorithm]().model_dump().items()}
    told = table(algorithm)
    assert told == defaults


def test_no_config_class_is_missing_from_the_page():
    fields = set()
    for path in (ROOT / "models").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and node.name.endswith("Config"):
                fields |= {line.target.id for line in node.body if isinstance(line, ast.AnnAssign)}
    assert len(fields) > 20
    assert [name for name in sorted(fields) if f"| `{name}` |" not in PAGE] == []
