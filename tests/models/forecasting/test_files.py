import pandas as pd
import pytest

from models.errors import BadData
from models.forecasting.family import FAMILY as family


def write(path, text: str):
    path.write_text(text)
    return path


def test_ids_that_look_like_numbers_stay_text(tmp_path):
    text = "series_id,ds,y,known_promo,department\n00777471e3131461701,2024-01-01,1,0,A1\n007,2024-01-02,,1,\n"
    frame = family.read(write(tmp_path / "demand.csv", text))
    assert frame["series_id"].tolist() == ["00777471e3131461701", "007"]
    assert frame["y"].isna().tolist() == [False, True]
    assert frame["known_promo"].tolist() == [0.0, 1.0]
    assert frame["department"].iloc[0] == "A1"
    assert frame.attrs["source"] == "demand.csv"


def test_parquet_reads_like_csv(tmp_path):
    frame = pd.DataFrame({"series_id": ["a", "a"], "ds": pd.to_datetime(["2024-01-01", "2024-01-02"]), "y": [1, 2]})
    frame.to_parquet(tmp_path / "demand.parquet")
    read = family.read(tmp_path / "demand.parquet")
    assert read["y"].tolist() == [1.0, 2.0] and read["ds"].tolist() == frame["ds"].tolist()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("series_id,ds\na,2024-01-01\n", "demand.csv: column y is missing"),
        ("series_id,ds,y\na,2024-01-01,lots\n", "y: 'lots' in row 1 is not a number"),
        ("series_id,ds,y\na,yesterday,1\n", "ds: 'yesterday' in row 1 is not a date; write it as YYYY-MM-DD"),
        ("series_id,ds,y,known_p\na,2024-01-01,1,high\n", "known_p: 'high' in row 1 is not a number"),
        ("series_id,ds,y\na,2024-01-01,1,9\n", "not readable as CSV"),
        ("series_id,ds,y\n", "no rows"),
        ("", "column|readable"),
    ],
)
def test_a_bad_file_is_refused_with_column_and_remedy(tmp_path, text, message):
    with pytest.raises(BadData, match=message):
        family.read(write(tmp_path / "demand.csv", text))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadData, match="no such file"):
        family.read(tmp_path / "absent.csv")
