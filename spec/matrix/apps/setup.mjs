import 'otel-mcp-log/hook';
import { AuditSpanProcessor, McpInstrumentation } from 'otel-mcp-log';
import { startProvider } from './provider.cjs';
import { sink } from './sink.cjs';

startProvider([new AuditSpanProcessor({ environment: 'matrix', sink })]);
new McpInstrumentation();
