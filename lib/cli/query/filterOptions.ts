import type { OptionValues } from '../shared/define.js';

/** The options by which `query`, `tail`, `report` and `export` choose records. */
export const FILTER_OPTIONS = {
  since: {
    type: 'string',
    value: 'TIME',
    help: "records from this time on: an age ('2h', '7d'), a day or a time (UTC)",
  },
  until: { type: 'string', value: 'TIME', help: 'records before this time; a day counts to its end' },
  actor: {
    type: 'string',
    multiple: true,
    value: 'ID',
    help: "who acted; '*' and '?' are wildcards here and below",
  },
  tool: { type: 'string', multiple: true, value: 'NAME', help: 'the tool that was called' },
  server: { type: 'string', multiple: true, value: 'NAME', help: 'the server, by its name or address' },
  resource: {
    type: 'string',
    multiple: true,
    value: 'NAME',
    help: "what was touched: 'tools/*', 'file:///srv/*'",
  },
  outcome: {
    type: 'string',
    multiple: true,
    value: 'WORD',
    help: 'success, failure (error, denied and unauthorized), error, denied,\nunauthorized, partial, unknown',
  },
  event: {
    type: 'string',
    multiple: true,
    value: 'TYPE',
    help: "the schema's event type: tool_invocation, login, …",
  },
  severity: {
    type: 'string',
    value: 'LEVEL',
    help: 'this severity or a graver one: info, warning, error, …',
  },
  trace: { type: 'string', multiple: true, value: 'ID', help: 'the trace (correlation) id' },
  session: { type: 'string', multiple: true, value: 'ID', help: 'the session id' },
  tenant: { type: 'string', multiple: true, value: 'ID', help: 'the tenant' },
  environment: { type: 'string', multiple: true, value: 'NAME', help: 'the environment' },
  component: { type: 'string', multiple: true, value: 'NAME', help: 'the component' },
  id: { type: 'string', multiple: true, value: 'ID', help: 'the record id' },
  contains: {
    type: 'string',
    multiple: true,
    value: 'TEXT',
    help: 'the record holds this text, in any field',
  },
  gaps: { type: 'boolean', help: 'what is missing: gap records, operations without a known outcome' },
} as const;

/** The values of {@link FILTER_OPTIONS}. */
export type FilterOptions = OptionValues<typeof FILTER_OPTIONS>;
