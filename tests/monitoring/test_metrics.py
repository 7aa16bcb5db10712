from datetime import UTC, datetime

from monitoring import metrics

AT = datetime(2024, 8, 5, tzinfo=UTC)


def test_a_scraper_reads_the_alarm_and_each_score(shifted):
    told = metrics.exposition(shifted, "recommender", AT)
    assert 'agro_drift_alarm{model="recommender"} 1\n' in told
    score = shifted.columns[0].scores["wasserstein"].value
    assert f'agro_drift_score{{model="recommender",column="price",measure="wasserstein"}} {score:.10g}\n' in told
    assert f'agro_drift_checked_timestamp_seconds{{model="recommender"}} {int(AT.timestamp())}\n' in told
    assert told.count("# TYPE agro_drift_score gauge\n") == 1


def test_the_file_is_named_for_its_model(shifted, tmp_path):
    path = metrics.write(tmp_path, shifted, "recommender", AT)
    assert path.name == "drift-recommender.prom" and path.read_text().endswith("\n")
