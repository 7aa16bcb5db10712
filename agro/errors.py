"""Errors raised by agro/, and the code the program ends with for each kind; `agro --help` lists the codes."""


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


_UNREACHABLE = {
    "StoreUnreachable",
    "RegistryUnreachable",
    "PrefectUnreachable",
    "MailServerUnreachable",
    "PlatformDown",
    "TargetUnreachable",
}
_ROOTS = {
    "AgroError",
    "BadPackage",
    "DiskFull",
    "FeaturesError",
    "FlowsError",
    "ModelError",
    "MonitoringError",
    "RegistryError",
    "RolloutError",
    "ServingError",
}


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
