import itertools
import json
import multiprocessing
import random
import signal
import threading
import time
from collections import Counter

import pytest

from rollout.envoy import MeshSettings, clusters, routes
from rollout.envoy.target import EnvoyTarget
from rollout.errors import TargetDamaged, TargetRefused, TargetUnreachable, UnknownService, WeightsRefused
from rollout.observations import Served, since
from rollout.target import Split
from tests import ports
from tests.rollout.conftest import PATHS, Front
from tests.rollout.upstreams import Client, Load, Upstream, serving

(PATH,) = PATHS["recommender"]


@pytest.fixture
def two():
    old, new = Upstream("old", ports.free_port()), Upstream("new", ports.free_port())
    with serving(old, new):
        yield old, new


@pytest.fixture
def where(two):
    old, new = two
    return {"previous": old.address, "champion": new.address}


def canary(share):
    return {"champion": share, "previous": 100 - share}


def test_nothing_is_lost_while_weights_change_and_none_reaches_an_aborted_canary_two_seconds_later(front, two, where):
    old, new = two
    front.target.set("recommender", {"previous": 100}, where)
    with Load(front.settings.port, PATH) as load:
        for share in [5, 25, 50, 100, 0] * 4:
            front.target.set("recommender", canary(share), where)
            time.sleep(0.1)
        aborted = time.monotonic()
        time.sleep(3)
    assert set(load.statuses) == {200}
    assert load.names["new"] > 100
    assert new.last < aborted + 2
    assert old.last > aborted + 2


def test_the_shares_are_those_that_were_set(front, two, where):
    front.target.set("recommender", canary(25), where)
    names = Counter(said["name"] for _, said, _ in asked(front, 400))
    assert 57 < names["new"] < 143  # 100, five standard deviations
    assert names["new"] + names["old"] == 400


def test_all_or_none_means_all_or_none(front, two, where):
    for share, name in [(100, "new"), (0, "old"), (100, "new")]:
        front.target.set("recommender", canary(share), where)
        assert {said["name"] for _, said, _ in asked(front, 100)} == {name}


def test_an_address_changes_hands_without_an_answer_of_the_wrong_arm(front, two, where):
    """`champion` means the old address, then the new one, which answers nothing yet: no request is sent there."""
    front.target.set("recommender", {"champion": 100}, {"champion": where["previous"]})
    with Load(front.settings.port, PATH, clients=4) as load:
        for _ in range(10):
            front.target.set("recommender", {"previous": 100}, where)
            front.target.set("recommender", {"champion": 100}, {"champion": where["previous"]})
    assert set(load.names) == {"old"}


def test_a_request_under_way_is_answered_though_its_address_is_gone_meanwhile(front, two, where):
    two[1].delay_s, found = 1.0, []
    front.target.set("recommender", canary(100), where)
    asking = threading.Thread(target=lambda: found.extend(asked(front, 1)))
    asking.start()
    eventually(lambda: two[1].came)
    for service in ("recommender", "leaf-disease"):
        front.target.set(service, {"champion": 100}, {"champion": where["previous"]})
    assert where["champion"].split(":")[1] not in (front.settings.folder / "clusters.json").read_text()
    asking.join()
    assert found[0][:2] == (200, {"name": "new"})


def test_nothing_is_lost_while_a_service_moves_to_addresses_that_are_new_to_the_front(front, two, where):
    front.target.set("recommender", {"champion": 100}, {"champion": where["previous"]})
    with Load(front.settings.port, PATH) as load:
        for _ in range(10):
            for address in where.values():
                front.target.set("recommender", {"champion": 100}, {"champion": address})
    assert set(load.statuses) == {200}
    assert set(load.names) == {"old", "new"}


def asked(front, times, body=None, path=PATH, **headers):
    client = Client(front.settings.port)
    return [client.post(path, body or {}, **headers) for _ in range(times)]


