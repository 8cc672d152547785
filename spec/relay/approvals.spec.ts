import { expect } from 'chai';
import { PassThrough } from 'node:stream';
import { resolveOptions } from '../../lib/config.js';
import { createAuditLog } from '../../lib/processor/auditLog.js';
import { isAmbiguous } from '../../lib/relay/jsonText.js';
import { relayStdio } from '../../lib/relay/relay.js';
import type { ApprovalOptions } from '../../lib/tools/approval.js';
import { MemorySink } from '../support/memorySink.js';
import { Relaying } from './relaying.js';

const call = (text: string) =>
  `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"pay","arguments":${text}}}\n`;

/** A server that answers each request with what it was sent, and says nothing else. */
const ECHO = `
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line);
  if (id === undefined) return;
  const opened = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 's', version: '1' } };
  const result = method === 'initialize' ? opened : { content: [], sent: line };
  process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
});`;

interface Said {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: { readonly message: string; readonly requestId: string };
  readonly result?: { readonly sent?: string };
  readonly error?: { readonly code: number; readonly data: { readonly reason: string } };
}

/** A relay before a real process, and the client at its other end. */
function relayed(approvals: ApprovalOptions, capabilities: object) {
  const sink = new MemorySink();
  const { recording, close } = createAuditLog(
    resolveOptions({ environment: 'test', sink, approvals, startRecord: false }),
    'clients',
  );
  const input = new PassThrough();
  const output = new PassThrough();
  const ended = relayStdio({
    ...{ command: process.execPath, args: ['-e', ECHO], input, output },
    log: { recorder: recording, close, requiresActor: false },
  });
  const heard: Said[] = [];
  const waiting: (() => void)[] = [];
  let rest = '';
  output.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    heard.push(...lines.map((line) => JSON.parse(line) as Said));
    for (const each of waiting.splice(0)) each();
  });
  const say = (message: object | string) =>
    input.write(
      typeof message === 'string' ? message : `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`,
    );
  const hear = async (is: (said: Said) => boolean): Promise<Said> => {
    for (;;) {
      const found = heard.find(is);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  const answerTo = (id: number) => hear((said) => said.id === id && said.method === undefined);
  const clientInfo = { name: 'assistant', version: '1' };
  say({ id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities, clientInfo } });
  const leave = async () => {
    input.end();
    await ended;
  };
  return { sink, say, hear, heard, answerTo, leave };
}

const question = (said: Said) => said.method === 'elicitation/create';

