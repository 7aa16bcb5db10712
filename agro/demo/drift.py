"""What the monitoring says of a real week after the training data, and of one that was shifted on purpose."""

from pathlib import Path
from typing import Any

from agro import console, runs
from agro.demo.source import Source
from agro.errors import DemoFailed
from base.home import home

WATCHED = "demand-forecaster"
SHIFTED = "known_price_usd"
SIGMA = 1.0


def watch(chosen: Source) -> dict[str, Any]:
    """Check the quiet week, let the last week arrive, check it shifted, and find the mail.

    Raises:
        DemoFailed: The quiet week alarmed, another column than the shifted one did, or no mail came.
    """
    quiet = runs.drift(WATCHED, chosen.quiet_week, [])
    runs.show_drift(quiet, stderr=True)
    for kind, path in chosen.last_week.items():
        runs.run_flow("ingest", f"{kind} arrive", kind=kind, path=str(path), shift_weeks=chosen.shift_weeks)
    before = _mails()
    shifted = runs.drift(WATCHED, chosen.arriving_week, [f"{SHIFTED}:{SIGMA}"])
    runs.show_drift(shifted, stderr=True)
    mails = sorted(_mails() - before)
    _judge(quiet, shifted, mails)
    return {"quiet": quiet, "shifted": shifted, "mail": str(mails[-1])}


def _mails() -> set[Path]:
    return set((home() / "mail").glob("*.eml"))


def _judge(quiet: dict[str, Any], shifted: dict[str, Any], mails: list[Path]) -> None:
    if quiet["alarm"]:
        raise DemoFailed(f"the quiet week raised an alarm: {'; '.join(quiet['reasons'])}")
    if shifted["alarms"] != [SHIFTED]:
        raise DemoFailed(f"the shifted week alarmed on {shifted['alarms'] or 'nothing'} instead of {SHIFTED}")
    if not mails:
        raise DemoFailed(f"no mail arrived in {home() / 'mail'}; is the SMTP server of AGRO_SMTP_HOST the local one?")
    console.say(f"  the mail: {mails[-1]}")
