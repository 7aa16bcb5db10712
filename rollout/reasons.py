"""Why something was decided, in sentences."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rollout.evidence import BLOCK, Block, blocks
from rollout.plan import Plan, Trait

if TYPE_CHECKING:
    from rollout.decisions import State

LIVE = "The new version is live."
_BAD: dict[Trait, str] = {
    "errors": "requests failed",
    "slow": "answers were slower than the limit",
    "differing": "answers differed from the previous version's",
}


def worse(plan: Plan, state: "State", against: Mapping[Trait, float]) -> str:
    """Why a version is taken back: what weighs most, and the chance of being wrong."""
    return (
        f"Stopped at {plan.name(state.step)}: {_weightiest(plan, state, against)}. Of versions that are no worse "
        f"at most 1 in {plan.evidence_to_stop:,.0f} is ever stopped."
    )


def advances(plan: Plan, state: "State", seconds: float) -> str:
    """Why a step is taken."""
    told = [_figures(plan, trait, block) for trait, block in blocks(state.here).items() if block.n]
    approved = " A person approved it." if state.approved else ""
    return (
        f"From {plan.name(state.step)} to {plan.name(state.step + 1)} after {seconds:,.0f} s: "
        f"{'; '.join(told) or 'no requests'}.{approved}"
    )


def paused(plan: Plan, state: "State") -> str:
    """Why nothing happens."""
    return f"Paused by a person at {plan.name(state.step)}; `--resume` goes on."


def waits(plan: Plan, state: "State", seconds: float, against: Mapping[Trait, float]) -> str:
    """Why a step is not taken yet; empty where nothing keeps it."""
    told = [f"{seconds:,.0f} of {plan.bake_s:,.0f} s"] if seconds < plan.bake_s else []
    if not state.approved:
        few = state.here.answered < plan.least_requests
        told += [f"{state.here.answered:,} of {plan.least_requests:,} requests"] if few else []
        blind = plan.weights[state.step] < 100 and state.here.beside < BLOCK
        told += ["no counts of the previous version to compare with"] if blind else []
        doubtful = not told and sum(against.values()) > plan.doubt * (1 + 1e-9)
        told += [f"not sure yet whether it is worse ({_weightiest(plan, state, against)})"] if doubtful else []
    return f"At {plan.name(state.step)}: {', '.join(told)}." if told else ""


def _weightiest(plan: Plan, state: "State", against: Mapping[Trait, float]) -> str:
    """The figures of what speaks loudest, at this step or in the whole rollout, wherever they differ more."""
    trait = max(against, key=lambda one: against[one])
    here, total = blocks(state.here)[trait], blocks(state.total)[trait]
    return _figures(plan, trait, max(here, total, key=_excess))


def _figures(plan: Plan, trait: Trait, block: Block) -> str:
    """The counts of a trait, beside those of the previous version or what is borne."""
    told = f"{block.bad:,} of {block.n:,} {_BAD[trait]} ({_share(block.bad, block.n)})"
    if block.n_other:
        other = f"{block.bad_other:,} of {block.n_other:,} of the previous version's"
        return f"{told}, {other} ({_share(block.bad_other, block.n_other)})"
    return f"{told}, {_share(plan.bearable(trait), 1)} are borne"


def _excess(block: Block) -> float:
    return block.bad / max(block.n, 1) - block.bad_other / max(block.n_other, 1)


def _share(part: float, whole: float) -> str:
    return f"{100 * part / max(whole, 1):.3g} %"
