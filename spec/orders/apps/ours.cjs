// Auditing set up in code.
require('otel-mcp-log/hook');
const { AuditSpanProcessor, FileSink, McpInstrumentation } = require('otel-mcp-log');

new McpInstrumentation();
new AuditSpanProcessor({ environment: 'orders', sink: new FileSink(process.env.ORDERS_LOG) }).enable();
