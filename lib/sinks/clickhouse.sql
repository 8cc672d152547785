-- The table of audit records in ClickHouse, and views that answer what readers of a log ask.
--   clickhouse-client --multiquery < node_modules/otel-mcp-log/dist/clickhouse.sql
-- It runs on ClickHouse 18.16 and later. Rows are what `export --format clickhouse` and HttpSink({ receiver: 'clickhouse' }) write.

-- One row per record. `line` is the record as it was logged, byte for byte; the other columns are for WHERE. What arrives twice, after
-- a lost answer for instance, is one row: read with FINAL, or through the views, which do.
CREATE TABLE IF NOT EXISTS mcp_audit
(
    line String,
    record_id String,
    log_id String,
    log_epoch UInt64,
    seq UInt64,
    time String,
    at DateTime MATERIALIZED parseDateTimeBestEffort(time),
    duration_ms Float64,
    event_type String,
    outcome String,
    severity String,
    sensitivity String,
    actor_id String,
    actor_type String,
    component String,
    environment String,
    resource String,
    message String,
    correlation_id String,
    trace_id String,
    span_id String,
    parent_span_id String,
    session_id String,
    tenant_id String,
    client_id String,
    client_version String,
    server_id String,
    server_version String,
    policy_tags Array(String),
    ocsf_class_uid UInt32,
    ocsf_activity_id UInt32,
    otel_operation_name String,
    stage String,
    operation_id String,
    mcp_method String,
    mcp_tool_name String,
    mcp_tool_fingerprint String,
    mcp_resource_uri String,
    mcp_server_address String,
    mcp_transport String,
    mcp_request_id String,
    mcp_http_status UInt16,
    error_type String,
    error_code String,
    error_message String,
    service_name String,
    service_instance_id String,
    host_name String,
    process_pid UInt64,
    lost_records UInt64,
    tool String,
    old_fingerprint String,
    new_fingerprint String,
    definition String,
    mcp_json String,
    error_json String,
    data_json String,
    otel_resource_json String
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (time, record_id);

-- Was anything lost, and when? A row for each hole in the numbers of a log, with the records before and after it. A process that goes on
-- with a log goes on with its numbers, so a log is counted over its epochs.
CREATE VIEW IF NOT EXISTS mcp_audit_holes AS
SELECT
    log_id,
    tupleElement(hole, 1) AS after_seq,
    tupleElement(hole, 2) AS before_seq,
    tupleElement(hole, 2) - tupleElement(hole, 1) - 1 AS missing,
    tupleElement(hole, 3) AS after_time,
    tupleElement(hole, 4) AS before_time,
    tupleElement(hole, 5) AS after_epoch,
    tupleElement(hole, 6) AS before_epoch
FROM
(
    SELECT
        log_id,
        arrayJoin(arrayFilter(
            pair -> toInt64(tupleElement(pair, 2)) - toInt64(tupleElement(pair, 1)) > 1,
            arrayMap(
                (a, b) -> (tupleElement(a, 2), tupleElement(b, 2), tupleElement(a, 3), tupleElement(b, 3), tupleElement(a, 1), tupleElement(b, 1)),
                arrayPopBack(counted),
                arrayPopFront(counted)
            )
        )) AS hole
    FROM
    (
        SELECT log_id, arraySort(groupArray((log_epoch, seq, time))) AS counted
        FROM mcp_audit FINAL
        WHERE log_id != ''
        GROUP BY log_id
    )
);

-- How many records has each counter, and how many are lost? `admitted` is what gap records say of losses.
CREATE VIEW IF NOT EXISTS mcp_audit_losses AS
SELECT
    log_id,
    any(host_name) AS host,
    any(service_name) AS service,
    count() AS records,
    uniqExact(log_epoch) AS processes,
    min(time) AS first_time,
    max(time) AS last_time,
    max(seq) - min(seq) + 1 - uniqExact(seq) AS missing,
    sum(lost_records) AS admitted
FROM mcp_audit FINAL
WHERE log_id != ''
GROUP BY log_id;

-- Who touched what?
CREATE VIEW IF NOT EXISTS mcp_audit_touched AS
SELECT
    resource,
    server_id,
    actor_id,
    actor_type,
    sensitivity,
    count() AS operations,
    sum(outcome != 'OUTCOME_SUCCESS') AS not_successful,
    min(time) AS first_time,
    max(time) AS last_time
FROM mcp_audit FINAL
WHERE stage != 'request_received' AND NOT (resource LIKE 'audit/%')
GROUP BY resource, server_id, actor_id, actor_type, sensitivity;

-- What changed in tools, what did they say before, and what do they say now?
CREATE VIEW IF NOT EXISTS mcp_audit_tool_changes AS
SELECT time, tool, server_id, actor_id, trace_id, log_id, old_fingerprint, new_fingerprint, said_before, says_now
FROM
(
    SELECT time, tool, server_id, actor_id, trace_id, log_id, old_fingerprint, new_fingerprint, said_before
    FROM
    (
        SELECT time, tool, server_id, actor_id, trace_id, log_id, old_fingerprint, new_fingerprint
        FROM mcp_audit FINAL
        WHERE resource = 'audit/tool-changed'
    )
    ANY LEFT JOIN
    (
        SELECT new_fingerprint AS old_fingerprint, any(definition) AS said_before
        FROM mcp_audit WHERE resource = 'audit/tool-definition' GROUP BY old_fingerprint
    ) USING old_fingerprint
)
ANY LEFT JOIN
(
    SELECT new_fingerprint, any(definition) AS says_now
    FROM mcp_audit WHERE resource = 'audit/tool-definition' GROUP BY new_fingerprint
) USING new_fingerprint;

-- Which processes took part in a trace, and in which order?
CREATE VIEW IF NOT EXISTS mcp_audit_traces AS
SELECT trace_id, time, service_name, host_name, process_pid, actor_id, resource, server_id, outcome, error_type, duration_ms, span_id, parent_span_id
FROM mcp_audit FINAL;
