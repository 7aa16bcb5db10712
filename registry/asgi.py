"""What the parts of MLflow's front share: a request's body read whole and given on, and a refusal in plain words."""

from typing import Any


async def whole(receive: Any, most: int) -> bytes | None:
    """The request's body; None where it is longer than `most` bytes."""
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        size, more = size + len(chunks[-1]), message.get("more_body", False)
        if size > most:
            return None
    return b"".join(chunks)


def given(body: bytes, rest: Any) -> Any:
    """A `receive` that gives a body that was read, and then what `rest` gives."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        return messages.pop() if messages else await rest()

    return receive


async def say(send: Any, status: int, words: str) -> None:
    """Answer in plain text."""
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"x-content-type-options", b"nosniff")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": words.encode()})
