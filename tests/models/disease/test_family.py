"""The leaf family end to end on a tiny model, trained in a process of its own; here there is no TensorFlow."""

import base64
import io
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from features.synthetic_leaves import background, draw
from models.disease.evaluate import divided
from models.disease.family import FAMILY as family
from models.disease.treatments import advice
from models.errors import BadData, BadImage, BadRequest, CorruptArtifact, UnknownAlgorithm
from models.evaluation import Evaluation
from models.families import family as by_name
from tests.models.contract import ModelContract

pytestmark = pytest.mark.timeout(900)  # the first test waits for the training; a busy machine is slow

REPOSITORY = Path(__file__).parents[3]
METRICS = {"accuracy", "macro_f1", "ece", "accuracy_at_90_coverage", "condition_accuracy", "rejected"}


@pytest.fixture(scope="module")
def model(trained):
    return family.load(trained.model)


@pytest.fixture(scope="module")
def data(trained):
    return family.read(trained.leaves)


@pytest.fixture
def damaged(trained, tmp_path) -> Path:
    return Path(shutil.copytree(trained.model, tmp_path / "model"))


def numbers(report: dict) -> dict:
    return {key: report[key] for key in ("metrics", "baselines", "n", "beats", "slices", "notes")}


class TestLeafModels(ModelContract):
    """The models come from a process of their own: see `trained`."""

    family = family
    bad_requests = ({}, {"image_base64": 7}, {"image_base64": "%%%"})

    def pytest_generate_tests(self, metafunc):
        if "algorithm" in metafunc.fixturenames:
            metafunc.parametrize("algorithm", [one.name for one in family.own], scope="class")

    @pytest.fixture(scope="class")
    def data(self, trained):
        return family.read(trained.leaves)

    @pytest.fixture(scope="class")
    def fitted(self, trained, algorithm):
        return family.load(trained.model), trained.report["input_unchanged"]

    @pytest.fixture(scope="class")
    def twin(self, trained, algorithm):
        return family.load(trained.twin)

    @pytest.fixture(scope="class")
    def evaluated(self, trained):
        return [trained.report["first"], trained.report["again"]]

    @pytest.fixture(scope="class")
    def requests(self, model, data):
        return [case["request"] for case in family.golden(model, data)]

    @pytest.fixture(scope="class")
    def stranger(self):
        noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        out = io.BytesIO()
        Image.fromarray(noise).save(out, "PNG")
        return {"image_base64": base64.b64encode(out.getvalue()).decode()}

    def one_row(self, data):
        return data.take(np.array([0])).all_train()

    test_rows_that_say_nothing_change_nothing = None
    """A photograph is there or not."""

    def nothing(self, data):
        return data.take(np.zeros(len(data), bool))


def test_the_family_has_every_verb():
    leaf = by_name("leaf-disease")
    assert (leaf.name, tuple(leaf.algorithms), leaf.default) == ("leaf-disease", ("cnn",), "cnn")
    assert (leaf.primary, leaf.better) == ("accuracy", "higher")


def test_two_equal_recipes_and_the_refit_cost_one_training(trained):
    assert numbers(trained.report["first"]) == numbers(trained.report["second"])
    assert trained.report["refit_seconds"] < 1
    epochs = [what for _, what in trained.report["told"] if "recipe 2" in what]
    assert epochs == []


def test_training_leaves_its_input_and_the_working_directory_alone(trained):
    """Guards P29."""
    assert trained.report["input_unchanged"]
    assert trained.report["cwd"] == []


def test_tensorflow_is_imported_by_training_alone(trained, model, data):
    family.evaluate_model(model, data)
    assert trained.report["imported_before_training"] == []
    assert "tensorflow" not in sys.modules and "keras" not in sys.modules


def test_progress_grows_and_tells_the_epoch(trained):
    shares = [share for share, _ in trained.report["told"]]
    assert shares == sorted(shares) and "epoch 1 of 4" in trained.report["told"][0][1]


def test_one_training_step_of_every_architecture_stays_finite(trained):
    assert np.isfinite(trained.report["step_loss"])


def test_no_architecture_has_the_convolution_that_corrupts_memory(trained):
    assert trained.report["strided_pointwise"] == []
    assert trained.report["strided_pointwise_found"] == ["shortcut"]


def test_the_network_pools_instead_of_flattening(trained):
    """Guards P29."""
    assert "GlobalAveragePooling2D" in trained.report["layers"] and "Flatten" not in trained.report["layers"]
    assert trained.report["weights"] < 600_000 and trained.report["largest_layer"] < 200_000


def test_onnx_says_what_keras_says(trained):
    """Guards P29."""
    assert trained.report["onnx_differs"] < 1e-4


def test_a_version_is_onnx_and_json_with_the_keras_file_set_apart(trained):
    """Guards P29."""
    files = {str(file.relative_to(trained.model)) for file in trained.model.rglob("*") if file.is_file()}
    serving = {"model.json", "model.onnx", "labels.json", "reference.npz"}
    assert files == serving | {"training/model.keras", "training/history.json"}


