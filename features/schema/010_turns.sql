-- Whose turn it is to add rows to a table. One insert of a step takes effect, since its token is the step's: of those
-- who take a turn at the same moment one has it, wherever they are. Rows that a later step replaces go when parts merge.

CREATE TABLE IF NOT EXISTS turns
(
    name String COMMENT 'the table that is written to',
    step UInt64 COMMENT 'a turn has four: 0 it is taken, 1 its writer left it and a statement may run, 2 it is over',
    writer String COMMENT 'machine, process, start of the process, a draw',
    at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(step)
ORDER BY name
SETTINGS non_replicated_deduplication_window = 10000;

INSERT INTO turns (name, step, writer)
SELECT DISTINCT table, 2, '' FROM system.columns WHERE database = currentDatabase() AND name = 'event_id';
