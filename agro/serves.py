"""What serves a model now, beside what is champion: until a promotion is served by itself, the two can differ."""


def version(model: str) -> int | None:
    """The version that answers on the model's port; None where nothing is ready there."""
    from bentos import readiness, standing

    return readiness.version(readiness.at(standing.url(model)), model)


def remark(model: str, champion: int, serving: int | None) -> str:
    """What a person has to know after an alias moved.

    >>> remark("recommender", 1, 2)
    'recommender serves version 2, champion is version 1; `agro serve recommender` serves the champion'
    >>> remark("recommender", 1, 1)
    'recommender serves version 1, the champion'
    """
    if serving == champion:
        return f"{model} serves version {champion}, the champion"
    served = f"serves version {serving}" if serving is not None else "serves nothing"
    return f"{model} {served}, champion is version {champion}; `agro serve {model}` serves the champion"
