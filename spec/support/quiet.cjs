// The line that says where records go would stand between the dots of the tests. Those that look at it ask for it.
process.env.OTEL_MCP_LOG_QUIET ??= '1';
