"""Errors raised by agro/, and the exit code each kind of error ends the program with."""


class AgroError(Exception):
    """Root of every error raised by agro/."""


class PortTaken(AgroError):
    """A port the platform needs is in use."""


class PlatformFailed(AgroError):
    """A program of the local platform did not start."""


class PlatformDown(AgroError):
    """No local platform runs here."""


class DemoFailed(AgroError):
    """A step of the demo did not do what it must."""


EXIT_CODES = {
    "ok": 0,
    "the answer is no (gate failed, drift with --fail-on-alarm, trouble found)": 1,
    "bad input": 2,
    "a service does not answer": 3,
    "a data contract is violated": 4,
    "interrupted": 130,
    "a fault of ours": 70,
}

_UNREACHABLE = {
    "StoreUnreachable",
    "RegistryUnreachable",
    "PrefectUnreachable",
    "MailServerUnreachable",
    "PlatformDown",
}
_ROOTS = {"AgroError", "FlowsError", "FeaturesError", "ModelError", "RegistryError", "ServingError", "MonitoringError"}


def exit_code(exc: BaseException) -> int:
    """The exit code for an error; 70 where it is none that a room raises on purpose.

    The classes are told by name, so that asking imports no room.
    """
    names = {cls.__name__ for cls in type(exc).__mro__}
    if "ContractViolation" in names:
        return 4
    if names & _UNREACHABLE:
        return 3
    if names & _ROOTS or "ValidationError" in names:
        return 2
    return 70
