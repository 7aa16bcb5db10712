from datetime import UTC, datetime

from prometheus_client.parser import text_string_to_metric_families

from monitoring import metrics

AT = datetime(2024, 8, 5, tzinfo=UTC)


def scraped(told):
    """What a scraper makes of a file: each value by name and labels."""
    families = list(text_string_to_metric_families(told))
    assert all(family.type == "gauge" and family.documentation for family in families)
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def test_a_scraper_reads_the_alarm_and_each_score(shifted, tmp_path):
    told = scraped(metrics.write(tmp_path, shifted, "recommender", AT).read_text())
    assert told["agro_drift_alarm", "recommender"] == 1
    score = shifted.columns[0].scores["wasserstein"]
    assert told["agro_drift_score", "price", "wasserstein", "recommender"] == score.value
    assert told["agro_drift_limit", "price", "wasserstein", "recommender"] == score.limit
    assert told["agro_drift_pressure", "price", "recommender"] == shifted.columns[0].pressure
    assert told["agro_drift_rows", "recommender"] == 600
    assert told["agro_drift_checked_timestamp_seconds", "recommender"] == AT.timestamp()


def test_a_model_named_with_quotes_and_line_breaks_is_still_one_label(shifted):
    name = 'a "model"\nof \\ours'
    assert scraped(metrics.exposition(shifted, name, AT).decode())["agro_drift_alarm", name] == 1


def test_the_file_is_named_for_its_model(shifted, tmp_path):
    path = metrics.write(tmp_path, shifted, "recommender", AT)
    assert path.name == "drift-recommender.prom" and path.read_text().endswith("\n")
