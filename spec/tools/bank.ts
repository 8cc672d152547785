import { randomUUID } from 'node:crypto';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { RefusedError } from '../../lib/errors.js';
import type { DeliveryMode } from '../../lib/pipeline/options.js';
import { argumentsDigest, type Approval, type ApprovalOptions } from '../../lib/tools/approval.js';
import { audited, rejection } from '../support/audited.js';

/** What the server lists. */
export const TOOLS = [
  { name: 'look', annotations: { readOnlyHint: true } },
  { name: 'add', annotations: { readOnlyHint: false, destructiveHint: false } },
  { name: 'pay', annotations: { idempotentHint: true } },
  { name: 'wipe' },
].map((tool) => ({ ...tool, inputSchema: { type: 'object' as const } }));

/** Somebody's yes. */
export const yes = { approved: true, by: 'ada' };

/** A client of a real server that notes the arguments of the calls which reach it. */
export async function bank(approvals: ApprovalOptions, mode: DeliveryMode = 'blocking') {
  const arrived: unknown[] = [];
  const server = new Server({ name: 'bank', version: '1' }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: TOOLS }));
  server.setRequestHandler(CallToolRequestSchema, ({ params }) => {
    arrived.push(params.arguments);
    return { content: [{ type: 'text', text: 'done' }] };
  });
  const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: 'agent', version: '1' }, { capabilities: { elicitation: {} } });
  const sink = audited(client, { approvals, mode, actorId: 'agent-7' });
  await server.connect(serverSide);
  await client.connect(clientSide);
  const pay = (given?: Record<string, unknown>, signal?: AbortSignal) =>
    client.callTool(
      { name: 'pay', ...(given !== undefined && { arguments: given }) },
      undefined,
      signal && { signal },
    );
  const decisions = () => sink.records.filter(({ resource }) => resource === 'audit/approval');
  return { client, clientSide, sink, arrived, pay, decisions };
}

/** The refusal that a call ends with. */
export async function refusalOf(call: Promise<unknown>): Promise<RefusedError> {
  const error = await rejection(call);
  if (error instanceof RefusedError) return error;
  throw new Error(`expected a refusal, got ${String(error)}`);
}

/** An approval of a payment, as another program would make it. */
export function approvalOf(given: unknown, changes: Partial<Approval> = {}): Approval {
  return {
    id: randomUUID(),
    tool: 'pay',
    arguments_sha256: argumentsDigest(given),
    approved_by: 'grace',
    approved_at: new Date().toISOString(),
    expires_at: new Date(Date.now() + 60_000).toISOString(),
    reason: 'invoice 12',
    ...changes,
  };
}
