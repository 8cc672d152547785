import { AuditSpanProcessor, instrumentClient } from 'otel-mcp-log';
import { exercise } from './exercise.cjs';
import { startProvider } from './provider.cjs';
import * as sdk from './sdk.mjs';
import { sink } from './sink.cjs';

startProvider([new AuditSpanProcessor({ environment: 'matrix', sink })]);
instrumentClient(sdk.Client);
instrumentClient(sdk.McpServer);
exercise(sdk);
