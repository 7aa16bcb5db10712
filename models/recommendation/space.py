"""What a search may vary in the recommender.

The hybrid's content side is not among it: it speaks for items nobody has bought, which the protocol does not rank, so a
search would choose it blindly. The internal validation on withheld items chooses it.
"""

from models.recommendation.profile import KERNELS
from models.recommendation.tuning import WINDOWS
from models.search import Choice, FloatRange, Range

_COLLABORATIVE: dict[str, Range] = {
    "reg": FloatRange(1.0, 30_000.0, log=True),
    **{f"profile.{name}": FloatRange(0.01, 100.0, log=True, none_below=0.1) for name in KERNELS},
    **{f"trends.{name}": FloatRange(0.003, 5.0, log=True, none_below=0.02) for name in WINDOWS},
    "personal": Choice((True,)),
}
SEARCH: dict[str, dict[str, Range]] = {
    "hybrid": _COLLABORATIVE,
    "collaborative": _COLLABORATIVE,
    "content": {
        "content_reg": FloatRange(0.1, 1000.0, log=True),
        "taste": FloatRange(0.03, 30.0, log=True),
    },
}
"""Ranges by algorithm and hyperparameter; popularity has nothing to search."""
