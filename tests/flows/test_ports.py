import pytest

from flows import ports
from models.families import models
from rollout.envoy.target import EnvoyTarget
from rollout.istio.target import VirtualServiceTarget


@pytest.mark.parametrize(("name", "kind"), [("envoy", EnvoyTarget), ("virtual-service", VirtualServiceTarget)])
def test_a_setting_says_where_the_weights_of_every_model_live(monkeypatch, name, kind):
    monkeypatch.setenv("AGRO_ROLLOUT_TARGET", name)
    target = ports.connect_target()
    assert isinstance(target, kind)
    for model in models():
        assert target.get(model) is None
