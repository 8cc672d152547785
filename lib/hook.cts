// The same for `node --require otel-mcp-log/hook app.js`.
import { registerLoaderHook } from './loader/register.js';

registerLoaderHook(require);
