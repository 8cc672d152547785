-- One row per record, by its published fields; what is nested (mcp, data, error) stays in the JSONL log.
-- A record may arrive twice, after a lost answer for instance: rows of one record_id are the same record.
CREATE TABLE mcp_audit
(
    record_id String,
    seq UInt64,
    time String,
    at DateTime MATERIALIZED parseDateTimeBestEffort(time),
    duration_ms Float64,
    event_type String,
    outcome String,
    severity String,
    sensitivity String,
    actor_id String,
    component String,
    environment String,
    resource String,
    message String,
    correlation_id String,
    session_id String,
    tenant_id String
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (environment, component, record_id)
