import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { expect } from 'chai';
import { formatVkey } from '../../lib/integrity/tlog/note.js';
import { canonicalJson } from '../../lib/schema/canonicalJson.js';
import { argumentsDigest, type Approval, type ApprovalOptions } from '../../lib/tools/approval.js';
import { audited, rejection } from '../support/audited.js';
import { ScriptedSink } from '../support/scriptedSink.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { approvalOf, bank, refusalOf, yes } from './bank.js';

describe('approvals', () => {
  describe('that were made elsewhere', () => {
    it('are used once', async () => {
      const approval = approvalOf({ amount: 5 });
      const { arrived, pay, decisions } = await bank({ ask: () => approval });
      const [one, other] = await Promise.allSettled([pay({ amount: 5 }), pay({ amount: 5 })]);
      expect([one.status, other.status].sort()).to.deep.equal(['fulfilled', 'rejected']);
      expect(((one.status === 'rejected' ? one : other) as PromiseRejectedResult).reason).to.include({
        reason: 'approval_used',
      });
      expect(arrived).to.have.length(1);
      expect(decisions().map(({ mcp }) => mcp?.approval_id)).to.deep.equal([approval.id, approval.id]);
      expect(decisions()[0]).to.include({ actor_id: 'grace' });
    });

    const wrong: readonly (readonly [what: string, changes: Partial<Approval>, reason: string])[] = [
      ['of other arguments', { arguments_sha256: argumentsDigest({ amount: 6 }) }, 'approval_mismatch'],
      ['of another tool', { tool: 'wipe' }, 'approval_mismatch'],
      ['of another server', { server: 'https://elsewhere.example' }, 'approval_mismatch'],
      ['that have expired', { expires_at: '2020-01-01T00:00:00Z' }, 'approval_expired'],
      ['with a bad digest', { arguments_sha256: 'AB' }, 'approval_invalid'],
      ['with a bad time', { expires_at: 'tomorrow' }, 'approval_invalid'],
      ['of nobody', { approved_by: '' }, 'approval_invalid'],
      ['with more than is known', { amount_max: 3 } as Partial<Approval>, 'approval_invalid'],
    ];
    for (const [what, changes, reason] of wrong)
      it(`refuse where they are ${what}`, async () => {
        const { arrived, pay, decisions } = await bank({ ask: () => approvalOf({ amount: 5 }, changes) });
        expect((await refusalOf(pay({ amount: 5 }))).reason).to.equal(reason);
        expect(arrived).to.deep.equal([]);
        expect(decisions()[0]).to.include({ outcome: 'OUTCOME_FAILURE_DENIED', actor_id: 'agent-7' });
      });

    it('are taken from a file, once for all processes', async () => {
      const { path, remove } = temporaryFolder();
      const file = join(path, 'approvals.jsonl');
      const { arrived, pay } = await bank({ file });
      expect((await refusalOf(pay({ amount: 5 }))).reason).to.equal('approval_missing');
      const lines = [approvalOf({ amount: 4 }), approvalOf({ amount: 5 })].map((each) =>
        JSON.stringify(each),
      );
      writeFileSync(file, `${lines.join('\n')}\n{"tool":"pay", half a line`);
      await pay({ amount: 5 });
      expect((await refusalOf(pay({ amount: 5 }))).reason).to.equal('approval_used');
      expect((await refusalOf(pay({ amount: 6 }))).reason).to.equal('approval_mismatch');
      expect(arrived).to.deep.equal([{ amount: 5 }]);
      expect(readdirSync(`${file}.used`)).to.have.length(1);
      remove();
    });

    it('refuse where the file cannot be read', async () => {
      const { path, remove } = temporaryFolder();
      const { arrived, pay } = await bank({ file: path });
      expect((await refusalOf(pay())).message).to.equal('the approvals cannot be read');
      expect(arrived).to.deep.equal([]);
      remove();
    });

    describe('and are signed', () => {
      const { publicKey, privateKey } = generateKeyPairSync('ed25519');
      const approvers = [formatVkey('grace', publicKey)];
      const signed = (approval: Approval, key: KeyObject): Approval => {
        // What docs/approvals.md says of the bytes.
        const bytes = Buffer.from(`otel-mcp-log/approval/v1\n${canonicalJson(approval)}`);
        return { ...approval, signature: sign(null, bytes, key).toString('base64') };
      };

      it('by the approver count, and the record names the key', async () => {
        const { pay, decisions } = await bank({
          approvers,
          ask: () => signed(approvalOf({ amount: 5 }), privateKey),
        });
        await pay({ amount: 5 });
        const [, keyId] = approvers[0]!.split('+');
        expect(decisions()[0]!.data).to.include({ identity: 'signed', key_id: keyId, decided_by: 'grace' });
      });

      const { privateKey: another } = generateKeyPairSync('ed25519');
      const forged: readonly (readonly [what: string, make: () => Approval])[] = [
        ['not at all', () => approvalOf({ amount: 5 })],
        ['by another key', () => signed(approvalOf({ amount: 5 }), another)],
        ['under another name', () => signed(approvalOf({ amount: 5 }, { approved_by: 'ada' }), privateKey)],
        [
          'and changed afterwards',
          () => ({
            ...signed(approvalOf({ amount: 4 }), privateKey),
            arguments_sha256: argumentsDigest({ amount: 5 }),
          }),
        ],
      ];
      for (const [what, make] of forged)
        it(`${what} do not`, async () => {
          const { arrived, pay } = await bank({ approvers, ask: make });
          expect((await refusalOf(pay({ amount: 5 }))).reason).to.equal('approval_invalid');
          expect(arrived).to.deep.equal([]);
        });
    });
  });

  describe('by elicitation', () => {
    const options: ApprovalOptions = { ask: 'elicitation', user: 'ada' };

    it("ask the client's own user, who sees no secret", async () => {
      const { client, pay, arrived, decisions } = await bank(options);
      let message = '';
      client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
        message = params.message;
        return { action: 'accept', content: { approve: true, reason: 'fine' } };
      });
      await pay({ to: 'b\u202e', password: 'hunter22' });
      expect(arrived).to.have.length(1);
      expect(message)
        .to.include('agent-7 wants to call the tool pay of bank')
        .and.to.include('"to": "b\\u202e"');
      expect(message).not.to.include('hunter22');
      expect(decisions()[0]).to.include({ actor_id: 'ada' });
      expect(decisions()[0]!.data).to.include({ source: 'elicitation', reason: 'fine' });
    });

    for (const answer of [
      { action: 'decline' },
      { action: 'cancel' },
      { action: 'accept', content: {} },
      { action: 'accept', content: { approve: false } },
    ] as const)
      it(`refuse where the answer is ${JSON.stringify(answer)}`, async () => {
        const { client, pay, arrived } = await bank(options);
        client.setRequestHandler(ElicitRequestSchema, () => answer);
        const refusal = await refusalOf(pay());
        expect(refusal.reason).to.match(/^approval_(?:denied|missing)$/);
        expect(arrived).to.deep.equal([]);
      });

    it('refuse where the client cannot ask', async () => {
      const { pay } = await bank(options);
      expect((await refusalOf(pay())).message).to.include('no way to ask its user');
    });
  });

  describe('in mode blocking-strict', () => {
    it('are the last check: what is not on record is not sent', async () => {
      let isAsked = false;
      const client = new Client({ name: 'agent', version: '1' });
      const sink = new ScriptedSink('gone', [], 'permanent');
      audited(client, {
        sink,
        mode: 'blocking-strict',
        exportTimeoutMillis: 100,
        approvals: {
          ask: () => {
            isAsked = true;
            return yes;
          },
        },
      });
      await rejection(client.callTool({ name: 'pay' }));
      expect(isAsked).to.equal(false);
    });

    it('come after the intent and before the call', async () => {
      const { sink, pay, decisions } = await bank({ ask: () => yes }, 'blocking-strict');
      await pay({ amount: 5 });
      const from = sink.records.filter(
        ({ mcp }) => mcp?.tool_name === 'pay' || mcp?.method === 'audit/approval',
      );
      expect(from.map(({ resource, stage }) => [resource, stage])).to.deep.equal([
        ['tools/pay', 'request_received'],
        ['audit/approval', undefined],
        ['tools/pay', undefined],
      ]);
      expect(decisions()[0]!.outcome).to.equal('OUTCOME_SUCCESS');
    });
  });
});
