import { AsyncLocalStorage } from 'node:async_hooks';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { compactDecrypt, importJWK, type JWK } from 'jose';
import { audit } from '../../lib/decorators/audited.js';
import type { ErasureOptions, SubjectQuestion } from '../../lib/erasure/options.js';
import { KeyFolder } from '../../lib/erasure/keyFolder.js';
import { openRecord } from '../../lib/erasure/personal.js';
import type { SubjectKeys } from '../../lib/erasure/subjectKeys.js';
import { AuditError } from '../../lib/errors.js';
import type { AuditOptions } from '../../lib/config.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import { auditLogOf, withLogging } from '../../lib/withLogging.js';
import { pair } from '../support/inMemory.js';
import { MemorySink } from '../support/memorySink.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const environment = 'test';
const secret = 'a canary in the arguments';

describe('the option erasure', () => {
  const folder = temporaryFolder();
  after(() => folder.remove());
  let number = 0;
  const place = () => join(folder.path, String(number++));

  function audited(erasure: Partial<ErasureOptions>, options: Partial<AuditOptions> = {}) {
    const keys = place();
    const sink = new MemorySink();
    const errors: Error[] = [];
    const made = pair();
    withLogging(made.client, {
      ...{ sink, environment, actorId: 'ann', includeOutputs: true },
      onError: (error) => void errors.push(error),
      ...options,
      erasure: { keys, ...erasure },
    });
    return { ...made, sink, keys, errors };
  }

  const echo = { name: 'echo', arguments: { message: secret } };

  async function called(erasure: Partial<ErasureOptions> = {}, options: Partial<AuditOptions> = {}) {
    const made = audited(erasure, options);
    await made.connect();
    await made.client.callTool(echo);
    return { ...made, record: made.sink.only('tools/call') };
  }

  it('puts no personal value on record in the clear, and all of them for whom has the key', async () => {
    const { record, keys } = await called({}, { onBehalfOf: 'ann' });
    const line = JSON.stringify(record);
    for (const text of [secret, 'ann', 'said']) expect(line).not.to.include(text);
    expect(record.actor_id).to.match(/^subject\/[0-9a-f]{32}$/);
    expect(record.personal).to.have.length(1);
    const [values] = record.personal!;
    expect(values?.fields).to.have.members([
      'mcp.tool_arguments',
      'mcp.tool_result',
      'actor_id',
      'on_behalf_of',
    ]);
    const opened = openRecord({ ...record }, new KeyFolder(keys)).record as unknown as AuditRecord;
    expect(opened).to.include({ actor_id: 'ann', on_behalf_of: 'ann' });
    expect(opened.mcp?.tool_arguments).to.deep.equal({ message: secret });
    expect(opened.mcp?.tool_result).to.have.nested.property('content[0].text', `said ${secret}`);
    expect(opened.personal?.[0]).to.include({ state: 'opened' }).and.not.have.property('jwe');
  });

  it('leaves what concerns nobody as it is: times, tools, outcomes, the order', async () => {
    const { record } = await called();
    const bare = new MemorySink();
    const other = pair();
    withLogging(other.client, { sink: bare, environment, actorId: 'ann', includeOutputs: true });
    await other.connect();
    await other.client.callTool(echo);
    const { personal: _, actor_id: __, mcp, ...rest } = record;
    const { actor_id: ___, mcp: bareMcp, ...plain } = bare.only('tools/call');
    expect(Object.keys(rest)).to.deep.equal(Object.keys(plain));
    expect(rest).to.include({ resource: 'tools/echo', message: plain.message, outcome: 'OUTCOME_SUCCESS' });
    expect(Object.keys(mcp!)).to.deep.equal(
      Object.keys(bareMcp!).filter((name) => !['tool_arguments', 'tool_result'].includes(name)),
    );
  });

  it('is read by jose with the files of the folder alone', async () => {
    const { record, keys } = await called();
    const { key_id: id, jwe } = record.personal![0]!;
    const jwk = JSON.parse(readFileSync(join(keys, `${id}.key`), 'utf8')) as JWK;
    const { plaintext, protectedHeader } = await compactDecrypt(jwe!, await importJWK(jwk));
    expect(protectedHeader).to.include({ record_id: record.record_id, kid: id });
    expect(JSON.parse(Buffer.from(plaintext).toString())).to.have.nested.property(
      'mcp.tool_arguments.message',
      secret,
    );
  });

  it('without it, records are what they were', async () => {
    const sink = new MemorySink();
    const { client, connect } = pair();
    withLogging(client, { sink, environment, actorId: 'ann' });
    await connect();
    await client.callTool(echo);
    expect(sink.only('tools/call')).to.include({ actor_id: 'ann' }).and.not.have.property('personal');
  });

  it('encrypts the URI of a resource, wherever it stands in the record', async () => {
    const { client, connect, sink, keys } = audited({});
    await connect();
    await client.readResource({ uri: 'note://one' });
    const record = sink.only('resources/read');
    expect(JSON.stringify(record)).not.to.include('note://');
    expect(record.resource).to.equal('[ENCRYPTED]');
    const opened = openRecord({ ...record }, new KeyFolder(keys)).record;
    expect(opened).to.have.nested.property('mcp.resource_uri', 'note://one');
    expect(opened).to.include({ resource: 'note://one' });
  });

  it('encrypts data of code of your own, and texts of errors', async () => {
    const sink = new MemorySink();
    const keys = place();
    const { AuditSpanProcessor } = await import('../../lib/processor/processor.js');
    const processor = new AuditSpanProcessor({
      sink,
      environment,
      actorId: 'ann',
      erasure: { keys },
    }).enable();
    try {
      const refund = audit(
        {
          eventType: 'EVENT_DELEGATION',
          resource: 'billing/refund',
          data: ({ args: [customer] }) => ({ customer }),
        },
        (_customer: string) => undefined,
      );
      refund('c-1');
      const fail = audit({ eventType: 'EVENT_DELEGATION', resource: 'billing/fail' }, () => {
        throw new Error('no such customer: bob');
      });
      expect(fail).to.throw();
      await processor.forceFlush();
    } finally {
      await processor.shutdown();
    }
    const records = sink.records.filter(({ resource }) => resource.startsWith('billing'));
    expect(records).to.have.length(2);
    expect(JSON.stringify(records)).not.to.include('c-1').and.not.include('bob');
    const opened = records.map((record) => openRecord({ ...record }, new KeyFolder(keys)).record);
    expect(opened[0]).to.have.nested.property('data.customer', 'c-1');
    expect(opened[1]).to.have.nested.property('error.message').that.includes('bob');
    expect(records[1]?.error?.type).to.equal((opened[1] as { error?: { type?: string } }).error?.type);
  });

  describe('whom values concern', () => {
    it('is for whom the actor acts, else the actor, else the session; the actor has a key of its own', async () => {
      const { record, keys } = await called({}, { onBehalfOf: 'customer-1' });
      const folderOfKeys = new KeyFolder(keys);
      expect(record.personal?.map(({ key_id }) => key_id)).to.deep.equal([
        folderOfKeys.idOf('customer-1'),
        folderOfKeys.idOf('ann'),
      ]);
      folderOfKeys.erase(folderOfKeys.idOf('customer-1')!);
      const opened = openRecord({ ...record }, folderOfKeys).record as unknown as AuditRecord;
      expect(opened.actor_id).to.equal('ann');
      expect(opened.mcp).not.to.have.property('tool_arguments');
      const anonymous = await called({}, { actorId: () => undefined });
      expect(new KeyFolder(anonymous.keys).idOf(anonymous.record.session_id)).to.equal(
        anonymous.record.personal?.[0]?.key_id,
      );
      expect(anonymous.record.actor_id).to.equal(anonymous.record.session_id);
    });

    it('is what a function says, in the context of the caller, from the arguments as they were given', async () => {
      const request = new AsyncLocalStorage<string>();
      const questions: SubjectQuestion[] = [];
      const { client, connect, sink, keys } = audited({
        subject: (question) => {
          questions.push(question);
          return request.getStore();
        },
      });
      await connect();
      await request.run('customer-7', () => client.callTool(echo));
      expect(sink.only('tools/call').personal?.[0]?.key_id).to.equal(new KeyFolder(keys).idOf('customer-7'));
      const last = questions.at(-1)!;
      expect(last.arguments).to.equal(echo.arguments);
      expect(last).to.include({ method: 'tools/call', toolName: 'echo' });
      expect(last.actor).to.deep.equal({ id: 'ann' });
    });

    it('may be nobody: then values stay in the clear, but for who acted', async () => {
      const { record } = await called({ subject: () => null });
      expect(record.mcp?.tool_arguments).to.deep.equal({ message: secret });
      expect(record.personal?.map(({ fields }) => fields)).to.deep.equal([['actor_id']]);
    });

    it('that cannot be found out makes the values be withheld, told and counted', async () => {
      for (const subject of [
        () => {
          throw new Error('no');
        },
        () => Promise.reject(new Error('late')) as unknown as string,
        () => 7 as unknown as string,
        () => '',
      ]) {
        const { record, errors, client } = await called({ subject });
        expect(JSON.stringify(record)).not.to.include(secret);
        expect(record.personal?.[0]).to.deep.equal({
          fields: ['mcp.tool_arguments', 'mcp.tool_result'],
          withheld: 'no_subject',
        });
        expect(errors[0]).to.be.instanceOf(AuditError).with.property('code', 'MCP_LOG_ERR_ERASURE');
        expect(auditLogOf(client)?.stats().withheld).to.be.greaterThan(0);
      }
    });
  });

  it('with some fields alone encrypts these, and leaves the others', async () => {
    const { record } = await called({ fields: ['mcp.tool_arguments'] });
    expect(record).to.include({ actor_id: 'ann' });
    expect(record.mcp).to.have.property('tool_result');
    expect(record.mcp).not.to.have.property('tool_arguments');
  });

  it('in blocking-strict encrypts intents too', async () => {
    const path = place();
    const { client, connect } = pair();
    const keys = place();
    const sink = new FileSink(path);
    withLogging(client, { sink, environment, actorId: 'ann', mode: 'blocking-strict', erasure: { keys } });
    await connect();
    await client.callTool(echo);
    await auditLogOf(client)?.shutdown();
    const text = readFileSync(path, 'utf8');
    expect(text).not.to.include(secret).and.not.include('"ann"');
    const calls = text.split('\n').filter((line) => line.includes('"tools/call"'));
    expect(
      calls.map((line) =>
        (JSON.parse(line) as AuditRecord).personal?.[0]?.fields.includes('mcp.tool_arguments'),
      ),
    ).to.deep.equal([true, true]);
  });

  it('keeps long values within the length of a line, and says what was cut', async () => {
    const { client, connect, sink, keys } = audited({}, { redaction: { limits: { stringBytes: 65_535 } } });
    await connect();
    const sizes = [5_000, 30_000, 44_000, 50_000, 61_000, 200_000];
    for (const size of sizes)
      await client.callTool({ name: 'echo', arguments: { message: 'a "b" \\ é'.repeat(size / 10) } });
    const records = sink.of('tools/call');
    expect(records).to.have.length(sizes.length);
    for (const [index, record] of records.entries()) {
      expect(Buffer.byteLength(JSON.stringify(record)), `${sizes[index]}`).to.be.at.most(65_534);
      const { record: opened, faults } = openRecord({ ...record }, new KeyFolder(keys));
      expect(faults).to.deep.equal([]);
      expect(opened).to.have.nested.property('mcp.tool_arguments');
      if (sizes[index]! > 50_000) expect(opened).to.have.property('truncated');
      expect(JSON.stringify(record.truncated ?? [])).not.to.include('tool_arguments');
    }
  });

  describe('where the key cannot be had', () => {
    it('withholds the values, keeps the record, tells and counts', async () => {
      const failing: SubjectKeys = {
        pseudonym: (subject) => `p-${subject.length}`,
        keyFor: () => {
          throw new Error('the KMS is away');
        },
        isKept: () => true,
      };
      const { record, errors, client } = await called({ keys: failing });
      expect(JSON.stringify(record)).not.to.include(secret).and.not.include('"ann"');
      expect(record).to.include({ actor_id: '[WITHHELD]', outcome: 'OUTCOME_SUCCESS' });
      expect(record.personal?.[0]).to.include({ withheld: 'no_key' });
      expect(errors[0]?.message).to.include('the KMS is away');
      expect(auditLogOf(client)?.stats().withheld).to.be.greaterThan(0);
    });

    it('because the folder is gone, does the same', async () => {
      const made = audited({});
      rmSync(made.keys, { recursive: true });
      await made.connect();
      await made.client.callTool(echo);
      expect(made.sink.only('tools/call').personal?.[0]).to.include({ withheld: 'no_key' });
    });
  });

  describe('after an erasure', () => {
    it('withholds values of a person whose key is gone, within a second, and makes no other', async function () {
      this.timeout(10_000);
      const { client, connect, sink, keys } = audited({});
      await connect();
      await client.callTool(echo);
      const folderOfKeys = new KeyFolder(keys);
      const id = folderOfKeys.idOf('ann')!;
      folderOfKeys.erase(id);
      // What is still recorded with the key in memory cannot be read by anybody.
      await client.callTool(echo);
      await new Promise((resolve) => setTimeout(resolve, 1_050));
      await client.callTool(echo);
      const [before, meanwhile, afterwards] = sink.of('tools/call');
      for (const record of [before, meanwhile]) {
        const opened = openRecord({ ...record }, folderOfKeys).record as unknown as AuditRecord;
        expect(opened.personal?.[0]).to.include({ state: 'erased' }).and.have.property('erased_at');
        expect(JSON.stringify(opened)).not.to.include(secret);
      }
      expect(afterwards).to.include({ actor_id: '[WITHHELD]' });
      expect(afterwards?.personal).to.deep.equal([
        { fields: ['mcp.tool_arguments', 'mcp.tool_result', 'actor_id'], withheld: 'erased' },
      ]);
      expect(readdirSync(keys).filter((name) => name.endsWith('.key'))).to.deep.equal([]);
    });
  });

  it('has its key on the disk before the first record that needs it', async () => {
    let seen: boolean | undefined;
    const keys = place();
    const sink = {
      emit: (records: readonly AuditRecord[]) => {
        const id = records.flatMap(({ personal = [] }) => personal).at(0)?.key_id;
        if (id !== undefined) seen ??= existsSync(join(keys, `${id}.key`));
      },
    };
    const { client, connect } = pair();
    withLogging(client, { sink, environment, actorId: 'ann', erasure: { keys } });
    await connect();
    await client.callTool(echo);
    expect(seen).to.equal(true);
  });
});
