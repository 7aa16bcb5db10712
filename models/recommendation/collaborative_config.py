"""The hyperparameters of collaborative filtering, left open and settled."""

from pydantic import BaseModel, PositiveFloat, PositiveInt


class CollaborativeConfig(BaseModel, frozen=True, extra="forbid", use_attribute_docstrings=True):
    """Hyperparameters of collaborative filtering; None is chosen on a further split of the training part."""

    reg: PositiveFloat | None = None
    """L2 strength of the item weights, in interactions."""
    profile: dict[str, float] | None = None
    """Share of each kernel of `profile.py` in the weight of a history's rows."""
    trends: dict[str, float] | None = None
    """Weight of what others bought around the user's last visit, by width of the window in days (`inf`: ever)."""
    personal: bool | None = None
    """Whether to trust the histories at all; False ranks by popularity."""
    largest_side: PositiveInt = 8192
    """Rows of the largest dense square matrix: bounds memory at about 20 bytes × its square."""
    neighbours: PositiveInt = 300
    """Weights kept per item where the model is over items."""
    validation_cells: PositiveInt = 1_500_000
    """Users × items asked when choosing hyperparameters."""
    validation_items: PositiveInt = 2500
    """Most items ranked when choosing hyperparameters, most bought first."""
    seed: int = 0
    """Which users are asked when choosing, and the resamples of the comparison with popularity."""


class Choice(BaseModel, frozen=True):
    """What a fit goes by, chosen or given."""

    reg: float
    profile: dict[str, float]
    trends: dict[str, float]
    personal: bool


def over_users(shape: tuple[int, int], config: CollaborativeConfig) -> bool:
    """Whether the model is over users: where they are the smaller side, and fit."""
    return shape[0] <= config.largest_side and shape[0] < shape[1]
