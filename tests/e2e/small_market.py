"""A small folder of the demo's layout, drawn with known structure, and a way to run a command without network."""

import subprocess
import sys
from pathlib import Path

LOOPBACK_ONLY = """
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:  # raise lo in the new network namespace
    fcntl.ioctl(s, 0x8914, struct.pack("16sh14s", b"lo", 0x1 | 0x40, b""))
os.execvp(sys.argv[1], sys.argv[1:])
"""


def offline(command: list[str]) -> list[str]:
    """The command with loopback alone, where this machine lets one make a network namespace."""
    allowed = subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode == 0
    return ["unshare", "-n", sys.executable, "-c", LOOPBACK_ONLY, *command] if allowed else command


def write(folder: Path, seed: int = 7) -> Path:
    """Purchases with tastes, daily demand with promotions, and drawn leaves, as `agro demo --data` takes them."""
    import pyarrow.csv as csv
    import pyarrow.parquet as pq

    from features import synthetic, synthetic_leaves

    journey, demand = folder / "interactions" / "grocery_journey", folder / "demand"
    journey.mkdir(parents=True)
    demand.mkdir(parents=True)
    market = synthetic.Market(users=210, items=60, days=300, season_days=400, seed=seed)
    pq.write_table(synthetic.purchases(market), journey / "interactions.parquet")
    csv.write_csv(synthetic.items(market), journey / "items.csv")
    harvest = synthetic.Harvest(series=6, days=300, start=market.start, seed=seed)
    csv.write_csv(synthetic.daily_demand(harvest), demand / "grocery_daily.csv")
    synthetic_leaves.draw(folder / "leaves", classes=synthetic_leaves.CLASSES[:4], per_class=40, size=96, seed=seed)
    return folder
