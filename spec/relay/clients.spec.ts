import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Client as ClientV2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { expect } from 'chai';
import type { AuditRecord } from '../../lib/schema/record.js';
import { builtBinary } from '../support/builtCli.js';
import { EVERYTHING } from '../support/servers.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const require = createRequire(import.meta.url);
const MEMORY = require.resolve('@modelcontextprotocol/server-memory/dist/index.js');
const FILES = require.resolve('@modelcontextprotocol/server-filesystem/dist/index.js');

/** What both SDKs' clients have, as far as it is used here. */
type Client = Pick<ClientV1, 'listTools' | 'callTool' | 'readResource' | 'getPrompt' | 'close'>;

const MAKERS: Readonly<Record<string, (command: string, args: string[]) => Promise<Client>>> = {
  'version 1': async (command, args) => {
    const client = new ClientV1({ name: 'one', version: '1' });
    await client.connect(new StdioV1({ command, args, stderr: 'ignore' }));
    return client;
  },
  'version 2': async (command, args) => {
    const client = new ClientV2({ name: 'two', version: '2' });
    await client.connect(new StdioV2({ command, args, stderr: 'ignore' }));
    return client as unknown as Client;
  },
};

/** What comes of a few calls, errors and failing tools among them. */
async function everything(client: Client): Promise<unknown[]> {
  const calls = [
    () => client.listTools(),
    () => client.callTool({ name: 'echo', arguments: { message: 'é😀' } }),
    () => client.callTool({ name: 'no-such-tool', arguments: {} }),
    () => client.getPrompt({ name: 'simple-prompt' }),
    () => client.getPrompt({ name: 'no-such-prompt' }),
    () => client.readResource({ uri: 'no:such/resource' }),
  ];
  const seen: unknown[] = [];
  for (const call of calls)
    seen.push(await call().catch((error: Error) => ({ name: error.name, message: error.message })));
  await client.close();
  return seen;
}

describe('clients and servers of others through a relay', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => (folder = temporaryFolder()));
  afterEach(() => folder.remove());

  const relayed = (...args: string[]): string[] => [
    builtBinary(),
    'relay',
    '--environment=test',
    `--log=${join(folder.path, 'audit.jsonl')}`,
    '--',
    process.execPath,
    ...args,
  ];
  const records = (): AuditRecord[] =>
    readFileSync(join(folder.path, 'audit.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditRecord);

  for (const [version, make] of Object.entries(MAKERS))
    it(`get the same from server-everything with and without it: the SDK's ${version} @slow`, async () => {
      const bare = await everything(await make(process.execPath, [EVERYTHING]));
      const through = await everything(await make(process.execPath, relayed(EVERYTHING)));
      expect(through).to.deep.equal(bare);
      const logout = records().find(({ resource }) => resource === 'session/close');
      expect(logout!.mcp!.requests).not.to.have.property('missing');
      expect(logout!.mcp!.requests!.sent).to.equal(logout!.mcp!.requests!.recorded);
    });

  it('write files and remember, on record @slow', async () => {
    const client = await MAKERS['version 1']!(process.execPath, relayed(FILES, folder.path));
    await client.callTool({ name: 'write_file', arguments: { path: join(folder.path, 'a'), content: 'x' } });
    await client.close();
    expect(readFileSync(join(folder.path, 'a'), 'utf8')).to.equal('x');
    const memory = await MAKERS['version 2']!(process.execPath, relayed(MEMORY));
    await memory.callTool({ name: 'read_graph', arguments: {} });
    await memory.close();
    expect(records().map(({ resource }) => resource)).to.include.members([
      'tools/write_file',
      'tools/read_graph',
    ]);
  });
});
