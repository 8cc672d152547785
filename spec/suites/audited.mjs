// What vitest runs before each file of the SDK's tests: the clients and servers of their own sources are patched when they are loaded, and every
// operation of them is on record. Nothing of this package goes through vitest's own loader, and nothing of the SDK is loaded here:
// modules that the tests put others in place of must not be there before.
import { appendFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { context, trace } = require('@opentelemetry/api');
const { AsyncLocalStorageContextManager } = require('@opentelemetry/context-async-hooks');
const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base');
const { AuditSpanProcessor, instrumentClient } = require('otel-mcp-log');

const { SUITES_PROPAGATE, SUITES_RECORDS } = process.env;
const sink = {
  name: 'counter',
  emit: (records) => appendFileSync(SUITES_RECORDS, `${records.length}\n`),
};
const processor = new AuditSpanProcessor({
  environment: 'test',
  sink,
  propagate: SUITES_PROPAGATE !== 'false',
});
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [processor] }));
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
// The configuration has each of these sources call it at its end.
globalThis[Symbol.for('suites/class')] = instrumentClient;
