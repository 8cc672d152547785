/** A line of OpenTelemetry, and what a project of it installs. */
export const OTEL = {
  '2': [
    '@opentelemetry/api@1.9.1',
    '@opentelemetry/sdk-trace-base@2.12.1',
    '@opentelemetry/context-async-hooks@2.12.0',
  ],
  '3': [
    '@opentelemetry/api@1.10.0',
    '@opentelemetry/sdk-trace@3.1.1',
    '@opentelemetry/context-async-hooks@3.1.1',
  ],
} as const;

/** A version of the MCP SDK, what a project of it installs, and the package that holds its client. */
export const SDKS = {
  v1: { install: ['@modelcontextprotocol/sdk@1.32.2'], client: '@modelcontextprotocol/sdk' },
  v2: {
    install: ['@modelcontextprotocol/client@2.4.0', '@modelcontextprotocol/server@2.4.0'],
    client: '@modelcontextprotocol/client',
  },
} as const;

export type OtelLine = keyof typeof OTEL;
export type SdkVersion = keyof typeof SDKS;

/** The columns: OpenTelemetry 3.x needs Node 22.15. */
export const COLUMNS = [
  { node: '20', otel: '2' },
  { node: '22', otel: '2' },
  { node: '22', otel: '3' },
  { node: '24', otel: '2' },
  { node: '24', otel: '3' },
  { node: '26', otel: '2' },
  { node: '26', otel: '3' },
] as const satisfies readonly { node: string; otel: OtelLine }[];

/** One way of loading the SDK: what node is called with, in the project's folder. */
export interface Case {
  readonly modules: 'ESM' | 'CommonJS';
  readonly name: string;
  readonly args: readonly string[];
  /** How many clients of how many copies of the SDK the application runs. Default: 1. */
  readonly clients?: number;
  readonly env?: Readonly<Record<string, string>>;
}

const ZERO_CODE = { OTEL_MCP_LOG_ENVIRONMENT: 'matrix', OTEL_MCP_LOG_SINKS: 'stdout' };

export const CASES: readonly Case[] = [
  { modules: 'ESM', name: 'one copy', args: ['--import', './setup.mjs', 'app.mjs'] },
  {
    modules: 'ESM',
    name: 'nested second copy',
    args: ['--import', './setup.mjs', 'nested.mjs'],
    clients: 2,
  },
  {
    modules: 'ESM',
    name: 'CommonJS dependency loads it',
    args: ['--import', './setup.mjs', 'viaCommonJs.mjs'],
  },
  { modules: 'ESM', name: 'tsx', args: ['--import', 'tsx', '--import', './setup.mjs', 'typed.mts'] },
  { modules: 'ESM', name: 'esbuild bundle', args: ['bundle/app.mjs'] },
  {
    modules: 'ESM',
    name: 'zero code',
    args: ['--import', 'otel-mcp-log/register', '--import', './tracing.mjs', 'app.mjs'],
    env: ZERO_CODE,
  },
  {
    modules: 'ESM',
    name: 'zero code by --require',
    args: ['--require', './tracing.cjs', '--require', 'otel-mcp-log/register', 'app.mjs'],
    env: ZERO_CODE,
  },
  { modules: 'CommonJS', name: 'one copy', args: ['--require', './setup.cjs', 'app.cjs'] },
  {
    modules: 'CommonJS',
    name: 'nested second copy',
    args: ['--require', './setup.cjs', 'nested.cjs'],
    clients: 2,
  },
  { modules: 'CommonJS', name: 'loaded before us', args: ['loadedBefore.cjs'] },
  {
    modules: 'CommonJS',
    name: 'tsx',
    args: ['--require', 'tsx/cjs', '--require', './setup.cjs', 'typed.cts'],
  },
  { modules: 'CommonJS', name: 'esbuild bundle', args: ['bundle/app.cjs'] },
  {
    modules: 'CommonJS',
    name: 'zero code',
    args: ['--require', './tracing.cjs', '--require', 'otel-mcp-log/register', 'app.cjs'],
    env: ZERO_CODE,
  },
  {
    modules: 'CommonJS',
    name: 'zero code by --import',
    args: ['--import', 'otel-mcp-log/register', '--import', './tracing.mjs', 'app.cjs'],
    env: ZERO_CODE,
  },
];
