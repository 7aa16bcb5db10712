"""The `agro` command: one function per subcommand lives in agro/commands/."""

import logging
import os
import sys
from pathlib import Path

import typer

from agro.commands import batch, data, demo, migrate, models, platform, quarantine, rollout, serving, watch
from agro.errors import exit_code
from base.home import home

app = typer.Typer(
    name="agro",
    help="Events to features to models to endpoints and back, for an agricultural marketplace.",
    epilog="Exit codes: 0 done, 1 the answer is no, 2 bad input, 3 a service does not answer, "
    "4 a data contract is violated, 70 a fault of ours.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

for commands in (platform, migrate, data, quarantine, models, serving, rollout, batch, watch, demo):
    commands.register(app)


def main() -> None:
    """Run the command line; errors a room raises on purpose end in one line and a telling exit code."""
    try:
        app()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; what was loaded or logged so far is kept\n")
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as exc:
        sys.exit(_explain(exc))


def _explain(exc: Exception) -> int:
    code = exit_code(exc)
    if code != 70:
        sys.stderr.write(f"agro: {_one_line(exc)}\n")
    elif isinstance(exc, OSError) and exc.errno is not None:
        where = f" ({exc.filename})" if exc.filename else ""
        sys.stderr.write(f"agro: {exc.strerror}{where}; free some space or mend the path, then run it again\n")
        return 2
    else:
        sys.stderr.write(f"agro: a fault of ours: {type(exc).__name__}; details: {_write_details()}\n")
    return code


def _one_line(exc: Exception) -> str:
    if type(exc).__name__ == "ValidationError" and hasattr(exc, "errors"):
        return "; ".join(f"{'.'.join(map(str, row['loc']))}: {row['msg']}" for row in exc.errors())
    return str(exc)


def _write_details() -> Path:
    path = home("log", "agro.log")
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("agro")
    logger.propagate = False
    logger.addHandler(handler)
    logger.exception("the command line ended in a fault: %s", sys.argv[1:])
    return path


if __name__ == "__main__":
    main()
