import json
import threading

import pytest
from pydantic import ValidationError

from rollout.errors import (
    TargetConflict,
    TargetDamaged,
    TargetForbidden,
    TargetRefused,
    TargetUnreachable,
    UnknownService,
    WeightsRefused,
)  # fmt: skip
from rollout.istio import KubernetesSettings, target
from rollout.istio.target import VirtualServiceTarget
from rollout.target import Split
from tests.rollout.kubernetes import TOKEN, Kubernetes, serving

WHERE = {"champion": "v13", "previous": "v12"}


@pytest.fixture
def api(monkeypatch):
    monkeypatch.setattr(target, "_PAUSES_S", (0.01,))
    return Kubernetes()


@pytest.fixture
def connect(api, tmp_path):
    with serving(api) as address:

        def connected(**settings):
            known = {"server": address, "token": TOKEN, "timeout_s": 2.0, "ca_file": tmp_path / "absent"}
            return VirtualServiceTarget({"recommender": "recommender"}, KubernetesSettings(**known | settings))

        yield connected


@pytest.fixture
def mesh(connect):
    return connect()


def canary(share):
    return {"champion": share, "previous": 100 - share}


def test_weights_come_back_as_they_were_set_with_subsets_and_mirror(api, mesh):
    assert mesh.get("recommender") is None
    mesh.set("recommender", canary(5), WHERE)
    assert mesh.get("recommender") == Split(canary(5), WHERE)
    (route,) = api.spec("virtualservices", "recommender")["http"]
    assert [(row["weight"], row["destination"]) for row in route["route"]] == [
        (5, {"host": "recommender", "subset": "v13"}),
        (95, {"host": "recommender", "subset": "v12"}),
    ]
    assert route["retries"]["retryOn"] == "connect-failure,refused-stream,reset-before-request"
    assert api.spec("destinationrules", "recommender")["subsets"] == [
        {"name": "v12", "labels": {"version": "v12"}},
        {"name": "v13", "labels": {"version": "v13"}},
    ]
    mesh.set("recommender", {"previous": 100}, WHERE, mirror="champion")
    assert mesh.get("recommender") == Split({"previous": 100}, WHERE, mirror="champion")
    (route,) = api.spec("virtualservices", "recommender")["http"]
    assert (route["mirror"], route["mirrorPercentage"]) == ({"host": "recommender", "subset": "v13"}, {"value": 100})


def test_subsets_come_before_the_route_to_them_and_leave_a_change_later(api, mesh):
    mesh.set("recommender", canary(5), WHERE)
    assert api.writes() == ["destinationrules", "virtualservices"]
    mesh.set("recommender", {"champion": 100}, {"champion": "v13"})
    mesh.set("recommender", canary(5), {"champion": "v14", "previous": "v13"})
    named = [row["name"] for row in api.spec("destinationrules", "recommender")["subsets"]]
    assert named == ["v13", "v14"]


def test_setting_the_same_again_writes_nothing(api, mesh):
    mesh.set("recommender", canary(5), WHERE)
    writes = len(api.writes())
    mesh.set("recommender", canary(5), WHERE)
    assert len(api.writes()) == writes


def test_what_others_wrote_into_the_same_documents_stays(api, mesh):
    api.by_hand("destinationrules", "recommender", host="recommender", trafficPolicy={"tls": {"mode": "ISTIO_MUTUAL"}})
    api.by_hand("virtualservices", "recommender", hosts=["recommender"], gateways=["front"])
    mesh.set("recommender", canary(5), WHERE)
    assert api.spec("destinationrules", "recommender")["trafficPolicy"] == {"tls": {"mode": "ISTIO_MUTUAL"}}
    assert api.spec("virtualservices", "recommender")["gateways"] == ["front"]


def test_a_dry_run_lets_the_server_check_and_keeps_nothing(api, connect):
    connect(dry_run=True).set("recommender", canary(5), WHERE)
    assert api.objects == {}
    connect().set("recommender", {"previous": 100}, WHERE)
    connect(dry_run=True).set("recommender", canary(5), WHERE)
    assert connect().get("recommender") == Split({"previous": 100}, WHERE)
    assert all(asked["dryRun"] == "All" for method, _, asked in api.asked[-2:] if method == "PATCH")


def test_without_a_cluster_the_documents_are_files_to_apply(tmp_path):
    settings = KubernetesSettings(manifests=tmp_path)
    alone = VirtualServiceTarget({"recommender": "recommender"}, settings)
    alone.set("recommender", canary(5), WHERE)
    assert alone.get("recommender") == Split(canary(5), WHERE)
    written = [json.loads(path.read_text())["kind"] for path in sorted(tmp_path.iterdir())]
    assert written == ["DestinationRule", "VirtualService"]


def test_in_a_pod_everything_is_known_and_a_renewed_token_is_read_again(api, connect, tmp_path, monkeypatch):
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "6443")
    assert KubernetesSettings().server == "https://[fd00::1]:6443"
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    pod = connect(token=None, token_file=tmp_path / "token")
    pod.set("recommender", canary(5), WHERE)
    api.token = "renewed"
    (tmp_path / "token").write_text("renewed")
    assert pod.get("recommender") == Split(canary(5), WHERE)


