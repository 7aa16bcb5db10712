"""What speaks against a version, trait by trait, gathered as counts come in."""

from typing import NamedTuple

import numpy as np
from pydantic import BaseModel

from rollout import sequential
from rollout.observations import Counts
from rollout.plan import STAKES, Plan, Trait
from rollout.sequential import Floats

BLOCK = 10
"""Requests of each version that make a block; only within one may the hour not matter."""
_NOTHING = (0.0,) * (sequential.BETS + 2)

Row = tuple[float, ...]
"""Of one step: logarithms of what each bet paid, then by how many the bad ones are too many, then of how many."""


class Block(NamedTuple):
    """Requests that are judged together."""

    bad: int = 0
    n: int = 0
    bad_other: int = 0
    n_other: int = 0


def blocks(added: Counts) -> dict[Trait, Block]:
    """The counts as each trait sees them."""
    canary, previous, compared = added.canary, added.previous, added.compared
    return {
        "errors": Block(canary.errors, canary.requests, previous.errors, previous.requests),
        "slow": Block(canary.slow, canary.timed, previous.slow, previous.timed),
        "differing": Block(compared.differing, compared.answers),
    }


class Ledger(BaseModel, frozen=True):
    """Of one trait: a row for each step since its beginning, and the requests that do not make a block yet."""

    rows: tuple[Row, ...] = (_NOTHING,)
    waiting: Block = Block()

    def next_step(self) -> "Ledger":
        """Open a row for a step that begins; what waited belongs to no block, for the odds change between steps."""
        return Ledger.model_construct(rows=(*self.rows, _NOTHING), waiting=Block())

    def take(self, plan: Plan, trait: Trait, added: Block, may_be_alone: bool) -> "Ledger":
        """The ledger after further requests."""
        block = Block(*(a + b for a, b in zip(self.waiting, added, strict=True)))
        paid = _paid(plan, trait, block, may_be_alone)
        if paid is None:
            return self.model_copy(update={"waiting": block})
        last = tuple((np.array(self.rows[-1]) + paid).tolist())
        return Ledger.model_construct(rows=(*self.rows[:-1], last), waiting=Block())

    def worth(self, plan: Plan, trait: Trait) -> float:
        """What the purses hold of the steps so far, where more is bad than is borne, and of the steps to come."""
        sums = np.array(self.rows)[::-1].cumsum(axis=0)[::-1]
        matters = sums[:, -2] >= plan.borne(trait) * sums[:, -1]
        now, purses = len(sums), plan.purses
        held = (sequential.wealth(sums[:, :-2]) * matters) @ purses[:now]
        return float(STAKES[trait] * (held + purses[now:].sum()))


Evidence = dict[Trait, Ledger]


def nothing() -> Evidence:
    """The evidence as the first step begins."""
    return {trait: Ledger() for trait in STAKES}


def next_step(evidence: Evidence) -> Evidence:
    """The evidence as a further step begins."""
    return {trait: ledger.next_step() for trait, ledger in evidence.items()}


def take(evidence: Evidence, plan: Plan, added: Counts, weight: int) -> Evidence:
    """The evidence after further requests.

    Args:
        evidence: What there was before.
        plan: Says what is bet on.
        added: Counts since the last time.
        weight: Per cent of the traffic that the version has; with all of it, it may be that nobody answers beside it.
    """
    more = blocks(added)
    return {trait: ledger.take(plan, trait, more[trait], weight == 100) for trait, ledger in evidence.items()}


def against(evidence: Evidence, plan: Plan) -> dict[Trait, float]:
    """How much speaks against the version by each trait; together they begin as 1."""
    return {trait: ledger.worth(plan, trait) for trait, ledger in evidence.items()}


def _paid(plan: Plan, trait: Trait, block: Block, may_be_alone: bool) -> Floats | None:
    """What a block adds to a row; None while it is too small."""
    if trait == "differing":
        return _alone(plan, trait, block) if block.n else None
    if min(block.n, block.n_other) >= BLOCK:
        return _beside(plan, trait, block)
    if trait == "errors" and may_be_alone and block.n >= BLOCK and not block.n_other:
        return _alone(plan, trait, block)
    return None


def _beside(plan: Plan, trait: Trait, block: Block) -> Floats:
    n, n_other = block.n, block.n_other
    bad, bad_other = min(block.bad, n), min(block.bad_other, n_other)
    logs = sequential.beside(bad, n, bad_other, n_other, plan.ratios(trait)) / plan.clump
    return np.append(logs, [bad - n * (bad + bad_other) / (n + n_other), n * n_other / (n + n_other)])


def _alone(plan: Plan, trait: Trait, block: Block) -> Floats:
    bad, limit = min(block.bad, block.n), plan.bearable(trait)
    logs = sequential.alone(bad, block.n, limit, plan.ratios(trait)) / plan.clump
    return np.append(logs, [bad - block.n * limit, block.n])
