// Entry `otel-mcp-log/hook`: lets instrumentations patch ES modules. Load it before the modules that are to be patched:
// `node --import otel-mcp-log/hook app.js`, or as the first import of the file that you `--import` already.
import { createRequire } from 'node:module';
import { registerLoaderHook } from './loader/register.js';

registerLoaderHook(createRequire(import.meta.url));
