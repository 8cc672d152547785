-- The table of PostgresSink, and who may do what with it. Run it once, as a role that may create roles:
--   psql -v ON_ERROR_STOP=1 -f node_modules/otel-mcp-log/dist/postgres.sql
-- It may be run again: what is there stays.

CREATE TABLE IF NOT EXISTS mcp_audit (
  record_id        uuid PRIMARY KEY,
  seq              bigint NOT NULL,
  time             timestamptz NOT NULL,
  duration_ms      double precision NOT NULL,
  event_type       text NOT NULL,
  outcome          text NOT NULL,
  severity         text NOT NULL,
  sensitivity      text NOT NULL,
  actor_id         text NOT NULL,
  actor_type       text NOT NULL,
  component        text NOT NULL,
  environment      text NOT NULL,
  resource         text NOT NULL,
  session_id       text NOT NULL,
  trace_id         text NOT NULL,
  tenant_id        text,
  server_id        text,
  -- The line that a file would hold, byte for byte: `json` keeps its text, where `jsonb` would not.
  record           json NOT NULL,
  received_at      timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX IF NOT EXISTS mcp_audit_time ON mcp_audit (time);
CREATE INDEX IF NOT EXISTS mcp_audit_actor ON mcp_audit (actor_id, time);
CREATE INDEX IF NOT EXISTS mcp_audit_trace ON mcp_audit (trace_id);

-- Append-only: the role of the sink may insert and nothing else, not even read; readers may read. Whoever owns the table may still
-- alter it, so let nobody log in as its owner. Grant the roles to the users that log in:
--   GRANT mcp_audit_writer TO agent; GRANT mcp_audit_reader TO auditor;
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mcp_audit_writer') THEN CREATE ROLE mcp_audit_writer NOLOGIN; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mcp_audit_reader') THEN CREATE ROLE mcp_audit_reader NOLOGIN; END IF;
END
$$;
REVOKE ALL ON mcp_audit FROM PUBLIC;
GRANT INSERT ON mcp_audit TO mcp_audit_writer;
GRANT SELECT ON mcp_audit TO mcp_audit_reader;
