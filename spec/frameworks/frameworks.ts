/** One process of a framework, and what it asks of the server. */
export interface Process {
  /** What node is called with, in the project's folder. */
  readonly args: readonly string[];
  /** The tools that it calls, and how each call ends. */
  readonly calls: Readonly<Record<string, 'OUTCOME_SUCCESS' | 'OUTCOME_FAILURE_ERROR'>>;
}

/** A framework that connects to MCP servers, and the smallest program of it. */
export interface Framework {
  /** The packages that are installed, each at its newest; the first is the framework. */
  readonly install: readonly string[];
  readonly processes: readonly Process[];
  /** How often it asks for the list of tools; `any` where that depends on what the server announces when. Default: once. */
  readonly lists?: number | 'any';
  /** Resources on record of which it is not the program that asks, but the framework or the server. */
  readonly besides?: readonly string[];
  /** Variables without which its output has times in it. */
  readonly env?: Readonly<Record<string, string>>;
}

const ECHO = { echo: 'OUTCOME_SUCCESS' } as const;
const REFUSED = { 'get-resource-reference': 'OUTCOME_FAILURE_ERROR' } as const;

/** Where the protocol's test server lies, seen from each project. */
const SERVER = '../server/node_modules/@modelcontextprotocol/server-everything/dist/index.js';

function program(name: string): readonly Process[] {
  return [{ args: [`${name}.mjs`, SERVER], calls: { ...ECHO, ...REFUSED } }];
}

/** Its command line does one thing for each process. */
const INSPECTOR = [
  'node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js',
  ...['--cli', 'node', SERVER, 'stdio', '--method'],
];

export const FRAMEWORKS: Readonly<Record<string, Framework>> = {
  langchain: {
    install: ['@langchain/mcp-adapters', '@langchain/core'],
    processes: program('langchain'),
  },
  'openai-agents': { install: ['@openai/agents', 'zod'], processes: program('openai-agents') },
  mastra: { install: ['@mastra/mcp', '@mastra/core', 'zod'], processes: program('mastra') },
  'google-genai': {
    install: ['@google/genai', '@modelcontextprotocol/sdk@1'],
    processes: program('google-genai'),
  },
  // The server announces its tools anew once the client is there, and Strands then lists them.
  strands: { install: ['@strands-agents/sdk'], processes: program('strands'), lists: 2 },
  llamaindex: { install: ['@llamaindex/tools', 'llamaindex'], processes: program('llamaindex') },
  voltagent: {
    install: ['@voltagent/core', 'ai', 'zod'],
    processes: program('voltagent'),
    env: { VOLTAGENT_LOG_LEVEL: 'error' },
  },
  mcporter: { install: ['mcporter'], processes: program('mcporter') },
  // The client of 2.x is a package of its own that is not on the registry.
  'mcp-use': { install: ['mcp-use@1'], processes: program('mcp-use'), besides: ['roots/list'], lists: 'any' },
  inspector: {
    install: ['@modelcontextprotocol/inspector'],
    processes: [
      { args: [...INSPECTOR, 'tools/list'], calls: {} },
      {
        args: [...INSPECTOR, 'tools/call', '--tool-name', 'echo', '--tool-arg', 'message=hello'],
        calls: ECHO,
      },
      {
        args: [
          ...INSPECTOR,
          ...['tools/call', '--tool-name', 'get-resource-reference'],
          ...['--tool-arg', 'resourceType=Text', 'resourceId=0.5'],
        ],
        calls: REFUSED,
      },
    ],
    besides: ['logging/setLevel', 'roots/list'],
  },
  langfuse: {
    install: [
      ...['@langfuse/otel', '@langfuse/tracing', '@modelcontextprotocol/sdk@1', '@opentelemetry/api@1'],
      // Langfuse asks for OpenTelemetry 2.x.
      ...['@opentelemetry/sdk-node@>=0.200 <0.300', '@opentelemetry/exporter-trace-otlp-http@>=0.202 <0.300'],
    ],
    processes: program('langfuse'),
  },
  'ai-sdk': { install: ['@ai-sdk/mcp'], processes: program('ai-sdk') },
};
