"""Puts pitfalls back, one at a time, into a copy of the code: the test that guards each has to go red.

`python -m tests.mutations` does it for all, `python -m tests.mutations P27 P42` for some; all in a temporary folder.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
COPIED = (
    "base",
    "web",
    "agro",
    "flows",
    "models",
    "features",
    "registry",
    "monitoring",
    "bentos",
    "tests",
    "pyproject.toml",
)
NOT_PUT_BACK = {"P12": "a dense matrix of that market would fill the memory of the machine that runs this"}
TIMEOUT_S = 300
RECOMMENDATION = "tests/models/recommendation/test_pitfalls.py::"


class Mutation(NamedTuple):
    """A pitfall put back: `old`, which is in `file` once, becomes `new`, and `test` has to fail."""

    pitfall: str
    file: str
    old: str
    new: str
    test: str


MUTATIONS = (
    Mutation(
        "P13",
        "models/recommendation/collaborative.py",
        "in_deviations(scores, scores[:, self.head])",
        "in_deviations(scores)",
        RECOMMENDATION + "test_nothing_is_shrunk_by_what_was_never_rated",
    ),
    Mutation(
        "P14",
        "models/recommendation/collaborative.py",
        "    if over_users(history.shape, config.largest_side):\n",
        "    __import__('scipy.sparse.linalg').sparse.linalg.svds(history, k=50)\n"
        "    if over_users(history.shape, config.largest_side):\n",
        RECOMMENDATION + "test_tiny_matrices_have_no_rank_to_fail_on",
    ),
    Mutation(
        "P15",
        "models/recommendation/recommender.py",
        "user = self.user_position.get(user_id)",
        "user = int(user_id.rpartition('-')[2])",
        RECOMMENDATION + "test_ids_are_texts_and_travel_with_the_model",
    ),
    Mutation(
        "P16",
        "models/recommendation/recommender.py",
        "        scores[self.history[[user]].indices] = -np.inf\n",
        "",
        RECOMMENDATION + "test_owned_and_excluded_items_never_come_back",
    ),
    Mutation(
        "P16",
        "models/recommendation/recommender.py",
        "for item in exclude if item in self.item_position",
        "for item in exclude if item in ()",
        RECOMMENDATION + "test_owned_and_excluded_items_never_come_back",
    ),
    Mutation(
        "P17",
        "models/recommendation/recommender.py",
        "[dict(r._asdict()) for r in found]",
        "[dict(r._asdict(), confidence=min(100 * r.score, 100)) for r in found]",
        RECOMMENDATION + "test_no_field_of_an_answer_pretends_to_be_a_probability",
    ),
    Mutation(
        "P18",
        "models/recommendation/hybrid.py",
        "self.line[0] + self.line[1] * self.mixed",
        "-np.inf + 0 * self.mixed",
        RECOMMENDATION + "test_content_brings_items_the_collaborative_side_cannot",
    ),
    Mutation(
        "P19",
        "models/forecasting/requests.py",
        "    missing = [name for name in needed if name not in ask.regressors]\n",
        "    zeros = {name: [0.0] * ask.periods for name in needed}\n"
        '    ask = ask.model_copy(update={"regressors": zeros | ask.regressors})\n'
        "    missing = []\n",
        "tests/models/forecasting/test_model.py::test_missing_future_conditions_are_an_error_that_names_them",
    ),
    Mutation(
        "P20",
        "models/forecasting/model.py",
        "ds = self.calendar.after(member.last, member.first, ask.periods)",
        "ds = self.calendar.after(member.first, member.first, ask.periods)",
        "tests/models/forecasting/test_model.py::test_the_first_answer_is_the_first_day_after_training",
    ),
    Mutation(
        "P20",
        "models/forecasting/model.py",
        '"points": _points(ds, forecast)',
        '"points": _points(ds, forecast)[: len(requests.FIELDS)]',
        "tests/models/forecasting/test_model.py::test_there_is_one_answer_for_each_period",
    ),
    Mutation(
        "P21",
        "models/forecasting/intervals.py",
        "n = self.residuals.size\n",
        "n, level = self.residuals.size, 0.8\n",
        "tests/models/forecasting/test_intervals.py::test_the_measured_coverage_is_the_level_asked_for",
    ),
    Mutation(
        "P22",
        "models/forecasting/prophet.py",
        "if order >= 1 and span_days >= 2 * period:",
        "if order >= 1:",
        "tests/models/forecasting/test_prophet.py::"
        "test_seasons_follow_the_sampling_interval_and_the_length_of_the_history",
    ),
    Mutation(
        "P22",
        "models/forecasting/prophet.py",
        "order = min(asked[name], int((period / step_days - 1) // 2))",
        "order = asked[name]",
        "tests/models/forecasting/test_prophet.py::"
        "test_seasons_follow_the_sampling_interval_and_the_length_of_the_history",
    ),
    Mutation(
        "P23",
        "models/forecasting/anomalies.py",
        'table = both.merge(other, on="ds").sort_values("ds")',
        'table = both.reset_index(drop=True).join(other.drop(columns="ds").reset_index(drop=True))',
        "tests/models/forecasting/test_anomalies.py::test_frames_are_matched_by_date_whatever_their_order_and_index",
    ),
    Mutation(
        "P26",
        "models/disease/imaging.py",
        "return Image.open(BytesIO(data), formats=FORMATS)",
        'open(f"{field}.jpg", "wb").write(data); return Image.open(f"{field}.jpg", formats=FORMATS)',
        "tests/models/disease/test_imaging.py::test_an_upload_leaves_no_file_behind",
    ),
    Mutation(
        "P26",
        "web/bodies.py",
        "spool_max_size = 1 << 40",
        "spool_max_size = 1 << 20",
        "tests/bentos/test_endpoint.py::test_an_upload_stays_in_memory_whatever_its_name",
    ),
    Mutation(
        "P27",
        "models/disease/imaging.py",
        "if width * height > limits.max_pixels:",
        "if False:",
        "tests/models/disease/test_imaging.py::test_a_bomb_of_a_hundred_megapixels_is_refused_before_it_is_decoded",
    ),
    Mutation(
        "P27",
        "models/disease/imaging.py",
        "return ImageOps.exif_transpose(image)",
        "return image",
        "tests/models/disease/test_imaging.py::test_a_phone_held_upright_gives_an_upright_picture",
    ),
    Mutation(
        "P28",
        "models/disease/treatments.py",
        "known.labels.get(label) or known.conditions.get(condition(label)) or known.general",
        "known.labels.get(label) or known.general",
        "tests/models/disease/test_treatments.py::test_every_label_has_treatment_prevention_and_a_source",
    ),
    Mutation(
        "P29",
        "models/disease/calibration.py",
        "return float(np.exp(best.x))",
        "return 1.0",
        "tests/models/disease/test_calibration.py::test_temperature_lowers_the_calibration_error_and_changes_no_answer",
    ),
    Mutation(
        "P30",
        "registry/digests.py",
        'SAFE_KINDS = {".json",',
        'SAFE_KINDS = {".pkl", ".json",',
        "tests/registry/test_digests.py::test_a_file_that_can_run_code_is_refused_when_written_and_when_read",
    ),
    Mutation(
        "P31",
        "bentos/predictor.py",
        "return fault().response(REQUEST_ID.get())",
        'return Problem(500, "fault", __import__("traceback").format_exc()).response(REQUEST_ID.get())',
        "tests/bentos/test_predictor.py::test_a_fault_is_ours_and_its_details_stay_in_the_log",
    ),
    Mutation(
        "P32",
        "web/bodies.py",
        "if read > limit:",
        "if read > 100 * limit:",  # a test's endless body would be read for ever without any limit
        "tests/web/test_middleware.py::test_a_chunked_body_is_413_as_soon_as_it_passes_the_limit",
    ),
    Mutation(
        "P32",
        "bentos/predictor.py",
        "threading.BoundedSemaphore(threads)",
        "threading.BoundedSemaphore(1000)",
        "tests/bentos/test_predictor.py::test_work_that_was_given_up_keeps_its_place_until_it_is_done",
    ),
    Mutation(
        "P33",
        "web/limits.py",
        "if self.in_flight >= self.places:",
        "if False:",
        "tests/web/test_middleware.py::test_one_request_too_many_is_503_with_retry_after",
    ),
    Mutation(
        "P34",
        "models/forecasting/requests.py",
        "periods: Whole = Field(14, ge=1, le=MOST_PERIODS,",
        "periods: Whole = Field(14,",
        "tests/bentos/test_questions.py::test_a_forecast_out_of_bounds_names_its_field",
    ),
    Mutation(
        "P34",
        "models/forecasting/requests.py",
        "Amount = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]",
        "Amount = float",
        "tests/bentos/test_questions.py::test_a_forecast_out_of_bounds_names_its_field",
    ),
    Mutation(
        "P35",
        "features/schema/006_daily_product_stats.sql",
        "ORDER BY (slot, product_id, event_type, currency)",
        "ORDER BY (slot, product_id)",
        "tests/features/test_store.py::test_sums_keep_types_and_currencies_apart",
    ),
    Mutation(
        "P37",
        "features/store.py",
        "            return self._client.query_arrow(sql, **given)\n",
        "            for name, value in (params or {}).items():\n"
        '                sql = sql.replace("{" + name + ":String}", f"\'{value}\'")\n'
        "            return self._client.query_arrow(sql, **given)\n",
        "tests/features/test_store.py::test_parameters_are_values_and_never_sql",
    ),
    Mutation(
        "P41",
        "features/privacy.py",
        'f"{parsed}/{24 if parsed.version == 4 else 48}"',
        'f"{parsed}"',
        "tests/features/test_small_parts.py::test_an_address_becomes_its_network",
    ),
    Mutation(
        "P41",
        "features/schema/001_events.sql",
        "    CONSTRAINT ip_is_a_network CHECK ip_prefix = '' OR match(",
        "    CONSTRAINT ip_is_a_network CHECK 1 OR match(",
        "tests/features/test_store.py::test_a_full_ip_address_is_refused",
    ),
    Mutation(
        "P42",
        "features/store.py",
        'fresh = rows.filter(self._is_new(table, rows["event_id"]))',
        "fresh = rows",
        "tests/features/test_store.py::test_batches_that_are_cut_otherwise_or_overlap_add_each_event_once",
    ),
    Mutation(
        "P42",
        "features/turns.py",
        "        if _is_free(store, table, last):\n",
        "        return last.next_turn\n        if _is_free(store, table, last):\n",
        "tests/features/test_turns.py::test_two_processes_that_load_overlapping_files_at_once_leave_each_row_once",
    ),
    Mutation(
        "P43",
        "features/schema/001_events.sql",
        "CONSTRAINT price_has_a_currency CHECK price IS NULL OR currency != ''",
        "CONSTRAINT price_has_a_currency CHECK 1",
        "tests/features/test_store.py::test_a_price_without_a_currency_is_refused",
    ),
    Mutation(
        "P43",
        "features/schema/006_daily_product_stats.sql",
        "toStartOfFifteenMinutes(toDateTime(event_time, 'UTC')) AS slot",
        "toStartOfDay(toDateTime(event_time, 'UTC')) AS slot",
        "tests/features/test_store.py::test_a_day_in_kathmandu_begins_at_quarter_past_six_in_the_evening",
    ),
    Mutation(
        "P51",
        "registry/verdicts.py",
        "if gain.low > 0:\n        return Verdict(",
        "if gain.mid > 0:\n        return Verdict(",
        "tests/registry/test_gate.py::test_a_better_mean_whose_interval_reaches_below_zero_does_not_pass",
    ),
)


def mutated(text: str, mutation: Mutation) -> str | None:
    """The text with the pitfall in it; None where what it changes is not there exactly once."""
    return text.replace(mutation.old, mutation.new) if text.count(mutation.old) == 1 else None


def outcome(tree: Path, *tests: str) -> str:
    """`green`, `red` where a test failed, or `broken` where the tests could not run to an end."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--tb=no", "-p", "no:cacheprovider", *tests]
    env = os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        ran = subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return "broken"
    told = ran.stdout.strip().rpartition("\n")[2]
    if ran.returncode == 0 and "passed" in told:
        return "green"
    return "red" if ran.returncode == 1 and "failed" in told else "broken"


