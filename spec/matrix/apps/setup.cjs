const { AuditSpanProcessor, McpInstrumentation } = require('otel-mcp-log');
const { startProvider } = require('./provider.cjs');
const { sink } = require('./sink.cjs');

startProvider([new AuditSpanProcessor({ environment: 'matrix', sink })]);
new McpInstrumentation();
