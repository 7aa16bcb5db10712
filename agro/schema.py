"""The store's schema, brought up to date where the local platform starts."""

from collections.abc import Callable


def bring_up(tell: Callable[[str], None]) -> None:
    """Do what `agro migrate` does; a retention shorter than the store's is told, and left as it is."""
    from features.errors import WouldDelete
    from features.store import Store

    with Store.connect() as store:
        try:
            for done in store.migrate():
                tell(done)
        except WouldDelete as exc:
            tell(str(exc))
