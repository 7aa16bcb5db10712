"""The mutations of tests/mutations.py still fit the code; running them is `python -m tests.mutations`."""

import ast
import re

import pytest

from tests import mutations
from tests.mutations import MUTATIONS, NOT_PUT_BACK, ROOT, Mutation

PAGE = (ROOT / "docs" / "pitfalls.md").read_text()


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: f"{mutation.pitfall}-{mutation.file}")
def test_what_a_mutation_changes_is_there_exactly_once(mutation):
    spoilt = mutations.mutated((ROOT / mutation.file).read_text(), mutation)
    assert spoilt is not None, f"{mutation.file} no longer holds {mutation.old!r} once; fit tests/mutations.py to it"
    if mutation.file.endswith(".py"):
        ast.parse(spoilt)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: f"{mutation.pitfall}-{mutation.file}")
def test_a_mutation_runs_a_test_that_guards_its_pitfall(mutation):
    (row,) = re.findall(rf"^\| {mutation.pitfall} \|.*$", PAGE, re.MULTILINE)
    assert f"`{mutation.test}`" in row


def test_every_pitfall_is_put_back_or_says_why_not():
    told = set(re.findall(r"^\| (P\d+) \|", PAGE, re.MULTILINE))
    assert told == {mutation.pitfall for mutation in MUTATIONS} | NOT_PUT_BACK.keys()


@pytest.mark.parametrize(("new", "said"), [("1 + 2", "red"), ("2 + 1 - 1", "survived"), ("2 +", "broken")])
def test_a_mutant_is_judged_by_what_its_test_says_and_then_undone(tmp_path, new, said):
    (tmp_path / "room.py").write_text("two = 1 + 1\n")
    (tmp_path / "test_room.py").write_text("import room\n\ndef test_two():\n    assert room.two == 2\n")
    assert mutations.judge(tmp_path, Mutation("P0", "room.py", "1 + 1", new, "test_room.py::test_two")) == said
    assert (tmp_path / "room.py").read_text() == "two = 1 + 1\n"


def test_a_mutation_whose_text_is_gone_or_twice_there_is_told(tmp_path):
    (tmp_path / "room.py").write_text("1 + 1\n1 + 1\n")
    for old in ("1 + 1", "3"):
        assert mutations.judge(tmp_path, Mutation("P0", "room.py", old, "2", "never_run")) == "text gone"
