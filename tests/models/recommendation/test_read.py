from datetime import UTC, datetime

import pandas as pd
import pytest

from models.errors import BadData
from models.recommendation.data import read

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def written(tmp_path, text, name="interactions.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_ids_stay_text_whatever_they_look_like(tmp_path):
    path = written(tmp_path, "user_id,item_id,timestamp\n007,00777471e3131461701,1388534400\n1e5,NA,1388534401\n")
    found = read(path, NOW).interactions
    assert found.user_id.tolist() == ["007", "1e5"]
    assert found.item_id.iat[0] == "00777471e3131461701"


def test_parquet_and_csv_and_a_folder_read_the_same(tmp_path):
    path = written(tmp_path, "user_id,item_id,timestamp,quantity\na,b,2024-01-02T03:04:05Z,2\n")
    frame = pd.DataFrame({"user_id": ["a"], "item_id": ["b"], "timestamp": [1704164645], "quantity": [2]})
    frame.to_parquet(tmp_path / "other.parquet")
    ways = [read(p, NOW).interactions for p in (path, tmp_path, tmp_path / "other.parquet")]
    assert all(w.timestamp.equals(ways[0].timestamp) and w.quantity.tolist() == [2.0] for w in ways)


def test_items_beside_the_file_are_the_catalogue(tmp_path):
    path = written(tmp_path, "user_id,item_id,timestamp\na,b,1\n")
    assert read(path, NOW).items is None
    written(tmp_path, "item_id,title\nb,Beans\n", "items.csv")
    assert read(path, NOW).items.title.tolist() == ["Beans"]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("user_id,timestamp\na,1\n", "column item_id is missing"),
        ("user_id,item_id,timestamp\na,b,yesterday\n", "column timestamp: 'yesterday' in row 1"),
        ("user_id,item_id,timestamp,quantity\na,b,1,lots\n", "column quantity: 'lots' in row 1 is not a number"),
        ("user_id,item_id,timestamp\na,b,\n", "column timestamp"),
        ("user_id,item_id,timestamp\n", "holds no rows"),
        ("", "not readable"),
        ("user_id,item_id,timestamp\na,b,2030-01-01\n", "every row lies in the future"),
    ],
)
def test_bad_files_are_refused_with_column_and_remedy(tmp_path, text, match):
    with pytest.raises(BadData, match=match):
        read(written(tmp_path, text), NOW)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadData, match="no such file"):
        read(tmp_path / "nothing.csv", NOW)


def test_future_events_are_left_out(tmp_path):
    path = written(tmp_path, "user_id,item_id,timestamp\na,b,2025-01-01\na,c,2030-01-01\n")
    assert read(path, NOW).interactions.item_id.tolist() == ["b"]
