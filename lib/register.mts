// Entry `otel-mcp-log/register`: `node --import otel-mcp-log/register app.js` audits an application that knows nothing of us.
import nodeModule from 'node:module';
import { auditFromEnvironment } from './setup.js';

auditFromEnvironment(process.env, nodeModule.createRequire(import.meta.url));
