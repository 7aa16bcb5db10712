"""What may be asked of a recommender."""

from typing import Annotated, Any, Literal, get_args

from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from models.requests import WITHOUT_POINT, Id, Request, Whole, read

MOST = 100
MOST_EXCLUDED = 1000
Mode = Literal["discover", "again"]
MODES: tuple[Mode, ...] = get_args(Mode)


class RecommendationRequest(Request):
    """Who wants to be recommended what."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"user_id": "u001", "n_recommendations": 5}]})
    user_id: Id = Field(description="id of the user; one we never saw is fine")
    n_recommendations: Whole = Field(10, ge=1, le=MOST, description=f"number of products, 1 to {MOST}")
    exclude_items: list[Id] = Field(
        [], max_length=MOST_EXCLUDED, description=f"ids of products to leave out, at most {MOST_EXCLUDED}"
    )
    mode: Mode = Field(
        "discover", description="discover: products new to the user; again: what was bought before counts too"
    )
    max_per_category: Annotated[int, Field(ge=1, le=MOST), WITHOUT_POINT] | None = Field(
        None, description=f"at most so many products of a category, 1 to {MOST}"
    )
    min_new: Whole = Field(
        0, ge=0, le=MOST, description="at least so many products that are new, where there are any; none to all of them"
    )

    @field_validator("min_new")
    @classmethod
    def at_most_all(cls, value: int, info: ValidationInfo) -> int:
        """No more can be new than are asked for."""
        if value > info.data.get("n_recommendations", MOST):
            raise ValueError(f"give a whole number from 0 to {info.data['n_recommendations']}, as n_recommendations is")
        return value


def check(request: dict[str, Any]) -> RecommendationRequest:
    """The request with its defaults filled in.

    Raises:
        BadRequest: A field is missing or out of range; it names the field and the remedy.

    >>> asked = check({"user_id": "7"})
    >>> asked.n_recommendations, asked.mode, asked.min_new
    (10, 'discover', 0)
    """
    return read(RecommendationRequest, request)
