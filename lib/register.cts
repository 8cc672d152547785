// The same for `node --require otel-mcp-log/register app.cjs`.
import { auditFromEnvironment } from './setup.js';

auditFromEnvironment(process.env, require);
