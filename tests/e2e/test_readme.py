"""Every command of the README, run in its order as it stands, in a checkout whose platform has the demo's data."""

import csv
import os
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text()
MAY_SAY_NO = ("agro train", "agro tune")
"""Commands that end with 1 where the answer is no: on so few rows a version need not pass its gate."""

pytestmark = pytest.mark.timeout(1200)


def commands() -> list[str]:
    """The lines of the block under "How to go on", without their remarks."""
    (block,) = re.findall(r"## How to go on\n+```\n(.*?)```", README, re.DOTALL)
    return [re.sub(r"\s+#.*", "", line) for line in block.strip().splitlines()]


def purchases(path: Path) -> None:
    """A file such as the README speaks of: one's own purchases, the last of them of yesterday."""
    from features.synthetic import Market, purchases

    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=120)
    rows = purchases(Market(users=80, items=60, days=119, start=start, seed=11)).to_pylist()
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["user_id", "item_id", "timestamp"])
        writer.writerows([row["user_id"], row["item_id"], f"{row['timestamp']:%Y-%m-%dT%H:%M:%S}"] for row in rows)


@pytest.fixture(scope="module")
def told(world, platform):
    """Exit code and output of each command, all run by one shell."""
    if not world.alone:
        pytest.skip("the README names default ports, and this machine gives no network of its own to have them free in")
    checkout = world.folder / "checkout"
    checkout.mkdir()
    for path in ROOT.iterdir():
        (checkout / path.name).symlink_to(path)
    purchases(checkout / "my_purchases.csv")
    script = "\n".join(f'{line} >out-{n} 2>&1; echo "$? {n}" >>codes' for n, line in enumerate(commands()))
    threads = {name: value for name, value in os.environ.items() if name.endswith("_THREADS")}
    environment = threads | {"PATH": "/usr/local/bin:/usr/bin:/bin", "AGRO_HOME": str(world.home)}
    environment["HOME"] = str(world.folder)
    subprocess.run(["bash", "-c", script], cwd=checkout, env=environment, timeout=1100, check=False)
    codes = dict(reversed(line.split()) for line in (checkout / "codes").read_text().splitlines())
    return {line: (int(codes[str(n)]), (checkout / f"out-{n}").read_text()) for n, line in enumerate(commands())}


@pytest.mark.parametrize("line", commands())
def test_a_command_of_the_readme_does_what_it_says(told, line):
    code, output = told[line]
    assert code == 0 or (code == 1 and line.startswith(MAY_SAY_NO)), f"{code}: {output[-2000:]}"
    assert "Traceback" not in output
    if line.startswith("curl"):
        assert "recommendations" in output or int(output) > 0
