"""Serving: one BentoML service a file, the packaging of a promoted version, and what is deployed where."""

import os

for _name, _value in {"DO_NOT_TRACK": "true", "BENTOML_DO_NOT_TRACK": "True"}.items():
    os.environ.setdefault(_name, _value)