@pytest.mark.parametrize("server", ["http://cluster.example:6443", "cluster.example", "ftp://cluster.example"])
def test_the_token_goes_out_encrypted_or_to_this_machine(server):
    with pytest.raises(ValidationError, match="needs https://HOST:PORT"):
        KubernetesSettings(server=server)
    assert KubernetesSettings(server="http://127.0.0.1:8001/").server == "http://127.0.0.1:8001"


def test_a_token_that_is_not_known_is_said(api, mesh):
    api.token = "another"
    with pytest.raises(TargetForbidden, match="does not know us: renew AGRO_KUBERNETES_TOKEN"):
        mesh.get("recommender")
    assert len(api.asked) == 1


def test_what_we_may_not_do_is_said_with_the_verbs_that_are_missing(api, mesh):
    api.forbidden = True
    with pytest.raises(TargetForbidden, match="get, create and patch on virtualservices"):
        mesh.set("recommender", canary(5), WHERE)
    assert len(api.asked) == 1


def test_a_cluster_without_istio_is_said(api, mesh):
    api.installed = False
    with pytest.raises(TargetRefused, match="knows no DestinationRule in agrologistic: install Istio"):
        mesh.set("recommender", canary(5), WHERE)


def test_what_the_cluster_finds_wrong_is_said_in_its_words_and_not_repeated(api, mesh):
    api.faults.extend([None, 422])
    with pytest.raises(TargetRefused, match=r"VirtualService agrologistic/recommender wrong \(422\): come back later"):
        mesh.set("recommender", canary(5), WHERE)
    assert api.writes() == ["destinationrules"]
    assert mesh.get("recommender") is None


@pytest.mark.parametrize("happens", ["drop", "lose", 429, 500, 503])
@pytest.mark.parametrize("nth", [0, 1])
def test_a_passing_fault_is_survived(api, mesh, happens, nth):
    mesh.set("recommender", {"previous": 100}, WHERE)
    api.faults.extend([None] * nth + [happens])
    mesh.set("recommender", canary(25), {"champion": "v14", "previous": "v12"})
    assert mesh.get("recommender") == Split(canary(25), {"champion": "v14", "previous": "v12"})


def test_a_cluster_that_stays_silent_is_said_after_the_last_try(api, connect):
    silent = connect(attempts=2)
    api.faults.extend([503] * 5)
    with pytest.raises(TargetUnreachable, match=r"no answer about DestinationRule .* now \(503\): come back later"):
        silent.set("recommender", canary(5), WHERE)
    assert len(api.faults) == 3
    gone = connect(server="http://127.0.0.1:9", attempts=1)
    with pytest.raises(TargetUnreachable, match="does not answer"):
        gone.get("recommender")


def test_an_apply_that_was_given_up_and_arrives_late_is_turned_away(api, connect):
    """The canary's share, on its way for too long, must not come after the abort."""
    mesh = connect()
    mesh.set("recommender", {"previous": 100}, WHERE)
    mesh.set("recommender", canary(5), WHERE)
    api.faults.extend([None, 1.0])  # the rule at once, the weights a second late
    hasty = connect(timeout_s=0.3, attempts=1)
    with pytest.raises(TargetUnreachable):
        hasty.set("recommender", canary(50), WHERE)
    mesh.set("recommender", {"previous": 100}, WHERE)
    threading.Event().wait(1.2)
    assert mesh.get("recommender") == Split({"previous": 100}, WHERE)


def test_of_two_that_set_at_once_one_comes_after_the_other(api, connect):
    shares = [5, 25, 50]
    setting = [
        threading.Thread(target=connect(attempts=20).set, args=("recommender", canary(share), WHERE))
        for share in shares
    ]
    for thread in setting:
        thread.start()
    for thread in setting:
        thread.join()
    assert connect().get("recommender").weights["champion"] in shares


def test_others_who_never_stop_writing_are_said(api, mesh):
    mesh.set("recommender", {"previous": 100}, WHERE)
    api.faults.extend([409] * 10)
    with pytest.raises(TargetConflict, match="changed by others meanwhile"):
        mesh.set("recommender", canary(5), WHERE)


def test_what_other_hands_made_of_it_is_said(api, mesh):
    mesh.set("recommender", canary(5), WHERE)
    (route,) = json.loads(json.dumps(api.spec("virtualservices", "recommender")))["http"]
    route["route"][0]["weight"] = 10
    api.by_hand("virtualservices", "recommender", http=[route])
    with pytest.raises(TargetDamaged, match=r"holds no split .*sum to 105.*set the weights anew"):
        mesh.get("recommender")
    mesh.set("recommender", canary(5), WHERE)
    assert mesh.get("recommender") == Split(canary(5), WHERE)


def test_what_is_not_sound_asks_nobody(api, mesh):
    halves = {"champion": 50, "challenger": 50}
    for weights, where, salt, words in [
        (canary(5) | {"previous": 5}, WHERE, "", "sum to 10"),
        (canary(5), WHERE | {"previous": "127.0.0.1:3001"}, "", "label of a version, such as v12"),
        (halves, {"champion": "v12", "challenger": "v13"}, "spring", "keeps no user with one side"),
    ]:
        with pytest.raises(WeightsRefused, match=words):
            mesh.set("recommender", weights, where, salt=salt)
    with pytest.raises(UnknownService, match="there are recommender"):
        mesh.get("price")
    assert api.asked == []
