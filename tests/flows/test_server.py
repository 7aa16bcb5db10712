"""No page but our own reaches the Prefect server, whose deployments may carry shell commands; tried in Chromium."""

import json
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest

from flows.callers import OwnCallersOnly
from flows.server import own_hosts
from flows.settings import PrefectSettings
from tests.e2e import pages
from tests.foreign_page import site

pytestmark = pytest.mark.timeout(180)
OWN = ["127.0.0.1:4200", "localhost:4200", "prefect.farm.example"]

ATTACK = """async ([url, flow, from]) => {
  const body = how => JSON.stringify({name: `${from}-${how}`, flow_id: flow,
      pull_steps: [{"prefect.deployments.steps.run_shell_script": {script: "touch /tmp/owned"}}]});
  const outcome = {};
  const post = (how, options) =>
    fetch(url + "/api/deployments/", {method: "POST", body: body(how), ...options})
      .then(answer => answer.status, () => "blocked").then(what => { outcome[how] = what; });
  await post("plain", {headers: {"content-type": "text/plain"}});
  await post("json", {headers: {"content-type": "application/json"}});
  await post("no-cors", {mode: "no-cors"});
  await post("no-cors-json", {mode: "no-cors", body: new Blob([body("no-cors-json")], {type: "application/json"})});
  const frame = Object.assign(document.createElement("iframe"), {name: "aside"});
  const form = Object.assign(document.createElement("form"),
      {action: url + "/api/deployments/", method: "post", enctype: "text/plain", target: "aside"});
  const [name, value] = [body("form").slice(0, -1) + ',"description":"', '"}'];
  form.append(Object.assign(document.createElement("input"), {name, value}));
  document.body.append(frame, form);
  await new Promise(done => { frame.onload = done; form.submit(); setTimeout(done, 3000); });
  for (const [how, protocols] of [["socket", []], ["named-socket", ["prefect"]]])
    outcome[how] = await new Promise(done => {
      const socket = new WebSocket(url.replace("http", "ws") + "/api/events/in", protocols);
      socket.onopen = () => done("open");
      socket.onerror = () => done("blocked");
    });
  return outcome;
}"""


def call(settings, path, body, **headers):
    headers = {"content-type": "application/json"} | headers
    request = urllib.request.Request(settings.url + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def deployments_of(settings, flow):
    return [row["name"] for row in call(settings, "/deployments/filter", {"flows": {"id": {"any_": [flow]}}})]


def test_no_page_from_elsewhere_creates_a_deployment_and_our_own_page_does(prefect_server):
    flow = call(prefect_server, "/flows/", {"name": "attacked"})["id"]
    url = prefect_server.url.removesuffix("/api")
    rebound = url.replace("127.0.0.1", "evil.test")
    with site() as port, pages.chromium("--host-resolver-rules=MAP evil.test 127.0.0.1") as browser:
        for name, start, target in (
            ("port", f"http://127.0.0.1:{port}/", url),
            ("site", f"http://evil.test:{port}/", url),
            ("rebound", rebound + "/", rebound),
        ):
            page = browser.new_page()
            page.route(rebound + "/", lambda route: route.fulfill(body="<body>", content_type="text/html"))
            page.goto(start)
            outcome = page.evaluate(ATTACK, [target, flow, name])
            assert set(outcome.values()) <= {"blocked", 0, 403}, (name, outcome)
        assert deployments_of(prefect_server, flow) == []
        page = browser.new_page()
        asked = set()
        page.on("request", lambda request: asked.add(urlsplit(request.url).hostname))
        page.goto(url)
        page.get_by_text("Deployments").first.wait_for()
        outcome = page.evaluate(ATTACK, [url, flow, "own"])
        assert outcome["json"] == 201
        assert outcome["socket"] == "open"
    assert "own-json" in deployments_of(prefect_server, flow)
    assert asked == {"127.0.0.1"}


def test_a_program_is_answered_and_a_strange_name_is_told_the_setting(prefect_server):
    assert call(prefect_server, "/flows/count", {}) >= 0
    with pytest.raises(urllib.error.HTTPError) as refused:
        call(prefect_server, "/flows/count", {}, host="elsewhere.test")
    assert refused.value.code == 403
    assert "AGRO_PREFECT_ALLOWED_HOSTS" in json.load(refused.value)["detail"]


FOREIGN = {"host": OWN[0], "origin": "http://evil.test"}
LINK = {"host": OWN[0], "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


@pytest.mark.parametrize(
    ("headers", "scope", "allowed"),
    [
        ({"host": OWN[0]}, {"method": "POST"}, True),
        ({"host": OWN[1], "origin": "http://LOCALHOST:4200"}, {"method": "POST"}, True),
        ({"host": OWN[2], "origin": "https://prefect.farm.example"}, {"method": "DELETE"}, True),
        ({"host": OWN[0], "sec-fetch-site": "same-origin"}, {}, True),
        (LINK, {"path": "/v2/runs"}, True),
        (LINK, {"path": "/api/admin/version"}, False),
        (LINK, {"method": "POST"}, False),
        (LINK | {"sec-fetch-dest": "iframe"}, {}, False),
        (LINK | {"origin": "null"}, {}, False),
        ({"host": OWN[0], "sec-fetch-site": "same-site"}, {}, False),
        (FOREIGN, {}, False),
        (FOREIGN | {"origin": "null"}, {"method": "POST"}, False),
        (FOREIGN | {"origin": "http://localhost:9999"}, {"method": "POST"}, False),
        (FOREIGN, {"type": "websocket"}, False),
        ({"host": "evil.test:4200", "origin": "http://evil.test:4200"}, {"method": "POST"}, False),
        ({"host": "localhost:9999"}, {}, False),
        ({}, {}, False),
    ],
)
def test_who_may_call(headers, scope, allowed):
    asked = {"type": "http", "method": "GET", "path": "/", **scope}
    asked["headers"] = [(name.encode(), value.encode()) for name, value in headers.items()]
    reason = OwnCallersOnly(None, OWN, "SETTING").refusal(asked)
    assert (reason is None) == allowed, reason


def test_further_names_come_from_the_setting(monkeypatch):
    monkeypatch.setenv("AGRO_PREFECT_ALLOWED_HOSTS", "prefect.farm.example, farm:4200")
    assert {"localhost:4200", "prefect.farm.example", "farm:4200"} <= set(own_hosts(PrefectSettings(port=4200)))
