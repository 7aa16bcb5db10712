import base64
import io

import numpy as np
import pytest
from PIL import Image

from models.disease.family import FAMILY
from tests.models.contract import ModelContract

pytestmark = pytest.mark.timeout(900)  # the first test waits for the training


class TestLeafModels(ModelContract):
    """The models come from a process of their own: see `trained`."""

    family = FAMILY
    bad_requests = ({}, {"image_base64": 7}, {"image_base64": "%%%"})

    def pytest_generate_tests(self, metafunc):
        if "algorithm" in metafunc.fixturenames:
            metafunc.parametrize("algorithm", [one.name for one in FAMILY.own], scope="class")

    @pytest.fixture(scope="class")
    def data(self, trained):
        return FAMILY.read(trained.leaves)

    @pytest.fixture(scope="class")
    def fitted(self, trained, algorithm):
        return FAMILY.load(trained.model), trained.report["input_unchanged"]

    @pytest.fixture(scope="class")
    def twin(self, trained, algorithm):
        return FAMILY.load(trained.twin)

    @pytest.fixture(scope="class")
    def evaluated(self, trained):
        return [trained.report["first"], trained.report["again"]]

    @pytest.fixture(scope="class")
    def requests(self, model, data):
        return [case["request"] for case in FAMILY.golden(model, data)]

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
