"""A listening socket passes from one holder to the next."""

import socket
import threading

import pytest

from bentos import takeover
from bentos.takeover import Holder, Offer


@pytest.fixture
def held(tmp_path, free_port):
    """A port that is held, where its holder waits, and whether it was taken."""
    listener, taken = takeover.bind("127.0.0.1", free_port), threading.Event()
    Holder(tmp_path / "port", listener, taken.set)
    yield tmp_path / "port", free_port, taken
    listener.close()


def greets(port, listener):
    """Whether who connects to the port is accepted by that listener."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as caller:
        accepted, (_, came_from) = listener.accept()
        accepted.close()
        return caller.getsockname()[1] == came_from


def test_a_connection_that_came_before_the_take_over_is_accepted_after_it(held):
    path, port, taken = held
    with socket.create_connection(("127.0.0.1", port)) as caller:
        offer = Offer(path)
        offer.accept()
        assert taken.wait(5)
        accepted, address = offer.listener.accept()
        assert address == caller.getsockname()
        accepted.close()
    assert greets(port, offer.listener)
    offer.listener.close()


def test_one_that_dies_before_it_accepts_leaves_the_port_where_it_was(held):
    path, _, taken = held
    offer = Offer(path)
    offer.listener.close()
    offer.close()
    assert not taken.wait(0.1)
    Offer(path).accept()
    assert taken.wait(5)


def test_who_took_over_hands_on(held, tmp_path):
    path, port, _ = held
    second, taken = Offer(path), threading.Event()
    second.accept()
    Holder(path, second.listener, taken.set)
    third = Offer(path)
    third.accept()
    assert taken.wait(5)
    second.listener.close()
    assert greets(port, third.listener)
    third.listener.close()


def test_where_nobody_holds_the_port_there_is_no_offer(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        Offer(tmp_path / "port")


def test_a_holder_that_died_is_no_offer_and_its_place_can_be_taken(tmp_path, free_port):
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / "port"))
    left.close()
    with pytest.raises(ConnectionRefusedError):
        Offer(tmp_path / "port")
    with takeover.bind("127.0.0.1", free_port) as listener:
        Holder(tmp_path / "port", listener, lambda: None)
        Offer(tmp_path / "port").close()
