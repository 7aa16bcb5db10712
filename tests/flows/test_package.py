import pytest

from flows.package import choose
from registry.errors import NoChampion


class EmptyRegistry:
    def champion(self, name):
        return None


def test_without_a_champion_there_is_nothing_to_package_and_the_remedy_is_named():
    with pytest.raises(NoChampion, match="agro promote recommender"):
        choose.fn(EmptyRegistry(), "recommender", None)


def test_a_version_that_is_asked_for_needs_no_champion():
    assert choose.fn(EmptyRegistry(), "recommender", 3) == 3
