import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The packages that the client and the server are in. */
const PACKAGES = {
  v1: ['@modelcontextprotocol/sdk'],
  v2: ['@modelcontextprotocol/client', '@modelcontextprotocol/server'],
} as const;

/** The classes of one copy of the SDK, v1 or v2; those of v2 have the same members as far as tests use them. */
export interface SdkCopy {
  readonly Client: typeof Client;
  readonly InMemoryTransport: typeof InMemoryTransport;
  readonly McpServer: typeof McpServer;
  /** Deletes the files. */
  remove(): void;
}

/** A CommonJS copy of the SDK of its own, whose classes no other test patches. */
export function copyOfSdk(version: keyof typeof PACKAGES): SdkCopy {
  const folder = mkdtempSync(join(root, 'node_modules', '.sdk-copy-'));
  for (const name of PACKAGES[version]) {
    const copied = join('node_modules', name);
    cpSync(join(root, copied), join(folder, copied), { recursive: true });
  }
  cpSync(join(root, 'spec', 'matrix', 'apps', version, 'sdk.cjs'), join(folder, 'sdk.cjs'));
  const classes = createRequire(join(folder, 'sdk.cjs'))('./sdk.cjs') as Omit<SdkCopy, 'remove'>;
  return { ...classes, remove: () => rmSync(folder, { recursive: true }) };
}

/** Logs in, lists, calls and logs out against a real server in the same process; gives what the tool said. */
export async function exercise({ Client, InMemoryTransport, McpServer }: SdkCopy): Promise<unknown> {
  const server = new McpServer({ name: 'fixture', version: '1.0.0' });
  server.registerTool('echo', {}, () => ({ content: [{ type: 'text', text: 'hello' }] }));
  const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
  await server.connect(serverSide);
  const client = new Client({ name: 'agent', version: '1.0.0' });
  await client.connect(clientSide);
  await client.listTools();
  const { content } = await client.callTool({ name: 'echo' });
  await client.close();
  return content;
}

/** The resources of what {@link exercise} puts on record. */
export const EXERCISED = ['session/initialize', 'tools/list', 'tools/echo', 'session/close'];