def test_a_version_serves_without_what_training_left(trained, damaged):
    shutil.rmtree(damaged / "training")
    path, answer = next(iter(trained.report["answers"].items()))
    assert family.load(damaged).answer_image(Path(path).read_bytes()) == answer


def test_saved_and_loaded_the_answers_are_the_same(trained, model, data, tmp_path):
    for path, answer in trained.report["answers"].items():
        assert model.answer_image(Path(path).read_bytes()) == answer
    model.save(tmp_path / "copy")
    copy = family.load(tmp_path / "copy").predict(data.pixels(model.side)).probabilities
    assert (copy == model.predict(data.pixels(model.side)).probabilities).all()


def test_offline_and_online_answers_are_equal(model, data):
    together = model.predict(data.pixels(model.side))
    for row in range(0, len(data), 20):
        online = model.answer_image(Path(data.frame["path"][row]).read_bytes())
        assert online["confidence"] == round(float(together.confidence[row]), 6)
        assert online["top_predictions"][0]["label"] == model.names[together.best[row]]


def test_an_evaluation_has_the_protocols_metrics_and_baselines(trained, data):
    """Guards P51."""
    report = trained.report["first"]
    assert set(report["metrics"]) == METRICS
    assert set(report["baselines"]) == {"majority", "mean_colour"}
    assert report["n"] == len(data.part("held_out")) and report["protocol"]["train"] == len(data.part("train"))
    assert report["baselines"]["majority"]["accuracy"] == pytest.approx(
        np.mean(data.part("held_out").labels == "bean__healthy"), abs=0.35
    )
    json.dumps(report, allow_nan=False)


def test_the_held_out_images_are_judged_again_from_the_saved_version(trained, model, data):
    again = family.evaluate_model(model, data.part("held_out"))
    assert again.metrics == trained.report["first"]["metrics"]
    assert again.unit_scores.keys() == {"cnn", "majority", "mean_colour"}
    assert again.unit_scores["cnn"].mean() == again.metrics["accuracy"]


def test_a_label_the_model_does_not_know_is_judged_by_condition(model, tmp_path):
    draw(tmp_path / "bean__powdery_mildew", ["bean__powdery_mildew"], per_class=12, size=64)
    data = family.read(tmp_path / "bean__powdery_mildew")
    evaluation = family.evaluate_model(model, data)
    assert evaluation.metrics["accuracy"] == evaluation.metrics["condition_accuracy"]
    assert evaluation.protocol["unknown_labels"] == ["bean__powdery_mildew"]


def test_labels_and_their_order_come_from_the_version_itself(damaged, data):
    """Guards P28."""
    labels = json.loads((damaged / "labels.json").read_text())
    labels[0]["label"] = "mango__rust"
    (damaged / "labels.json").write_text(json.dumps(labels))
    model = family.load(damaged)
    assert model.names[0] == "mango__rust"
    top = model.answer_image(Path(data.frame["path"][0]).read_bytes())["top_predictions"]
    assert "mango__rust" in {entry["label"] for entry in top}
    (damaged / "labels.json").write_text(json.dumps(labels[1:]))
    with pytest.raises(CorruptArtifact, match="disagree"):
        family.load(damaged)


def test_an_answer_has_the_endpoints_fields_and_the_labels_advice(model, data):
    """Guards P28."""
    for path in data.frame["path"][:12]:
        answer = model.answer_image(Path(path).read_bytes())
        assert list(answer) == "predicted_disease confidence top_predictions treatment prevention source".split()
        given = advice(answer["predicted_disease"])
        assert (answer["treatment"], answer["source"]) == (given.treatment, given.source)
        assert 0 <= answer["confidence"] <= 1 and answer["confidence"] == answer["top_predictions"][0]["probability"]
        json.dumps(answer, allow_nan=False)


