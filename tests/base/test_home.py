import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from base.home import home, secret


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("AGRO_HOME", str(tmp_path))


def test_a_secret_stays_the_same_and_is_for_its_owner_alone(tmp_path):
    first = secret("clickhouse")
    assert len(first) >= 24
    assert secret("clickhouse") == first != secret("prefect")
    assert stat.S_IMODE((tmp_path / "secrets" / "clickhouse").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_all_who_ask_at_once_get_the_same_secret_and_no_draft_is_left(tmp_path):
    with ThreadPoolExecutor(16) as pool:
        answers = set(pool.map(secret, ["shared"] * 64))
    assert len(answers) == 1
    assert [path.name for path in (tmp_path / "secrets").iterdir()] == ["shared"]


def test_a_place_in_the_home_is_absolute_and_follows_the_environment(tmp_path):
    assert home("log", "agro.log") == tmp_path / "log" / "agro.log"