def judge(tree: Path, mutation: Mutation) -> str:
    """What became of a mutation: `red` is what is wanted; the tree is left as it was."""
    path = tree / mutation.file
    whole = path.read_text()
    spoilt = mutated(whole, mutation)
    if spoilt is None:
        return "text gone"
    path.write_text(spoilt)
    try:
        found = outcome(tree, mutation.test)
    finally:
        path.write_text(whole)
    return "survived" if found == "green" else found


def copy_of_the_code(to: Path) -> Path:
    """The rooms and the tests as they are now, changes that nobody committed included."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, to / name)
    return to


def main(wanted: list[str]) -> int:
    """Judge the mutations of the pitfalls asked for, all by default; 0 where every one goes red."""
    if unknown := sorted(set(wanted) - {mutation.pitfall for mutation in MUTATIONS}):
        sys.stderr.write(f"no mutation puts back {', '.join(unknown)}\n")
        return 2
    chosen = [mutation for mutation in MUTATIONS if not wanted or mutation.pitfall in wanted]
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder:
        tree = copy_of_the_code(Path(folder))
        if (before := outcome(tree, *dict.fromkeys(mutation.test for mutation in chosen))) != "green":
            sys.stderr.write(f"the guarding tests are {before} before anything is changed; make them green first\n")
            return 2
        missed = 0
        for mutation in chosen:
            began = time.perf_counter()
            found = judge(tree, mutation)
            missed += found != "red"
            row = (
                f"{mutation.pitfall}  {found:<9} {time.perf_counter() - began:5.1f} s  {mutation.file}  {mutation.test}"
            )
            sys.stdout.write(row + "\n")
            sys.stdout.flush()
    sys.stdout.write(f"{len(chosen) - missed} of {len(chosen)} mutations were seen by their tests\n")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
