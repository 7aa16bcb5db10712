from typing import ClassVar

from features import checks
from features.dataset import Dataset
from features.rules import between


class Soil(Dataset):
    """Samples of the moisture of fields, in per cent."""

    columns: ClassVar = {"field_id": checks.identifier, "moisture": checks.number}

    def rules_of_rows(self, limits):
        return (*super().rules_of_rows(limits), between("is from 0 to 100", "moisture", 0, 100))
