from features.kinds import Kind
from models.families import RegisteredModel, Service

SOIL = Kind(
    name="soil",
    dataset="own_model.soil:Soil",
    table="soil_samples",
    inputs={"soil": ("soil",)},
    create="""
CREATE TABLE IF NOT EXISTS soil_samples (event_id String, event_time DateTime64(3, 'UTC'),
    ingested_at DateTime64(3, 'UTC'), field_id String, moisture Float64 COMMENT 'per cent',
    PROJECTION event_ids (SELECT event_id ORDER BY event_id))
ENGINE = MergeTree
ORDER BY (field_id, event_time, event_id)
SETTINGS non_replicated_deduplication_window = 10000;
""",
)
MODEL = RegisteredModel(
    name="soil-moisture",
    module="own_model.family",
    kind="own_model:SOIL",
    service=Service("soil-moisture", "own_model.service:SoilMoisture", 3011),
    route="/api/v1/soil-moisture",
    in_advance=True,
    flow="train-soil-moisture",
)
