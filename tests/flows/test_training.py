import pytest

from features.errors import StoreUnreachable
from flows.training import passing


class State:
    def __init__(self, error):
        self.error = error

    def result(self, raise_on_failure):
        return self.error


@pytest.mark.parametrize(("error", "again"), [(StoreUnreachable("gone"), True), (ValueError("wrong row"), False)])
def test_only_a_server_that_did_not_answer_is_asked_again(error, again):
    assert passing(None, None, State(error)) is again
