"""Errors raised by models/, all under one root."""


class ModelError(Exception):
    """Root of every error raised by models/."""


class UnknownModel(ModelError):
    """No family carries that name."""


class UnknownAlgorithm(ModelError):
    """The family has no algorithm of that name."""


class BadData(ModelError):
    """The data lack a column, have the wrong type, or hold nothing that can be learned."""


class HistoryTooShort(BadData):
    """There are fewer observations than the method needs."""


class BadRequest(ModelError):
    """A request the model cannot answer; `field` and `remedy` say what to change."""

    def __init__(self, field: str, remedy: str) -> None:
        super().__init__(f"{field}: {remedy}")
        self.field = field
        self.remedy = remedy


class MissingRegressor(BadRequest):
    """A forecast needs future values of a regressor that the request does not carry."""


class BadImage(BadRequest):
    """The upload is not a photograph the model can read; `status` is the HTTP status that says so."""

    def __init__(self, field: str, remedy: str, status: int = 422) -> None:
        super().__init__(field, remedy)
        self.status = status


class CorruptArtifact(ModelError):
    """A saved model's files are missing, damaged or of another format."""