def test_a_shadow_gets_a_copy_of_every_request_and_says_nothing(front, two, where):
    old, new = two
    front.target.set("recommender", {"previous": 100}, where, mirror="champion")
    said = {"x_request_id": "r-1", "traceparent": "00-aa-bb-01", "origin": "http://evil.example"}
    answers = asked(front, 20, {"user_id": "7"}, **said)
    assert {said["name"] for _, said, _ in answers} == {"old"}
    eventually(lambda: len(new.came) == 20)
    (_, first, body), (_, copy, same) = old.came[0], new.came[0]
    assert body == same == b'{"user_id": "7"}'
    assert copy["host"] == first["host"] == f"127.0.0.1:{front.settings.port}"  # which, with Origin, a service checks
    assert copy["origin"] == first["origin"] == "http://evil.example"
    assert copy["x-request-id"] == first["x-request-id"] == "r-1"
    assert copy["traceparent"] == "00-aa-bb-01"
    assert (first.get("x-shadow"), copy["x-shadow"], copy["x-arm"]) == (None, "true", "champion")


def test_a_slow_or_dead_shadow_holds_up_nobody(front, two, where):
    slow = Upstream("slow", ports.free_port(), delay_s=5)
    with serving(slow):
        front.target.set("recommender", {"previous": 100}, where | {"champion": slow.address}, mirror="champion")
        began = time.monotonic()
        assert {status for status, _, _ in asked(front, 20)} == {200}
        assert time.monotonic() - began < 2
    assert {status for status, _, _ in asked(front, 20)} == {200}


def test_an_experiment_keeps_each_user_with_one_arm_and_a_new_salt_divides_them_anew(front, two, where):
    sides = {"champion": where["previous"], "challenger": where["champion"]}
    halves = {"champion": 50, "challenger": 50}
    seen = []
    for salt in ("spring", "summer"):
        front.target.set("recommender", halves, sides, salt=salt)
        seen.append({user: names(front, user) for user in range(120)})
    assert all(len(found) == 1 for found in [*seen[0].values(), *seen[1].values()])
    spring, summer = ({user: found.copy().pop() for user, found in one.items()} for one in seen)
    assert 35 < Counter(spring.values())["new"] < 85
    assert 35 < sum(spring[user] == summer[user] for user in spring) < 200  # one salt says nothing of the other


def names(front, user):
    body = asked(front, 2, {"user_id": f"u{user}"})
    header = asked(front, 1, {"periods": 7}, x_user_id=f"u{user}")
    return {said["name"] for _, said, _ in body + header}


def test_an_answer_says_its_arm_and_nobody_chooses_it(front, two, where):
    front.target.set("recommender", canary(0), where)
    answers = asked(front, 5, {}, x_arm="champion", x_agro_user="u", x_shadow="true")
    assert {headers["x-arm"] for _, _, headers in answers} == {"previous"}
    assert {came["x-arm"] for _, came, _ in two[0].came} == {"previous"}
    assert not any("x-shadow" in came for _, came, _ in two[0].came)


def test_a_request_that_no_service_has_seen_is_tried_again_and_one_that_was_seen_is_not(tmp_path, free_port):
    late, front, found = Upstream("late", free_port), Front(tmp_path, retries=50), []
    with front.running():
        front.target.set("recommender", {"champion": 100}, {"champion": late.address})
        asking = threading.Thread(target=lambda: found.extend(asked(front, 1)))
        asking.start()
        eventually(lambda: retries(front, late) > 1)
        with serving(late):
            asking.join()
            assert found[0][0] == 200
            late.hangs_up, came = True, len(late.came)
            assert asked(front, 1)[0][0] == 503
            assert len(late.came) == came + 1


def retries(front, upstream):
    name = f"cluster.{clusters.name('recommender', upstream.address)}.upstream_rq_retry"
    return front.values(f"^{name}$").get(name, 0)


