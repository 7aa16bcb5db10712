"""The plan of a rollout: its steps, how long each takes, and what is worth stopping it for."""

from typing import Annotated, Literal

import numpy as np
from pydantic import BeforeValidator, Field, PositiveFloat, PositiveInt, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from base.settings import listed
from rollout import sequential
from rollout.sequential import Floats

Trait = Literal["errors", "slow", "differing"]
"""What a version can be worse in."""
STAKES: dict[Trait, float] = {"errors": 0.9, "slow": 0.05, "differing": 0.05}
"""How the first unit of evidence is shared out: failures are rare, so finding them is dear; the others show at once."""
_FIRST_LIVE = 16
"""Each step has a purse, for what goes wrong there first; that of the first step with callers is that much larger."""

Share = Annotated[float, Field(ge=0, lt=1)]
Above1 = Annotated[float, Field(gt=1, le=100)]


class Plan(BaseSettings):
    """How a version gets from no traffic to all of it. A rollout goes on by the plan that it began with.

    >>> [Plan(steps=(10, 100)).name(step) for step in range(4)]
    ['shadow', '10 %', '100 %', 'live']
    """

    model_config = SettingsConfigDict(env_prefix="AGRO_ROLLOUT_", frozen=True)

    shadow: bool = True
    """Begin by answering copies of the requests, which nobody sees."""
    steps: Annotated[tuple[int, ...], NoDecode, BeforeValidator(listed)] = (5, 25, 50, 100)
    """Per cent of the requests that the version answers, step by step; in the environment: separated by commas."""
    bake_s: PositiveFloat = 300.0
    """Seconds that each step takes at least."""
    least_requests: PositiveInt = 1000
    """Requests that it answers at each step, at least."""
    patience_s: PositiveFloat = 3600.0
    """After so many seconds at a step without enough requests a person is asked."""

    false_rollbacks: float = Field(default=0.01, gt=0, lt=0.5)
    """Chance that a version which is no worse is taken back, over the whole rollout and everything it is judged by."""
    detect_errors: Above1 = 3.0
    """Odds ratio of failing, canary against previous version, that has to be found soon."""
    detect_slow: Above1 = 2.0
    """The same of being slower than the limit."""
    detect_differing: Above1 = 2.0
    """The same of differing, against the share that is borne."""
    borne_errors: Share = 0.001
    """A share of failing requests that is higher by less than this is nobody's concern, however certain it is."""
    borne_slow: Share = 0.01
    """The same for the share of answers slower than the limit."""
    borne_differing: float = Field(default=0.2, gt=0, lt=1)
    """Share of answers that may differ from the previous version's."""
    error_budget: float = Field(default=0.1, gt=0, lt=1)
    """Share of requests that may fail where no previous version answers beside it."""
    clump: float = Field(default=1.0, ge=1)
    """How many requests of one cause fail together on one version, such as retries that stay on it."""
    doubt: float = Field(default=1.0, ge=1)
    """No step is taken while the evidence against the version is more than this; it begins as 1, and falls."""

    @field_validator("steps")
    @classmethod
    def _rising(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not value or list(value) != sorted({*value}) or value[0] < 1 or value[-1] > 100:
            raise ValueError(f"AGRO_ROLLOUT_STEPS needs rising per cent up to 100, such as 5,25,50,100; got {value}")
        return value

    @property
    def weights(self) -> tuple[int, ...]:
        """Per cent of the traffic that the version answers at each step; 0 in shadow."""
        return (0, *self.steps) if self.shadow else self.steps

    @property
    def live(self) -> int:
        """The number of the step after the last."""
        return len(self.weights)

    def name(self, step: int) -> str:
        """What a step is called."""
        if step >= self.live:
            return "live"
        return f"{self.weights[step]} %" if self.weights[step] else "shadow"

    @property
    def evidence_to_stop(self) -> float:
        """Evidence at which the version is taken back."""
        return 1 / self.false_rollbacks

    @property
    def purses(self) -> Floats:
        """The share of each step's purse, shape (n_steps,), together 1."""
        parts = np.array([_FIRST_LIVE if weight == self.steps[0] else 1.0 for weight in self.weights])
        return parts / parts.sum()

    def ratios(self, trait: Trait) -> Floats:
        """The odds ratios that are bet on."""
        worth = {"errors": self.detect_errors, "slow": self.detect_slow, "differing": self.detect_differing}
        return sequential.odds_ratios(worth[trait])

    def borne(self, trait: Trait) -> float:
        """By how much the share of bad ones may exceed what it is compared with."""
        return {"errors": self.borne_errors, "slow": self.borne_slow, "differing": 0.0}[trait]

    def bearable(self, trait: Trait) -> float:
        """The share of bad ones that is borne where there is nothing to compare with."""
        return {"errors": self.error_budget, "slow": 1.0, "differing": self.borne_differing}[trait]
