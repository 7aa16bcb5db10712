import ast
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from features import kinds
from flows.prefect_setup import entry_point
from models.families import OWN, models

ROOT = Path(__file__).parent.parent
ROOMS = ("base", "web", "agro", "flows", "models", "features", "registry", "monitoring", "bentos", "rollout")


def tracked():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.split("\n")
    return [ROOT / name for name in listed if name and (ROOT / name).exists()]


def test_no_file_names_a_package_registry():
    hosts = ["pypi" + ".org", "pythonhosted" + ".org", "registry.npmjs" + ".org", "deb.debian" + ".org"]
    texts = ((path, path.read_text(errors="ignore")) for path in tracked() if path.suffix not in {".png", ".jpg"})
    assert [path for path, text in texts if any(host in text for host in hosts)] == []


def test_every_locked_package_has_a_hash():
    for lock in (ROOT / "requirements.lock", ROOT / "bentos" / "requirements.lock"):
        lines = [line for line in lock.read_text().splitlines() if line and not line.lstrip().startswith("#")]
        packages = [line for line in lines if re.match(r"[a-z0-9].*==", line)]
        assert len(packages) > 20
        assert all(line.endswith("\\") for line in packages)


def test_the_serving_lock_brings_no_training_library():
    text = (ROOT / "bentos" / "requirements.lock").read_text()
    for name in ("tensorflow", "mlflow", "prefect", "evidently", "great-expectations"):
        assert not re.search(rf"^{name}(-cpu)?==", text, re.MULTILINE)


def test_nothing_unpickles():
    unsafe = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve"}
    found = []
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                found += [f"{path}: {name}" for name in names if name.split(".")[0] in unsafe]
    assert found == []


def deployments():
    return yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]


def arguments(entrypoint):
    """What the flow takes; every training flow takes what the one that makes them does."""
    file, function = entrypoint.split(":")
    trains = function in {record.flow.replace("-", "_") for record in models().values()}
    tree = ast.parse((ROOT / file).read_text())
    wanted = "training_flow" if trains else function
    (found,) = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == wanted]
    return {argument.arg for argument in found.args.args}


@pytest.mark.parametrize("deployment", deployments(), ids=lambda row: row["entrypoint"])
def test_a_deployment_names_a_flow_that_takes_its_parameters(deployment):
    assert set(deployment["parameters"]) <= arguments(deployment["entrypoint"])
    assert deployment["tags"]
    assert deployment["name"] != "local"
    held_by_model = deployment["name"] == "promote-champion"  # each holds the slot of its model
    assert held_by_model or deployment["concurrency_limit"]["limit"] == 1


HOURLY, DAILY, WEEKLY = r"\d+ \* \* \* \*", r"\d+ \d+ \* \* \*", r"\d+ \d+ \* \* \d"


@pytest.mark.parametrize("record", OWN, ids=lambda record: record.name)
def test_every_model_of_ours_has_a_training_that_runs_as_often_as_its_record_says(record):
    (row,) = [row for row in deployments() if row["entrypoint"] == entry_point(record)]
    assert row["name"] == record.slot
    assert record.name in row["tags"]
    (schedule,) = row["schedules"]
    assert re.fullmatch({1: DAILY, 7: WEEKLY}[record.every_days], schedule["cron"])


def test_the_other_flows_run_as_often_as_they_should():
    cron = {row["entrypoint"].split(":")[1]: row["schedules"][0]["cron"] for row in deployments() if "schedules" in row}
    wanted = {"ingest": HOURLY, "drift": DAILY, "tune": WEEKLY, "predict": DAILY}
    assert [name for name, pattern in wanted.items() if not re.fullmatch(pattern, cron[name])] == []


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (r"\.rename\(|os\.replace|os\.link\(|mkstemp", "base/files.py"),
        (r"environ.*AGRO_HOME|\"AGRO_HOME\"", "base/home.py"),
    ],
    ids=["a file put in its place", "the home folder"],
)
def test_what_stands_once_stands_there(words, place):
    found = {
        str(path.relative_to(ROOT))
        for path in tracked()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in ROOMS and re.search(words, path.read_text())
    }
    assert found == {place}


def words(path):
    """Every string of a module that is no docstring."""
    tree = ast.parse(path.read_text())
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docs = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, documented)}
    found = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return found - docs


def naming(names, *allowed):
    """The modules of our rooms, but those allowed, that know one of these names."""
    modules = [path.relative_to(ROOT) for path in tracked() if path.suffix == ".py"]
    rest = [path for path in modules if path.parts[0] in ROOMS and not str(path).startswith(allowed)]
    return [str(path) for path in rest if words(ROOT / path) & names]


@pytest.mark.parametrize("record", OWN, ids=lambda record: record.name)
def test_a_model_is_described_once(record):
    """What it needs besides is its family, its service, and requests of its own in the demo where it wants some."""
    family = record.module.rpartition(".")[0].replace(".", "/")
    service = f"{record.service.target.partition(':')[0].replace('.', '/')}.py"
    known = naming({record.name, record.flow, record.slot}, "models/families.py", family, service, "agro/demo")
    assert known == []


@pytest.mark.parametrize("kind", kinds.OWN, ids=lambda kind: kind.name)
def test_a_kind_of_data_is_described_once(kind):
    """What it needs besides is the code of its rows, and families that learn from it; the demo has data of its own."""
    code = f"{kind.dataset.partition(':')[0].replace('.', '/')}.py"
    families = ("models/families.py", "models/recommendation", "models/disease", "models/forecasting")
    asked = {kind.name, kind.table, *kind.inputs} - {"items"}  # a word of OpenAPI, too
    assert naming(asked, "features/kinds.py", "features/leaf_folder.py", code, *families, "agro/demo") == []
