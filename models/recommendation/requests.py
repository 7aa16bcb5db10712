"""What may be asked of a recommender."""

from typing import Any, NamedTuple

from models.errors import BadRequest

MOST = 100
DEFAULT_N = 10
MODES = ("discover", "again")


class Ask(NamedTuple):
    """A checked request."""

    user_id: str
    n: int
    exclude: tuple[str, ...]
    mode: str
    max_per_category: int | None = None
    min_new: int = 0


def check(request: dict[str, Any]) -> Ask:
    """The request with its defaults filled in.

    Raises:
        BadRequest: A field is missing or out of range; it names the field and the remedy.

    >>> check({"user_id": "7"})
    Ask(user_id='7', n=10, exclude=(), mode='discover', max_per_category=None, min_new=0)
    """
    user = request.get("user_id")
    if not isinstance(user, str) or not user.strip():
        raise BadRequest("user_id", "send the user's id as a text that is not empty")
    n = _whole(request, "n_recommendations", DEFAULT_N, 1, MOST)
    limit = request.get("max_per_category")
    most = None if limit is None else _whole(request, "max_per_category", MOST, 1, MOST)
    return Ask(user, n, _excluded(request), _mode(request), most, _whole(request, "min_new", 0, 0, n))


def _whole(request: dict[str, Any], name: str, default: int, low: int, high: int) -> int:
    n = request.get(name, default)
    if isinstance(n, bool) or not isinstance(n, int) or not low <= n <= high:
        raise BadRequest(name, f"send a whole number from {low} to {high}")
    return n


def _excluded(request: dict[str, Any]) -> tuple[str, ...]:
    items = request.get("exclude_items", [])
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
        raise BadRequest("exclude_items", "send a list of item ids as texts")
    return tuple(items)


def _mode(request: dict[str, Any]) -> str:
    mode = request.get("mode", "discover")
    if mode not in MODES:
        raise BadRequest("mode", f"send one of {', '.join(MODES)}")
    return str(mode)