describe('a relay whose calls need approvals', () => {
  const options: ApprovalOptions = { tools: ['pay'], ask: 'elicitation', user: 'ada' };

  it('asks the user of its client, and lets all else go on meanwhile', async () => {
    const { sink, say, hear, answerTo, heard, leave } = relayed(options, { elicitation: {} });
    await answerTo(0);
    say(call('{"amount": 5}'));
    const { id, params } = await hear(question);
    expect(params!.message).to.include('"amount": 5').and.to.include('the tool pay of s');
    say({ id: 8, method: 'tools/call', params: { name: 'look' } });
    expect((await answerTo(8)).result!.sent).to.include('look');
    say({ id, result: { action: 'accept', content: { approve: true } } });
    // As the client wrote it, but for the trace context.
    expect((await answerTo(7)).result!.sent).to.include('"arguments":{"amount": 5}');
    expect(heard.filter(({ error }) => error !== undefined)).to.deep.equal([]);
    await leave();
    const [decision] = sink.records.filter(({ resource }) => resource === 'audit/approval');
    expect(decision).to.include({ outcome: 'OUTCOME_SUCCESS', actor_id: 'ada' });
    const paid = sink.records.find(({ resource }) => resource === 'tools/pay');
    expect(paid!.mcp!.approval_id).to.equal(decision!.mcp!.approval_id);
  });

  for (const [what, answer] of [
    ['says no', { result: { action: 'decline' } }],
    ['cannot ask after all', { error: { code: -32601, message: 'no' } }],
  ] as const)
    it(`refuses by its stable code where the client ${what}`, async () => {
      const { say, hear, answerTo, leave } = relayed(options, { elicitation: { form: {} } });
      await answerTo(0);
      say(call('{}'));
      say({ id: (await hear(question)).id, ...answer });
      const { error } = await answerTo(7);
      expect(error!.code).to.equal(-32010);
      expect(error!.data.reason).to.match(/^approval_(?:denied|missing)$/);
      await leave();
    });

  it('refuses where the client cannot show a form', async () => {
    for (const capabilities of [{}, { elicitation: { url: {} } }]) {
      const { say, answerTo, leave } = relayed(options, capabilities);
      await answerTo(0);
      say(call('{}'));
      expect((await answerTo(7)).error!.data.reason).to.equal('approval_missing');
      await leave();
    }
  });

  it('sends nothing that the client takes back while its user decides', async () => {
    const { sink, say, hear, heard, answerTo, leave } = relayed(options, { elicitation: {} });
    await answerTo(0);
    say(call('{}'));
    const { id } = await hear(question);
    say({ method: 'notifications/cancelled', params: { requestId: 7 } });
    const withdrawn = await hear(({ method }) => method === 'notifications/cancelled');
    expect(withdrawn.params!.requestId).to.equal(id);
    say({ id: 9, method: 'ping' });
    await answerTo(9);
    await leave();
    expect(heard.filter((said) => said.id === 7)).to.deep.equal([]);
    expect(sink.records.find(({ resource }) => resource === 'tools/pay')!.error!.type).to.equal('cancelled');
  });

  it('ends where the client leaves while its user decides', async () => {
    const { sink, say, hear, answerTo, leave } = relayed(options, { elicitation: {} });
    await answerTo(0);
    say(call('{}'));
    await hear(question);
    await leave();
    expect(sink.records.find(({ resource }) => resource === 'tools/pay')!.error!.type).to.equal(
      'approval_missing',
    );
  });

  it('passes nothing unread, for it may be a call', async () => {
    const relay = new Relaying({ approvals: { tools: ['pay'] } });
    const { server, client } = await relay.fromClient(call('{"amount":NaN}'));
    expect(server).to.equal(undefined);
    expect(client).to.include('"code":-32010');
    expect(await relay.fromServer('nonsense\n')).to.equal('nonsense\n');
    const hidden = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pay"},"method":"ping"}\n';
    expect((await relay.fromClient(hidden)).client).to.include('approval_invalid');
    await relay.close();
  });

  it('sends nothing in which the server may read another call than was approved', async () => {
    const relay = new Relaying({ approvals: { ask: () => ({ approved: true, by: 'ada' }) } });
    for (const text of ['{"amount":5,"amount":5000}', '{"amount":12345678901234567890}', '{"a":1e400}']) {
      const { server, client } = await relay.fromClient(call(text));
      expect(server).to.equal(undefined);
      expect(client).to.include('"code":-32010').and.to.include('approval_invalid');
    }
    expect(
      (await relay.fromClient(call('{"amount": 5.50, "__proto__": {"1":1,"0":"a\\"b:\\u0041"}}'))).server,
    ).to.include('5.50');
    await relay.close();
  });
});

describe('a text of JSON', () => {
  for (const text of ['{"a":1,"b":{"a":2}}', '["a","a"]', '{"a":":","b":"{\\"a\\":1}"}', '-0', '1e3', '{}'])
    it(`can be read in one way: ${text}`, () => expect(isAmbiguous(text)).to.equal(false));
  for (const text of ['{"a":1,"a":1}', '[{"a":{"b":1,"\\u0062":2}}]', '9007199254740993', '[-1e999]'])
    it(`can be read in two ways: ${text}`, () => expect(isAmbiguous(text)).to.equal(true));
});
