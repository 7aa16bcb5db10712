"""MLflow's own authentication: what its application is told, and how our programs log in."""

import os

from base.files import write_whole
from base.home import secret
from registry.settings import MLflowSettings

ADMIN = "admin"
"""The account that is made at the first start; it may do everything."""


def configure(settings: MLflowSettings) -> None:
    """Tell MLflow's application, before it is imported, where it keeps accounts and who is the first."""
    path = settings.home / "auth.ini"
    store = settings.auth_store.get_secret_value() or f"sqlite:///{settings.home.absolute() / 'auth.db'}"
    told = {"default_permission": "EDIT", "database_uri": store, "admin_username": ADMIN}
    told["auth_cache_ttl_seconds"] = "60"  # else each request costs a slow hash; a changed password counts at once
    write_whole(path, "\n".join(["[mlflow]", *(f"{name} = {value}" for name, value in told.items())]).encode())
    os.environ["MLFLOW_AUTH_CONFIG_PATH"] = str(path)
    os.environ["MLFLOW_AUTH_ADMIN_PASSWORD"] = settings.admin_password.get_secret_value()
    os.environ.setdefault("MLFLOW_FLASK_SERVER_SECRET_KEY", secret("mlflow-forms"))


def log_in(settings: MLflowSettings) -> None:
    """Let this process ask as the platform's own account, unless its environment names another."""
    if settings.auth and "MLFLOW_TRACKING_USERNAME" not in os.environ:
        os.environ["MLFLOW_TRACKING_USERNAME"] = ADMIN
        os.environ["MLFLOW_TRACKING_PASSWORD"] = settings.admin_password.get_secret_value()
