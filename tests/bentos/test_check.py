import asyncio
import base64

from httpx import Request
from starlette.datastructures import Headers

from bentos.check import _encode
from web.bodies import one_file


def test_a_golden_photograph_arrives_as_the_one_file_of_the_form():
    photograph = bytes(range(256))
    sent = Request("POST", "http://a/", **_encode({"image_base64": base64.b64encode(photograph).decode()}))

    async def body():
        yield sent.read()

    assert asyncio.run(one_file(Headers(dict(sent.headers)), body(), "file")) == photograph