def test_without_a_service_the_front_says_so_as_the_services_would(front, free_port):
    front.target.set("recommender", {"champion": 100}, {"champion": f"127.0.0.1:{free_port}"})
    ((status, said, headers),) = asked(front, 1, x_request_id="r-2")
    assert (status, headers["content-type"], headers["retry-after"]) == (503, "application/problem+json", "2")
    assert said == {
        "type": "urn:agrologistic:problem:not-ready",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "no service answers for this path at the moment",
        "errors": [],
        "request_id": "r-2",
    }
    assert headers["x-request-id"] == "r-2"
    ((status, said, headers),) = asked(front, 1, path="/api/v1/recommendationsx")
    assert (status, said["status"], said["type"]) == (404, 404, "urn:agrologistic:problem:no-such-path")
    assert asked(front, 1, path="/api%2fv1/recommendations")[0][0] == 400


def test_a_service_that_takes_too_long_is_503_and_a_caller_cannot_shorten_it(tmp_path, two, where):
    front = Front(tmp_path, request_timeout_s=0.5)
    two[1].delay_s = 0.2
    with front.running():
        front.target.set("recommender", canary(100), where)
        assert asked(front, 1, x_envoy_upstream_rq_timeout_ms="1")[0][0] == 200
        two[1].delay_s = 2
        ((status, said, headers),) = asked(front, 1)
        assert (status, said["type"], said["detail"]) == (
            503, "urn:agrologistic:problem:busy", "the request took too long",
        )  # fmt: skip
        assert headers["retry-after"] == "1"


def test_what_each_arm_answered_is_counted(front, two, where):
    two[1].status, two[1].delay_s = 500, 0.05
    front.target.set("recommender", canary(50), where)
    before = looked(front)
    answers = asked(front, 60)
    broken = sum(status == 500 for status, _, _ in answers)
    eventually(lambda: sum(arm.timed for arm in looked(front).values()) == 60)
    now = {arm: since(counts, before[arm]) for arm, counts in looked(front).items()}
    assert now["champion"] == Served(broken, broken, broken, broken)
    assert now["previous"][:3] == (60 - broken, 0, 60 - broken)
    assert now["previous"].slow < 3


def looked(front):
    return {arm: counts.served(limit_ms=40) for arm, counts in front.target.observe("recommender").items()}


def test_counts_begin_again_when_envoy_was_killed(stopped_front, two, where):
    front = stopped_front
    with front.running():
        front.target.set("recommender", canary(100), where)
        asked(front, 9)
        before = looked(front)["champion"]
    with pytest.raises(TargetUnreachable, match="agro up --mesh"):
        front.target.observe("recommender")
    with front.running():
        asked(front, 2)
        assert since(looked(front)["champion"], before).requests == 2


def test_a_killed_envoy_comes_back_with_the_same_weights(stopped_front, two, where):
    front = stopped_front
    with front.running() as process:
        front.target.set("recommender", canary(100), where)
        process.kill()
        process.wait()
        front.target.set("leaf-disease", {"champion": 100}, {"champion": where["previous"]})  # while none runs
    with front.running():
        assert front.target.get("recommender") == Split(canary(100), where)
        assert {said["name"] for _, said, _ in asked(front, 20)} == {"new"}
        assert {said["name"] for _, said, _ in asked(front, 5, path=PATHS["leaf-disease"][0])} == {"old"}


def test_setting_the_same_again_writes_nothing(front, where):
    front.target.set("recommender", canary(5), where)
    times = [path.stat().st_mtime_ns for path in sorted(front.settings.folder.glob("*.json"))]
    front.target.set("recommender", canary(5), where)
    assert times == [path.stat().st_mtime_ns for path in sorted(front.settings.folder.glob("*.json"))]


def test_what_is_not_sound_changes_nothing(front, where):
    front.target.set("recommender", canary(5), where)
    for wrong in [{"champion": 5}, {"champion": 50, "canary": 50}]:
        with pytest.raises(WeightsRefused):
            front.target.set("recommender", wrong, where)
    with pytest.raises(WeightsRefused, match="give IP:PORT"):
        front.target.set("recommender", {"champion": 100}, {"champion": "recommender.example:3001"})
    with pytest.raises(UnknownService, match=r"'recomender'; there are leaf-disease, recommender"):
        front.target.set("recomender", {"champion": 100}, where)
    assert front.target.get("recommender") == Split(canary(5), where)
    assert front.target.get("leaf-disease") is None


