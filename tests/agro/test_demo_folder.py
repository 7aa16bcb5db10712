from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from agro.demo import folder
from agro.demo.source import DemoDataMissing, Source, prepare
from base.home import home


def source(name="journey", weeks=400):
    return Source(name, {}, {}, "drawn", weeks, date(2026, 6, 30))


def test_the_models_learn_from_before_the_last_two_weeks():
    chosen = source()
    assert chosen.as_of == datetime(2026, 6, 17, tzinfo=UTC)
    assert chosen.quiet_week == datetime(2026, 6, 17, tzinfo=UTC)
    assert chosen.arriving_week == datetime(2026, 6, 24, tzinfo=UTC)


def test_the_same_demo_again_keeps_what_is_there():
    assert folder.make_room(source(), print) is None
    (home() / "clickhouse").mkdir()
    assert folder.make_room(source(), print) is None
    assert (home() / "clickhouse").exists()


def test_a_demo_on_other_data_sets_the_old_aside_and_deletes_nothing():
    folder.make_room(source(), print)
    (home() / "clickhouse").mkdir()
    (home() / "clickhouse" / "rows").write_text("mine")
    aside = folder.make_room(source("photographs"), print)
    assert (aside / "clickhouse" / "rows").read_text() == "mine"
    assert not (home() / "clickhouse").exists()


def test_somebodys_own_platform_is_set_aside_too():
    (home() / "clickhouse").mkdir(parents=True)
    assert folder.make_room(source(), print) is not None


def test_a_folder_without_leaves_is_told_by_name(tmp_path: Path):
    with pytest.raises(DemoDataMissing, match=r"interactions\.parquet is missing"):
        prepare(tmp_path, tmp_path / "cache", date(2026, 1, 1), print)
