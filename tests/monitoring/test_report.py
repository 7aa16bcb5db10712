import numpy as np
import pytest

from monitoring import report
from monitoring.drift import assess
from monitoring.settings import DriftSettings


@pytest.fixture(scope="module")
def page(market, tmp_path_factory):
    reference, week = market
    week = week.assign(price=week["price"] + 2.0)
    path = tmp_path_factory.mktemp("reports") / "drift.html"
    settings = DriftSettings(report_rows=400)
    result = assess(reference, week, settings)
    report.write(path, result, reference, week, title="recommender, <last> week", settings=settings)
    return path.read_text()


def test_the_verdict_with_its_reasons_stands_above_the_charts(page):
    verdict, charts = page.partition("<body>")[2].split("</section>", 1)
    assert "Drift in price." in verdict and 'id="root_metric_' in charts
    assert "<li>price moved up by " in page


def test_the_page_says_what_the_charts_were_drawn_from(page):
    assert "a random sample of 400 reference rows and 400 rows of the week" in page


def test_names_from_outside_cannot_become_markup(page):
    assert "recommender, &lt;last&gt; week" in page and "<last>" not in page


def test_the_page_needs_no_network(page):
    assert '<script src="http' not in page and '<link href="http' not in page and "fonts.googleapis" not in page


def test_a_column_without_values_and_a_week_without_rows_are_reported_all_the_same(market, tmp_path):
    reference, week = market
    empty = week.iloc[:0]
    path = report.write(tmp_path / "a.html", assess(reference, empty), reference, empty, title="no rows")
    assert "no rows came at all" in path.read_text()
    bare = week.assign(price=np.nan)
    path = report.write(tmp_path / "b.html", assess(reference, bare), reference, bare, title="no prices")
    assert "price has no values at all" in path.read_text()
