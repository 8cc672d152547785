import { join } from 'node:path';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { expect } from 'chai';
import type { AuditOptions } from '../../lib/config.js';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import { auditLogOf, withLogging } from '../../lib/withLogging.js';
import { runCommand } from './runCommand.js';
import { SERVED } from './servedPair.js';

/** What `reconcile --json` says. */
export interface Report {
  ok: boolean;
  pairs: number;
  alike: number;
  different: number;
  only_client: number;
  only_server: number;
  unexplained: number;
  unreadable: number;
  differences: Record<string, number>;
  reasons: Record<string, number>;
  compared: { arguments: number; result: number };
  clock_ahead_ms: number;
  paired_by: Record<string, number>;
  findings: { kind: string; in?: string[]; reason?: string; method: string; target?: string }[];
}

/** Runs `reconcile --json`. */
export async function reconcile(...args: string[]): Promise<Report & { code: number }> {
  const { code, out, err } = await runCommand(['reconcile', '--json', ...args]);
  expect(out, err).to.match(/^\{/);
  return { ...(JSON.parse(out) as Report), code };
}

/** What is done with a client that is connected. */
export type Use = (client: ReturnType<(typeof SERVED)['v1']>['client']) => Promise<unknown>;

/** Lets a real client use a real server, both audited: two logs of the same requests. */
export async function recordBothSides(
  folder: string,
  sdk: keyof typeof SERVED,
  use: Use,
  options: Partial<AuditOptions> = { propagateCommitments: true },
  names: readonly [string, string] = ['client.jsonl', 'server.jsonl'],
): Promise<void> {
  const { client, server, connect } = SERVED[sdk](() => undefined);
  const [ofClient, ofServer] = names.map((name) => new FileSink(join(folder, name))) as [FileSink, FileSink];
  const base = { environment: 'test' };
  withLogging(client as unknown as Client, { ...base, ...options, sink: ofClient });
  withLogging(server, { ...base, sink: ofServer });
  await connect();
  await use(client);
  await client.close();
  for (const each of [client as unknown as Client, server]) await auditLogOf(each as never)?.shutdown();
}

/** 13 requests, the handshake included, that end in all ways. */
export const everything: Use = async (client) => {
  await client.listTools();
  await client.callTool({ name: 'echo', arguments: { message: 'hello' } });
  await client.callTool({ name: 'echo', arguments: { message: 'hello' } });
  await client.callTool({ name: 'broken' }).catch(() => undefined);
  await client.callTool({ name: 'throws' }).catch(() => undefined);
  await client.callTool({ name: 'nothing' }).catch(() => undefined);
  await client.callTool({ name: 'echo', arguments: { wrong: 1 } }).catch(() => undefined);
  await client.callTool({ name: 'consent' });
  await client.readResource({ uri: 'note://one' });
  await client.getPrompt({ name: 'greet' });
  await client.ping();
};
