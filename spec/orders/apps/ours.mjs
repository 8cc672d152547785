// Auditing set up in code.
import 'otel-mcp-log/hook';
import { AuditSpanProcessor, FileSink, McpInstrumentation } from 'otel-mcp-log';

new McpInstrumentation();
new AuditSpanProcessor({ environment: 'orders', sink: new FileSink(process.env.ORDERS_LOG) }).enable();
