/** A package of the registry, and what is loaded of it. */
export interface Popular {
  /** As it is installed. */
  readonly install: readonly string[];
  /**
   * What is loaded, in this order. A module that stands before one that changes its bindings shows whether they are live: all are
   * looked at when all are loaded.
   */
  readonly specifiers: readonly string[];
}

function of(name: string, version: string, ...others: string[]): Popular {
  return { install: [`${name}@${version}`, ...others], specifiers: [name] };
}

/** Few and small ones, which differ in kind: with live bindings, of Node's own HTTP client, ES modules, CommonJS. */
export const SMALL: Readonly<Record<string, Popular>> = {
  'openai 4': {
    install: ['openai4@npm:openai@4'],
    // The first exports `kind` and a dozen others with `let`; the second sets them.
    specifiers: ['openai4/_shims/registry.mjs', 'openai4'],
  },
  undici: of('undici', '7'),
  zod: { install: ['zod@4'], specifiers: ['zod', 'zod/v3', 'zod/mini'] },
  express: of('express', '5'),
};

/** Packages that many applications load, MCP clients above all: of models, agents, web servers, databases, builds. */
export const POPULAR: Readonly<Record<string, Popular>> = {
  ...SMALL,
  openai: of('openai', '7'),
  '@anthropic-ai/sdk': of('@anthropic-ai/sdk', '1'),
  '@google/genai': of('@google/genai', '2'),
  ai: of('ai', '6'),
  langchain: of('langchain', '1', '@langchain/core@1'),
  '@langchain/mcp-adapters': of('@langchain/mcp-adapters', '1', '@langchain/core@1'),
  '@mastra/core': of('@mastra/core', '0.24'),
  '@openai/agents': of('@openai/agents', '0.20'),
  next: { install: ['next@16', 'react@19', 'react-dom@19'], specifiers: ['next/server.js'] },
  fastify: of('fastify', '5'),
  hono: of('hono', '4'),
  '@prisma/client': of('@prisma/client', '7'),
  'drizzle-orm': of('drizzle-orm', '0.45'),
  got: of('got', '14'),
  axios: of('axios', '1'),
  sharp: of('sharp', '0.35'),
  graphql: of('graphql', '16'),
  vite: of('vite', '8'),
  pino: of('pino', '10'),
  rxjs: of('rxjs', '7'),
  ws: of('ws', '8'),
  '@modelcontextprotocol/sdk server': {
    install: ['@modelcontextprotocol/sdk@1'],
    specifiers: ['@modelcontextprotocol/sdk/server/mcp.js', '@modelcontextprotocol/sdk/types.js'],
  },
};
