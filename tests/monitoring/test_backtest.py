import json

import pandas as pd

from monitoring import backtest


def test_each_week_is_judged_by_the_weeks_before_it(market):
    frame = pd.concat(market)
    done = backtest.backtest(frame, ["price", "quantity"], sigmas=(1.0,), first_reference_weeks=28)
    assert done.weeks == 3
    assert done.found == {"price": {"1": 3}, "quantity": {"1": 3}}
    assert (done.alarmed, done.others) == ([], 0)


def test_a_file_is_judged_from_the_command_line(market, tmp_path, capsys):
    path = tmp_path / "rows.parquet"
    pd.concat(market).to_parquet(path)
    arguments = ["--data", str(path), "--columns", "price", "--false-alarms-only", "--drop-days", "3"]
    assert backtest.main(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["weeks"] == 14 and told["others"] == 0
