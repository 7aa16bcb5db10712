"""A version on its way, in a world of files."""

import pytest

from rollout.row import Event
from tests.rollout.small_world import MODEL, begun, events, until_done


@pytest.fixture
def world(tmp_path):
    return begun(tmp_path)


def world_of(folder, **bad):
    return begun(folder, bad={int(number.removeprefix("v")): what for number, what in bad.items()})


def at_rest(world, version):
    """Whether that version alone serves, has all of the traffic, and the history says so."""
    assert world.serving() == f"recommender:{version}-abcd1234"
    assert set(world.running()) == {"champion"}
    assert (world.split().weights, world.split().where) == ({"champion": 100}, {"champion": "127.0.0.1:3001"})
    (row,) = world.history().serving()
    assert (row.version, row.arm) == (version, "champion")
    return True


def test_the_first_version_serves_at_once(world):
    assert at_rest(world, 1)
    assert events(world) == ["begin", "package", "serve", "live"]


def test_a_good_version_goes_from_shadow_through_each_share_to_all_of_the_traffic(world):
    world.choose(2)
    assert until_done(world.promoter()) == ["begin", "package", "check", "look", "finish"]
    assert at_rest(world, 2)
    shares = [split.weights.get("champion") for split in world.splits() if "previous" in split.weights]
    assert list(dict.fromkeys(shares)) == [0, 5, 25, 50, 100]
    assert world.splits()[1].mirror == "champion"
    assert "recommender version 2 is live" in world.mails()[-1] + "".join(world.mails())


@pytest.mark.parametrize("what", ["build", "start", "wrong"])
def test_a_bad_version_is_taken_back_tagged_and_told(tmp_path, what):
    world = world_of(tmp_path, v2=what)
    world.choose(2)
    until_done(world.promoter())
    assert at_rest(world, 1)
    assert world.chosen() == 1
    assert world.rejected()["2"]
    assert any("version 2 was taken back" in mail and world.rejected()["2"] in mail for mail in world.mails())
    assert events(world)[-1] == "reject"


def test_a_rejected_version_is_not_tried_again_until_somebody_says_again(tmp_path):
    world = world_of(tmp_path, v2="wrong")
    world.choose(2)
    until_done(world.promoter())
    world.choose(2)
    assert until_done(world.promoter()) == []
    assert at_rest(world, 1)
    world.bad.clear()
    world.again(2)
    until_done(world.promoter())
    assert at_rest(world, 2)


def test_of_two_promotions_the_later_wins(world):
    world.choose(2)
    promoter = world.promoter()
    while promoter.tick(MODEL).what != "look":
        pass
    world.choose(3)
    assert promoter.tick(MODEL).what == "supersede"
    assert at_rest(world, 1)
    until_done(promoter)
    assert at_rest(world, 3)
    assert not world.rejected()


def test_a_person_takes_a_rollout_back(world):
    world.choose(2)
    promoter = world.promoter()
    while promoter.tick(MODEL).what != "look":
        pass
    world.say(Event.ABORT, 2)
    assert promoter.tick(MODEL).what == "reject"
    assert at_rest(world, 1)
    assert world.rejected() == {"2": "abort by ada"}


def test_a_pause_keeps_the_step_until_somebody_resumes(world):
    world.choose(2)
    promoter = world.promoter()
    while promoter.tick(MODEL).what != "look":
        pass
    world.say(Event.PAUSE, 2)
    for _ in range(30):
        promoter.tick(MODEL)
    assert world.split().weights["champion"] == 0
    assert world.promoter().tick(MODEL).what == "look"  # another process knows of the pause, too
    assert world.split().weights["champion"] == 0
    world.say(Event.RESUME, 2)
    until_done(promoter)
    assert at_rest(world, 2)


def test_an_alias_that_was_taken_away_leaves_what_serves_and_is_told_once(world):
    world.choose(None)
    before = len(world.mails())
    until_done(world.promoter())
    until_done(world.promoter())
    assert at_rest(world, 1)
    assert len(world.mails()) == before + 1


def test_without_a_mesh_the_port_is_taken_over_at_once_and_that_is_written_down(tmp_path):
    world = begun(tmp_path, meshed=False)
    world.choose(2)
    assert until_done(world.promoter()) == ["begin", "package", "finish"]
    rows = world.history().rows(MODEL)
    assert (rows[-1].event, rows[-1].result) == ("live", "no mesh: no shadow, no canary")
    assert world.serving() == "recommender:2-abcd1234"


def test_a_version_that_lacks_an_approval_is_put_back_and_that_is_told(world):
    world.choose(2)
    world.missing = "version 2 has no tag approval=approved"
    promoter = world.promoter()
    assert promoter.tick(MODEL).what == "put_back"
    world.missing = ""
    assert world.chosen() == 1
    assert until_done(promoter) == []
    assert any("lacks an approval" in mail and "agro approve recommender 2" in mail for mail in world.mails())


def test_a_killed_finish_is_undone_where_another_version_was_chosen_meanwhile(world):
    world.choose(2)
    promoter = world.promoter()
    while promoter.next_step(MODEL).what != "finish":
        promoter.tick(MODEL)
    world.serve(MODEL, "recommender:2-abcd1234")  # it took the port over, and died before it wrote that down
    world.choose(1)
    assert promoter.tick(MODEL).what == "supersede"
    assert at_rest(world, 1)
