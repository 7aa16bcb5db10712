"""A refusal: what ClickHouse says where it does not do what it was told, or what we say in its words."""

import re

_CODE = re.compile(r"Code: (\d+)\. ")


class Refused(Exception):  # not a features error: it never leaves this process
    """The engine refused a statement; the code and text are ClickHouse's."""

    def __init__(self, text: str) -> None:
        start = text.find("Code: ")
        self.text = text[start:].strip() if start >= 0 else f"Code: 1001. DB::Exception: {text.strip()}"
        match = _CODE.search(self.text)
        self.code = int(match[1]) if match else 1001
        super().__init__(self.text)


def refused(code: int, text: str) -> Refused:
    """A refusal of our own, worded like the engine's."""
    return Refused(f"Code: {code}. DB::Exception: {text}")
