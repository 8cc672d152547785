// Entry `otel-mcp-log/hook`: lets instrumentations patch ES modules. Load it before the modules that are to be patched:
// `node --import otel-mcp-log/hook app.js`, or as the first import of the file that you `--import` already.
import nodeModule from 'node:module';
import { registerLoaderHook } from './loader/register.js';

registerLoaderHook(nodeModule.createRequire(import.meta.url));
