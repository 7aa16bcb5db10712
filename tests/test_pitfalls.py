"""docs/pitfalls.md names, for every pitfall, a test that guards it; the test names the pitfall."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROW = re.compile(r"^\| (P\d+) \|(.*)\|(.*)\|(.*)\|$", re.MULTILINE)
GUARD = re.compile(r"`(tests/[\w/]+\.py)::([\w:]+)`")


def rows():
    return ROW.findall((ROOT / "docs" / "pitfalls.md").read_text())


def test_each_pitfall_is_told_once():
    ids = [row[0] for row in rows()]
    assert len(ids) == len(set(ids)) > 15
    assert ids == sorted(ids, key=lambda name: int(name[1:]))


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_a_pitfall_is_guarded_by_a_test_that_names_it(row):
    name, _, _, guards = row
    found = GUARD.findall(guards)
    assert found, f"{name} names no guard"
    for file, test in found:
        source = (ROOT / file).read_text()
        functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
        (function,) = [node for node in functions if node.name == test.split("::")[-1]]
        words = (ast.get_docstring(function) or "") + "\n".join(ast.unparse(mark) for mark in function.decorator_list)
        assert re.search(rf"\b{name}\b", words), f"{file}::{test} does not name {name}"
