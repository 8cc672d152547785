// Entry `otel-mcp-log/register`: `node --import otel-mcp-log/register app.js` audits an application that knows nothing of us.
import { createRequire } from 'node:module';
import { auditFromEnvironment } from './setup.js';

auditFromEnvironment(process.env, createRequire(import.meta.url));
