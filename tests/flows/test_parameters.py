"""A person changes algorithm, seed and hyperparameters of a training on Prefect's page, and what is unknown is told."""

import pytest

from flows import prefect_setup
from flows.parameters import changed, hyperparameters
from flows.train import flow_of
from models.errors import BadData
from models.families import family, models
from tests.e2e import pages

pytestmark = pytest.mark.timeout(180)
FLOWS = {model: flow_of(model) for model in models()}


def deployed(client, flow, name):
    from prefect.utilities.callables import parameter_schema

    flow_id = client.create_flow_from_name(flow.name)
    schema = parameter_schema(flow).model_dump_for_openapi()
    return client.create_deployment(flow_id=flow_id, name=name, parameter_openapi_schema=schema)


def test_algorithm_seed_and_hyperparameters_are_changed_in_the_browser(prefect_client, prefect_server):
    flow = FLOWS["recommender"]
    deployment = deployed(prefect_client, flow, "train-recommender")
    with pages.chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{prefect_server.url.removesuffix('/api')}/v2/deployments/deployment/{deployment}/run")
        page.get_by_label("seed").fill("7")
        page.get_by_label("neighbours").fill("50")
        page.get_by_label("algorithm").click()
        page.get_by_role("option", name="collaborative").click()
        page.get_by_role("button", name="Submit").click()
        page.get_by_text("scheduled to start now").wait_for()
    (run,) = [run for run in prefect_client.read_flow_runs() if run.deployment_id == deployment]
    asked = flow.validate_parameters(run.parameters)
    assert asked["algorithm"] == "collaborative"
    assert changed(asked["params"]) == {"seed": 7, "neighbours": 50}


@pytest.mark.parametrize("model", models())
def test_every_hyperparameter_is_offered_with_a_description_and_what_is_unknown_is_told_the_known(model):
    form, found = hyperparameters(family(model)), family(model)
    named = {name for one in found.algorithms.values() for name in one.config.model_fields}
    assert set(form.model_fields) == named
    assert [name for name, field in form.model_fields.items() if not field.description] == []
    assert next(iter(form.model_fields)) == "seed"
    assert changed(form()) == {}
    with pytest.raises(BadData, match=rf"{found.default} has no hyperparameter 'sed'; it has .*\bseed"):
        FLOWS[model].fn(**FLOWS[model].validate_parameters({"params": {"sed": 1}}))


def test_deployments_of_the_former_name_are_removed_and_no_other(prefect_client):
    mine = deployed(prefect_client, FLOWS["recommender"], prefect_setup.FORMER_NAME)
    other = deployed(prefect_client, FLOWS["recommender"], "of-a-person")
    prefect_setup._remove(prefect_setup.FORMER_NAME)
    left = {row.id for row in prefect_client.read_deployments()}
    assert mine not in left
    assert other in left
