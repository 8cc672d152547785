import { createHash } from 'node:crypto';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  CallToolResultSchema,
  type JSONRPCMessage,
} from '@modelcontextprotocol/sdk/types.js';
import { expect } from 'chai';
import { ConfigError, RefusedError } from '../../lib/errors.js';
import type { ApprovalOptions, ApprovalQuestion } from '../../lib/tools/approval.js';
import { audited, rejection, settled } from '../support/audited.js';
import { bank, refusalOf, TOOLS, yes } from './bank.js';

describe('approvals', () => {
  describe('are asked for', () => {
    const asked = async (options: ApprovalOptions, list = true): Promise<string[]> => {
      const tools: string[] = [];
      const { client } = await bank({
        ...options,
        ask: ({ tool }) => {
          tools.push(tool);
          return yes;
        },
      });
      if (list) await client.listTools();
      for (const { name } of TOOLS) await client.callTool({ name });
      return tools;
    };

    it('before every call, where nothing says before which', async () => {
      expect(await asked({})).to.deep.equal(['look', 'add', 'pay', 'wipe']);
    });

    it('by the names of tools', async () => {
      expect(await asked({ tools: ['p*', 'wipe'] })).to.deep.equal(['pay', 'wipe']);
      expect(await asked({ tools: ['.*'] })).to.deep.equal([]);
      expect(await asked({ tools: [] })).to.deep.equal([]);
    });

    it('by what annotations say, with the defaults of the protocol', async () => {
      expect(await asked({ destructive: true })).to.deep.equal(['pay', 'wipe']);
      expect(await asked({ destructive: true }, false)).to.deep.equal(['look', 'add', 'pay', 'wipe']);
    });

    it('by a function, and where it fails', async () => {
      expect(await asked({ when: ({ tool }) => tool === 'add' })).to.deep.equal(['add']);
      const fails = ({ tool }: ApprovalQuestion): boolean => {
        if (tool === 'look') throw new Error('no');
        return false;
      };
      expect(await asked({ when: fails })).to.deep.equal(['look']);
      const promises = (() => Promise.resolve(false)) as unknown as () => boolean;
      expect(await asked({ when: promises })).to.have.length(4);
    });

    it('by all ways to call a tool', async () => {
      let count = 0;
      const { client, arrived } = await bank({
        ask: () => {
          count += 1;
          return { approved: false, by: 'ada' };
        },
      });
      const params = { name: 'pay', arguments: {} };
      await refusalOf(client.callTool(params));
      await refusalOf(client.request({ method: 'tools/call', params }, CallToolResultSchema));
      const stream = client.experimental.tasks.callToolStream(params, CallToolResultSchema);
      await refusalOf(stream.next());
      expect(await stream.next()).to.deep.include({ done: true });
      expect(count).to.equal(3);
      expect(arrived).to.deep.equal([]);
    });
  });

  describe('that a function gives', () => {
    it('let the call out, and join its record with that of the decision', async () => {
      let seen: ApprovalQuestion | undefined;
      const { client, sink, arrived, pay, decisions } = await bank({
        ask: async (question) => {
          seen = question;
          await settled();
          return { ...yes, reason: 'the invoice is right' };
        },
      });
      await client.listTools();
      await pay({ to: 'b', amount: 5 });
      expect(arrived).to.deep.equal([{ to: 'b', amount: 5 }]);
      const text = '{"amount":5,"to":"b"}';
      expect(seen).to.deep.include({
        tool: 'pay',
        arguments: { to: 'b', amount: 5 },
        argumentsSha256: createHash('sha256').update(text).digest('hex'),
        annotations: { idempotentHint: true },
        serverName: 'bank',
        actorId: 'agent-7',
      });
      const [decision, ...others] = decisions();
      expect(others).to.have.length(0);
      const call = sink.only('tools/call');
      expect(decision).to.include({
        event_type: 'EVENT_GUARDRAIL_CHECK',
        outcome: 'OUTCOME_SUCCESS',
        actor_id: 'ada',
        actor_type: 'user',
        trace_id: call.trace_id,
        message: 'Decided about a call of tool pay.',
      });
      expect(call).to.include({ outcome: 'OUTCOME_SUCCESS', actor_id: 'agent-7' });
      expect(decision!.mcp).to.include({ decision: 'accept', tool_name: 'pay' });
      expect(decision!.mcp!.approval_id).to.be.a('string').and.to.equal(call.mcp!.approval_id);
      const { approved_at: at, expires_at: until, ...data } = decision!.data as Record<string, string>;
      expect(data).to.deep.equal({
        source: 'callback',
        decided_by: 'ada',
        identity: 'reported',
        reason: 'the invoice is right',
      });
      expect(Date.parse(until!)).to.be.greaterThan(Date.parse(at!));
      expect(JSON.stringify(sink.records)).not.to.include(seen!.argumentsSha256);
    });

    it('that says no keep the call in, and on record', async () => {
      const { sink, arrived, pay, decisions } = await bank({
        ask: () => ({ approved: false, by: 'ada', reason: 'too much' }),
      });
      const refusal = await refusalOf(pay({ amount: 5 }));
      expect(refusal).to.include({ reason: 'approval_denied', code: 'MCP_LOG_ERR_APPROVAL' });
      expect(arrived).to.deep.equal([]);
      const call = sink.only('tools/call');
      expect(call.outcome).to.equal('OUTCOME_FAILURE_DENIED');
      expect(call.error?.type).to.equal('approval_denied');
      expect(decisions()[0]).to.include({ outcome: 'OUTCOME_FAILURE_DENIED', actor_id: 'ada' });
      expect(decisions()[0]!.mcp).to.include({ decision: 'decline', approval_id: call.mcp!.approval_id });
    });

    const useless: readonly (readonly [what: string, ask: () => unknown])[] = [
      ['nothing', () => undefined],
      ['a mere true', () => true],
      ['nobody', () => ({ approved: true })],
      ['no decision', () => ({ by: 'ada' })],
      ['an error', () => Promise.reject(new Error('the secret is abc'))],
    ];
    for (const [what, ask] of useless)
      it(`refuse where it gives ${what}`, async () => {
        const { sink, arrived, pay } = await bank({ ask: ask as () => typeof yes });
        expect((await refusalOf(pay())).reason).to.match(/^approval_(?:missing|invalid)$/);
        expect(arrived).to.deep.equal([]);
        expect(JSON.stringify(sink.records)).not.to.include('secret');
      });

    it('refuse where it takes too long, and tell it so', async () => {
      let signal: AbortSignal | undefined;
      const { arrived, pay } = await bank({
        timeoutMillis: 20,
        ask: (question) => {
          signal = question.signal;
          return new Promise(() => undefined);
        },
      });
      const refusal = await refusalOf(pay());
      expect(refusal.message).to.equal('nobody decided within 20 ms');
      expect(signal!.aborted).to.equal(true);
      expect(arrived).to.deep.equal([]);
    });

    it("end with the caller's own error where the caller gives up", async () => {
      const controller = new AbortController();
      const { sink, arrived, pay, decisions } = await bank({
        ask: () => {
          controller.abort(new Error('enough'));
          return new Promise(() => undefined);
        },
      });
      const error = await rejection(pay({ amount: 5 }, controller.signal));
      expect(error).not.to.be.instanceOf(RefusedError);
      expect(String(error)).to.include('enough');
      expect(arrived).to.deep.equal([]);
      expect(decisions()).to.have.length(0);
      expect(sink.only('tools/call').error?.type).to.equal('cancelled');
    });

    it('are no matter for other requests', async () => {
      const { client } = await bank({ ask: () => ({ approved: false, by: 'ada' }) });
      await client.ping();
      expect((await client.listTools()).tools).to.have.length(4);
    });
  });

  describe('hold for what is sent', () => {
    it('and a call that is changed while somebody decides is refused', async () => {
      const given = { amount: 5 };
      const { sink, arrived, pay } = await bank({
        ask: () => {
          given.amount = 5000;
          return yes;
        },
      });
      expect((await refusalOf(pay(given))).reason).to.equal('approval_mismatch');
      expect(arrived).to.deep.equal([]);
      expect(sink.only('tools/call').outcome).to.equal('OUTCOME_FAILURE_DENIED');
    });

    it('and what the program changes while the transport sends stays out', async () => {
      const given = { amount: 5 };
      const { arrived, pay, clientSide } = await bank({ ask: () => yes });
      const send = clientSide.send.bind(clientSide);
      // As the transport over HTTP does, which serialises a message after it has asked for a token.
      clientSide.send = async (message: JSONRPCMessage, ...rest) => {
        await settled();
        return send(message, ...rest);
      };
      const paid = pay(given);
      await new Promise((resolve) => setImmediate(resolve));
      given.amount = 5000;
      await paid;
      expect(arrived).to.deep.equal([{ amount: 5 }]);
    });

    it('and another connection than the one that was asked about gets nothing', async () => {
      const other = new Server({ name: 'other', version: '1' }, { capabilities: { tools: {} } });
      const arrived: string[] = [];
      other.setRequestHandler(CallToolRequestSchema, ({ params }) => {
        arrived.push(params.name);
        return { content: [] };
      });
      const first = await bank({
        ask: async () => {
          await first.client.close();
          const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
          await other.connect(serverSide);
          await first.client.connect(clientSide);
          return yes;
        },
      });
      expect((await refusalOf(first.pay())).reason).to.equal('approval_mismatch');
      expect(arrived).to.deep.equal([]);
    });

    it('and arguments that are no JSON cannot be approved', async () => {
      const { pay } = await bank({ ask: () => yes });
      const circle: Record<string, unknown> = {};
      circle['circle'] = circle;
      expect((await refusalOf(pay(circle))).reason).to.equal('approval_invalid');
      expect((await refusalOf(pay({ amount: 5n }))).reason).to.equal('approval_invalid');
    });
  });

  describe('refuse options that cannot work', () => {
    const bad: readonly (readonly [option: string, options: unknown])[] = [
      ['approvals.ask', { ask: 'nobody' }],
      ['approvals.tools', { tools: 'pay' }],
      ['approvals.when', { when: true }],
      ['approvals.approvers[0]', { approvers: ['ada'] }],
      ['approvals.timeoutMillis', { timeoutMillis: 0 }],
      ['approvals.tool', { tool: ['pay'] }],
    ];
    for (const [option, options] of bad)
      it(option, () => {
        const client = new Client({ name: 'agent', version: '1' });
        expect(() => audited(client, { approvals: options as ApprovalOptions }))
          .to.throw(ConfigError)
          .with.property('option', option);
      });
  });
});
