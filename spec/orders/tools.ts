import type { AddressInfo } from 'node:net';

/** A tool that stands beside us in an application, and what a project of it installs. */
export interface Tool {
  /** Its set-up, in `apps/`. */
  readonly app: string;
  readonly install: readonly string[];
  /** Whether its spans are OpenTelemetry's, so that its exporter gets ours as well. */
  readonly exportsOurs: boolean;
  /** The major version of Node.js that it needs, where it is another than the oldest that we support. */
  readonly node?: string;
  readonly env?: (agent: AddressInfo) => Readonly<Record<string, string>>;
}

const API = { '1.9': '@opentelemetry/api@1.9.1', '1.10': '@opentelemetry/api@1.10.0' } as const;

/** The line of `@opentelemetry/api`. */
export type ApiLine = keyof typeof API;

const datadog = ({ port }: AddressInfo) => ({ DD_TRACE_AGENT_URL: `http://127.0.0.1:${port}` });

const newrelic = ({ port }: AddressInfo) => ({
  NEW_RELIC_NO_CONFIG_FILE: 'true',
  NEW_RELIC_APP_NAME: 'orders',
  NEW_RELIC_LICENSE_KEY: '0'.repeat(40),
  NEW_RELIC_LOG_ENABLED: 'false',
  NEW_RELIC_HOST: '127.0.0.1',
  NEW_RELIC_PORT: String(port),
});

/** Which tools there are, by the line of the API that they come with. */
export const TOOLS: Readonly<Record<ApiLine, Readonly<Record<string, Tool>>>> = {
  '1.9': {
    NodeSDK: { app: 'nodeSdk', install: ['@opentelemetry/sdk-node@0.223.0'], exportsOurs: true },
    'auto-instrumentations': {
      app: 'autoInstrumentations',
      install: ['@opentelemetry/sdk-node@0.223.0', '@opentelemetry/auto-instrumentations-node@0.81.2'],
      exportsOurs: true,
    },
    'Sentry 10': { app: 'sentry', install: ['@sentry/node@10'], exportsOurs: true },
    'Sentry 11': { app: 'sentry', install: ['@sentry/node@11.12.0'], exportsOurs: false },
    Datadog: { app: 'datadog', install: ['dd-trace@5.132.0'], exportsOurs: false, env: datadog },
    'New Relic': { app: 'newrelic', install: ['newrelic@13.20.0'], exportsOurs: false, env: newrelic },
    Langfuse: {
      app: 'langfuse',
      install: [
        '@langfuse/otel@5.11.1',
        '@opentelemetry/exporter-trace-otlp-http@0.223.0',
        '@opentelemetry/sdk-node@0.223.0',
        '@opentelemetry/sdk-trace-base@2.12.1',
      ],
      exportsOurs: true,
    },
  },
  '1.10': {
    NodeSDK: { app: 'nodeSdk', install: ['@opentelemetry/sdk-node@0.301.0'], exportsOurs: true, node: '22' },
    'auto-instrumentations': {
      app: 'autoInstrumentations',
      install: [
        '@opentelemetry/sdk-node@0.301.0',
        '@opentelemetry/auto-instrumentations-node@0.82.0',
        '@opentelemetry/core@3',
      ],
      exportsOurs: true,
      node: '22',
    },
    'Sentry 11': { app: 'sentry', install: ['@sentry/node@11.12.0'], exportsOurs: false, node: '22' },
    Datadog: { app: 'datadog', install: ['dd-trace@6.21.0'], exportsOurs: false, node: '22', env: datadog },
    'New Relic': {
      app: 'newrelic',
      install: ['newrelic@14.5.1'],
      exportsOurs: false,
      node: '22',
      env: newrelic,
    },
  },
};

/** What every project installs. */
export const COMMON = (api: ApiLine): readonly string[] => [
  API[api],
  '@modelcontextprotocol/sdk@1.32.2',
  'zod@4.6.7',
];

/** Who is loaded first, and how we are: by the environment alone, or in code. */
export const ORDERS: Readonly<Record<string, (theirs: string, ours: string) => readonly string[]>> = {
  'register, then it': (theirs) => ['otel-mcp-log/register', theirs],
  'it, then register': (theirs) => [theirs, 'otel-mcp-log/register'],
  'our code, then it': (theirs, ours) => [ours, theirs],
  'it, then our code': (theirs, ours) => [theirs, ours],
};
