"""The front under the platform's supervisor, alone: the other programs are left out."""

import json
import time

import httpx
import psutil
import pytest

from agro import doctor, platform, programs, status
from agro.errors import PortTaken
from agro.mesh import front
from base.home import home
from bentos import supervised
from rollout.target import Split
from tests import ports
from tests.rollout.upstreams import Client, Upstream, serving

ROUTE = "/api/v1/recommendations"


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """A home whose platform has no program but the front."""
    monkeypatch.setenv("AGRO_HOME", str(tmp_path))
    monkeypatch.setenv("AGRO_MESH_PORT", str(ports.free_port()))
    monkeypatch.setenv("AGRO_SERVING_RECOMMENDER_PORT", str(ports.free_port()))
    monkeypatch.setattr(programs, "servers", list)
    monkeypatch.setattr(programs, "helpers", dict)
    home("log").mkdir()
    yield
    if supervised.running():
        platform.stop()


def ask():
    return Client(front.MeshSettings().port).post(ROUTE)


def test_a_killed_front_comes_back_with_its_weights_and_doctor_says_how_it_is(alone):
    before, after = (Upstream(name, ports.free_port()) for name in ("before", "after"))
    platform.start(mesh=True)
    assert ask()[1]["type"] == "urn:agrologistic:problem:not-ready"  # no model is served yet
    target = front.target()
    where = {"previous": before.address, "champion": after.address}
    target.set("recommender", {"champion": 100}, where)
    psutil.Process(supervised.condition(front.NAME).pid).kill()
    platform.wait_ready([front.program()], lambda _: None, 30)
    with serving(before, after):
        assert ask()[:2] == (200, {"name": "after"})
    found = {finding.part: finding for finding in doctor.examine()}[front.NAME]
    assert found.healthy
    assert "recommender champion 100; demand-forecaster champion 100" in found.found
    assert [row["state"] for row in status.parts() if row["part"] == front.NAME] != ["ABSENT"]
    platform.start(mesh=True)  # what is set stays
    assert target.get("recommender") == Split({"champion": 100}, where)


def test_the_front_is_added_to_a_platform_that_runs(alone):
    platform.launch()
    assert front.NAME not in supervised.conditions()
    platform.start(mesh=True)
    assert supervised.conditions()[front.NAME].state in ("RUNNING", "STARTING")
    platform.stop()
    platform.launch()
    assert front.NAME not in supervised.conditions()
    assert {finding.part: finding for finding in doctor.examine()}[front.NAME].found.startswith("not started")


def test_a_taken_port_is_named_with_the_setting_that_moves_it(alone):
    taken = Upstream("other", front.MeshSettings().port)
    with serving(taken), pytest.raises(PortTaken, match=rf"port {taken.port} \(front\) is taken.*AGRO_MESH_PORT"):
        platform.launch(mesh=True)


def test_the_admin_interface_listens_on_no_port_and_is_for_its_owner_alone(alone):
    """Else any page that is open in a browser could end Envoy by one POST."""
    platform.start(mesh=True)
    process = psutil.Process(supervised.condition(front.NAME).pid)
    listening = {row.laddr.port for row in process.net_connections("tcp") if row.status == psutil.CONN_LISTEN}
    assert listening == {front.MeshSettings().port}
    assert (home("mesh", "admin.sock").stat().st_mode & 0o777) == 0o600
    for path in ("/quitquitquit", "/healthcheck/fail", "/stats", "/config_dump", "/runtime_modify?a=b"):
        answer = httpx.post(
            front.program().url + path, headers={"Origin": "http://evil.example", "Host": "evil.example"}
        )
        assert (answer.status_code, json.loads(answer.text)["type"]) == (404, "urn:agrologistic:problem:no-such-path")
    time.sleep(0.2)
    assert process.is_running()