def test_what_envoy_refuses_leaves_the_weights_before(front, two, where, monkeypatch):
    front.target.set("recommender", canary(0), where)
    sound = routes.document
    monkeypatch.setattr(routes, "document", lambda *given: [one | {"virtual_hosts": [{}]} for one in sound(*given)])
    with pytest.raises(TargetRefused, match="the weights are as before"):
        front.target.set("recommender", canary(100), where)
    assert front.target.get("recommender") == Split(canary(0), where)
    assert {said["name"] for _, said, _ in asked(front, 20)} == {"old"}


def test_an_envoy_that_hangs_is_told(tmp_path, where):
    front = Front(tmp_path, apply_timeout_s=0.5)
    front.target.admin.timeout_s = 0.2
    with front.running() as process:
        process.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(TargetUnreachable, match="does not take up"):
                front.target.set("recommender", canary(5), where)
        finally:
            process.send_signal(signal.SIGCONT)
        front.target.set("recommender", canary(5), where)


def test_a_file_that_other_hands_wrote_is_told_with_the_remedy(stopped_front):
    path = stopped_front.settings.folder / "routes.json"
    path.write_text("{}")
    with pytest.raises(TargetDamaged, match=r"routes\.json cannot be read .*remove it and set the weights anew"):
        stopped_front.target.get("recommender")


def set_for_ever(folder):
    target = EnvoyTarget(PATHS, MeshSettings(folder=folder))
    for port in itertools.cycle(range(3001, 3009)):
        where = {"champion": f"127.0.0.1:{port}", "previous": f"127.0.0.1:{port - 1}"}
        target.set("recommender", canary(port % 100), where)


def test_whoever_is_killed_while_setting_leaves_one_split_whole(stopped_front):
    folder, draws = stopped_front.settings.folder, random.Random(9)
    for _ in range(20):
        setter = multiprocessing.get_context("fork").Process(target=set_for_ever, args=(folder,))
        setter.start()
        end = time.monotonic() + draws.uniform(0.02, 0.2)
        while time.monotonic() < end:
            sums_to_a_hundred(stopped_front.target.get("recommender"))
        setter.kill()
        setter.join()
        split = stopped_front.target.get("recommender")
        sums_to_a_hundred(split)
        known = {row["name"] for row in json.loads((folder / "clusters.json").read_text())["resources"]}
        assert {clusters.name("recommender", at) for at in (split.where.values() if split else ())} <= known
        stopped_front.target.set("recommender", {"previous": 100}, {"previous": "127.0.0.1:3002"})


def sums_to_a_hundred(split):
    assert split is None or sum(split.weights.values()) == 100


def test_two_that_set_at_once_come_one_after_the_other(front, where):
    shares = [5, 25, 50, 100]
    setting = [
        threading.Thread(target=front.target.set, args=("recommender", canary(share), where)) for share in shares
    ]
    others = [threading.Thread(target=front.target.set, args=("leaf-disease", canary(7), where)) for _ in range(2)]
    for thread in itertools.chain(setting, others):
        thread.start()
    for thread in itertools.chain(setting, others):
        thread.join()
    assert front.target.get("recommender").weights["champion"] in shares
    assert front.target.get("leaf-disease") == Split(canary(7), where)


def eventually(holds, patience_s=5):
    end = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_long_upload_passes_though_it_is_longer_than_the_buffer(tmp_path, two, where):
    front = Front(tmp_path, buffer_bytes=1 << 16)
    with front.running():
        front.target.set("leaf-disease", {"previous": 100}, where)
        ((status, _, _),) = asked(front, 1, "x" * (1 << 20), path=PATHS["leaf-disease"][0])
        assert (status, len(two[0].came[0][2])) == (200, (1 << 20) + 2)
        sides = {"champion": where["previous"], "challenger": where["champion"]}
        front.target.set("leaf-disease", {"champion": 50, "challenger": 50}, sides, salt="spring")
        ((status, said, _),) = asked(front, 1, "x" * (1 << 20), path=PATHS["leaf-disease"][0])
        assert (status, said["type"]) == (413, "urn:agrologistic:problem:too-large")