def test_what_is_no_leaf_is_answered_with_unsure(model):
    """Guards P28."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (8, model.side, model.side, 3), dtype=np.uint8)
    stripes = np.tile((np.arange(model.side) // 4 % 2 * 255).astype(np.uint8)[None, :, None], (model.side, 1, 3))[None]
    assert model.unsure(model.predict(noise)).all() and model.unsure(model.predict(stripes)).all()


def test_leaves_are_rarely_turned_away(model, data):
    assert model.unsure(model.predict(data.pixels(model.side))).mean() < 0.35


def test_confidence_is_calibrated_on_images_that_training_has_not_seen(trained):
    """Guards P29."""
    protocol = trained.report["first"]["protocol"]
    assert protocol["temperature"] != 1.0 and protocol["validation"] > 0 and protocol["ece_bins"] == 15


def test_golden_requests_replay(model, data):
    golden = family.golden(model, data)
    assert 3 <= len(golden) <= 5
    for case in golden:
        assert len(case["request"]["image_base64"]) < 20_000
        assert model.answer(json.loads(json.dumps(case["request"]))) == case["answer"]


@pytest.mark.parametrize(
    ("request_", "error", "told"),
    [
        ({}, BadRequest, "send a photograph"),
        ({"image_base64": 7}, BadRequest, "send a photograph"),
        ({"image_base64": "%%%"}, BadImage, "not base64"),
        ({"image_base64": base64.b64encode(b"hello").decode()}, BadImage, "not one of JPEG"),
        ({"image_base64": ""}, BadImage, "empty"),
    ],
)
def test_a_bad_request_names_the_field_and_the_remedy(model, request_, error, told):
    with pytest.raises(error, match=told) as caught:
        model.answer(request_)
    assert caught.value.field == "image_base64"


@pytest.mark.parametrize("name", ["model.json", "model.onnx", "labels.json", "reference.npz"])
def test_a_missing_or_damaged_file_is_a_corrupt_artifact(damaged, name):
    (damaged / name).write_bytes((damaged / name).read_bytes()[:40])
    with pytest.raises(CorruptArtifact):
        family.load(damaged)
    (damaged / name).unlink()
    with pytest.raises(CorruptArtifact, match=name):
        family.load(damaged)


def test_another_format_is_refused(damaged):
    said = json.loads((damaged / "model.json").read_text())
    (damaged / "model.json").write_text(json.dumps({**said, "format": 99}))
    with pytest.raises(CorruptArtifact, match="format 99"):
        family.load(damaged)


def test_the_pictures_are_drawn(model, data):
    evaluation = family.evaluate_model(model, data.part("held_out"))
    figures = family.pictures(evaluation, model)
    assert set(figures) == {"confusion_matrix.png", "reliability.png", "learning_curve.png", "sample_predictions.png"}
    plain = Evaluation(**{field: getattr(evaluation, field) for field in Evaluation.__dataclass_fields__})
    assert len(family.pictures(plain, model)) == 3


def test_an_answer_takes_a_few_milliseconds(model, data):
    photograph = Path(data.frame["path"][0]).read_bytes()
    model.answer_image(photograph)
    seconds = []
    for _ in range(60):
        began = time.process_time()
        model.answer_image(photograph)
        seconds.append(time.process_time() - began)
    assert np.quantile(seconds, 0.95) < 0.015


def test_a_recipe_writes_its_defaults_out_and_refuses_what_it_does_not_know():
    recipe = family.default_recipe("cnn", epochs=3)
    assert recipe.params["epochs"] == 3 and recipe.params["seed"] == 0 and "learning_rate" in recipe.params
    with pytest.raises(UnknownAlgorithm, match="choose one of cnn"):
        family.default_recipe("resnet")
    with pytest.raises(BadData, match="cnn has no hyperparameter 'epoch_count'; it has resolution, epochs"):
        family.default_recipe("cnn", epoch_count=3)


def test_too_little_to_learn_or_to_test_is_said_before_anything_is_trained(tmp_path, data):
    draw(tmp_path / "one", ["corn__rust"], per_class=12, size=64)
    one = family.read(tmp_path / "one")
    with pytest.raises(BadData, match="1 class to learn"):
        family.fit(one, family.default_recipe("cnn"))
    with pytest.raises(BadData, match="0 to test on"):
        family.evaluate(data.all_train(), [family.default_recipe("cnn")])
    with pytest.raises(BadData, match="0 images to train"):
        family.evaluate(data, [family.default_recipe("cnn")], protocol={"train": data})


def test_a_background_without_a_leaf_can_be_judged(model):
    picture = (np.clip(background(model.side, np.random.default_rng(2)), 0, 1) * 255).astype(np.uint8)
    assert model.predict(picture[None]).probabilities.sum() == pytest.approx(1)


def test_a_training_folder_teaches_with_all_its_images_but_those_that_are_tested(data, trained):
    tested = data.take(np.arange(10))
    train, test, name = divided(tested, {"train": str(trained.leaves)})
    assert name == "train-folder" and len(test) == 10 and len(train) == len(data) - 10
    assert set(train.frame["split"]) == {"train"} and not set(train.image_ids) & set(test.image_ids)


def test_held_out_images_are_never_trained_on(data):
    train, test, name = divided(data, {})
    assert name == "held-out" and set(test.frame["split"]) == {"held_out"}
    assert not set(train.image_ids) & set(test.image_ids) and len(train) + len(test) == len(data)


@pytest.mark.slow
def test_the_default_network_learns_the_drawn_leaves(tmp_path):
    code = (
        "import sys; from pathlib import Path; from features.synthetic_leaves import draw; "
        "from models.disease.family import FAMILY as family; folder = Path(sys.argv[1]); draw(folder); "
        "data = family.read(folder); "
        "print(family.evaluate(data, [family.default_recipe('cnn')])[0].metrics['accuracy'])"
    )
    run = [sys.executable, "-c", code, str(tmp_path / "drawn")]
    said = subprocess.run(run, capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert float(said.stdout.split()[-1]) > 0.85
