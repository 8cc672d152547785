import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { AuditOptions } from '../../lib/config.js';
import { ConfigError } from '../../lib/errors.js';
import { openCommitmentKey } from '../../lib/integrity/commitmentKeys.js';
import { commitToContent, saltOf } from '../../lib/integrity/contentCommitment.js';
import { AuditSpanProcessor } from '../../lib/processor/processor.js';
import type { CommittedPart } from '../../lib/schema/parts.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import { audited } from '../../lib/decorators/audited.js';
import { auditLogOf, withLogging } from '../../lib/withLogging.js';
import { runCommand } from '../support/runCommand.js';
import { pair, type Pair } from '../support/inMemory.js';
import { MemorySink } from '../support/memorySink.js';
import { newKey } from '../support/signing.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const PIN = { message: '4711' };
const SAID = { content: [{ type: 'text', text: 'said 4711' }] };

describe('commitments on record', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let path: string;
  beforeEach(() => {
    folder = temporaryFolder();
    path = join(folder.path, 'audit.jsonl');
  });
  afterEach(() => folder.remove());

  const records = () =>
    readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditRecord);
  const only = (method: string) => {
    const [record, ...others] = records().filter(({ mcp }) => mcp?.method === method);
    expect(others).to.deep.equal([]);
    return record as AuditRecord;
  };
  const expected = (
    part: CommittedPart,
    content: unknown,
    { record_id }: AuditRecord,
    keys = `${path}.commitment.key`,
  ) => {
    const made = commitToContent(saltOf(openCommitmentKey('key', keys), record_id), part, content);
    return 'digest' in made ? made.digest : made;
  };
  const start = () =>
    records().find(({ resource }) => resource === 'audit/start')?.data as {
      policy: { commitments: unknown };
    };

  async function run(options: Partial<AuditOptions>, use: (pair: Pair) => unknown): Promise<void> {
    const sinks = options.sinks ?? [new FileSink(path)];
    const made = pair();
    withLogging(made.client, { environment: 'test', ...options, sinks });
    await made.connect();
    await use(made);
    await made.client.close();
    await auditLogOf(made.client)?.shutdown();
  }

  it('are to the arguments and the result before redaction, and tell a reader of the log neither', async () => {
    await run({ redactPatterns: ['message'] }, ({ client }) =>
      client.callTool({ name: 'echo', arguments: PIN }),
    );
    const call = only('tools/call');
    expect(call.mcp?.tool_arguments).to.deep.equal({ message: '[REDACTED]' });
    expect(call.commitments).to.deep.equal({
      key: openCommitmentKey('key', `${path}.commitment.key`).id,
      arguments: expected('arguments', PIN, call),
      result: expected('result', SAID, call),
    });
    expect(start().policy.commitments).to.equal(call.commitments?.key);
    expect(readFileSync(path, 'utf8')).not.to.contain('4711');
  });

  it('are to the arguments as the operation began with them, whatever the caller does to the object then', async () => {
    await run({}, async ({ client }) => {
      const given = { ...PIN };
      const call = client.callTool({ name: 'echo', arguments: given });
      given.message = '0000';
      await call;
    });
    const call = only('tools/call');
    expect(call.commitments?.arguments).to.equal(expected('arguments', PIN, call));
  });

  it('are on the records of other operations too, each by what it was given', async () => {
    await run({}, async ({ client }) => {
      await client.readResource({ uri: 'note://one' });
      await client.getPrompt({ name: 'greet', arguments: { who: 'Ada' } });
      await client.listTools();
    });
    const read = only('resources/read');
    expect(read.commitments?.arguments).to.equal(expected('arguments', { uri: 'note://one' }, read));
    const contents = [{ uri: 'note://one', text: 'a note' }];
    expect(read.commitments?.result).to.equal(expected('result', { contents }, read));
    const prompt = only('prompts/get');
    expect(prompt.commitments?.arguments).to.equal(expected('arguments', { who: 'Ada' }, prompt));
    expect(only('tools/list').commitments).to.have.property('result');
  });

  it('are on an intent by its own id, and on the record of its end by that one', async () => {
    await run({ mode: 'blocking-strict' }, ({ client }) => client.callTool({ name: 'echo', arguments: PIN }));
    const [intent, end] = records().filter(({ mcp }) => mcp?.method === 'tools/call') as [
      AuditRecord,
      AuditRecord,
    ];
    expect(intent.stage).to.equal('request_received');
    expect(intent.commitments).to.have.all.keys('key', 'arguments');
    for (const record of [intent, end])
      expect(record.commitments?.arguments).to.equal(expected('arguments', PIN, record));
    expect(intent.commitments?.arguments).not.to.equal(end.commitments?.arguments);
  });

  it('are to the data of user code', async () => {
    class Desk {
      @audited({ eventType: 'EVENT_TOOL_INVOCATION', resource: 'desk', data: { card: '4111' } })
      work() {
        return 7;
      }
    }
    const processor = new AuditSpanProcessor({ environment: 'test', sink: new FileSink(path) }).enable();
    new Desk().work();
    await processor.shutdown();
    const record = records().find(({ message }) => message.startsWith('Ran work')) as AuditRecord;
    expect(record.commitments?.data).to.equal(expected('data', { card: '4111' }, record));
  });

  it('say where a part is too large', async () => {
    const message = 'x'.repeat(1_100_000);
    await run({}, ({ client }) => client.callTool({ name: 'echo', arguments: { message } }));
    expect(only('tools/call').commitments?.left_out).to.deep.equal({
      arguments: 'too_large',
      result: 'too_large',
    });
  });

  it('are missing where they are switched off, and where no key can be kept; the log says so', async () => {
    await run({ commitments: false }, () => undefined);
    expect(only('initialize').commitments).to.equal(undefined);
    expect(start().policy.commitments).to.equal('none: the option commitments is false');
    expect(existsSync(`${path}.commitment.key`)).to.equal(false);
    const sink = new MemorySink();
    await run({ sinks: [sink], startRecord: true }, () => undefined);
    const [first] = sink.records;
    expect((first?.data as ReturnType<typeof start>).policy.commitments).to.match(
      /^none: no sink keeps a file/,
    );
    const without = () =>
      new AuditSpanProcessor({ environment: 'test', sink: new MemorySink(), commitments: true });
    expect(without).to.throw(ConfigError, /commitmentKey/);
  });

  it('are there without a file too, by a key of your own', async () => {
    const sink = new MemorySink();
    const commitmentKey = join(folder.path, 'own.key');
    await run({ sinks: [sink], commitmentKey }, ({ client }) =>
      client.callTool({ name: 'echo', arguments: PIN }),
    );
    const call = sink.only('tools/call');
    expect(call.commitments?.arguments).to.equal(expected('arguments', PIN, call, commitmentKey));
  });

  describe('prove', () => {
    const file = (name: string, content: unknown) => {
      writeFileSync(join(folder.path, name), typeof content === 'string' ? content : JSON.stringify(content));
      return join(folder.path, name);
    };
    let call: AuditRecord;
    const vkeyed = newKey('audit.example.com/agents');
    beforeEach(async () => {
      const integrity = { origin: 'audit.example.com/agents', key: { pem: vkeyed.pem } };
      const sinks = [new FileSink({ path, integrity })];
      await run({ sinks, redactPatterns: ['message'] }, ({ client }) =>
        client.callTool({ name: 'echo', arguments: PIN }),
      );
      call = only('tools/call');
    });
    const prove = (...more: string[]) =>
      runCommand(['prove', path, '--record-id', call.record_id, '--vkey', vkeyed.vkey, ...more]);

    it('says which part a content is, and that the record is in the sealed log', async () => {
      const { code, out } = await prove('--content', file('result.json', SAID));
      expect(out).to.match(
        /^ok: the content is the result of the record .*, at index \d+ of .*; the record is in the log as/,
      );
      expect(code).to.equal(0);
      expect((await prove('--content', file('arguments.json', PIN), '--part', 'arguments')).code).to.equal(0);
    });

    it('ends with 1 for any other content, part or record', async () => {
      const other = await prove('--content', file('other.json', { message: '4712' }));
      expect([other.code, other.err]).to.deep.equal([
        1,
        `otel-mcp-log prove: the content is not shown to be of the record ${call.record_id}: it is not its arguments, nor its result\n`,
      ]);
      expect((await prove('--content', file('a.json', PIN), '--part', 'result')).code).to.equal(1);
      const [first = ''] = records().map(({ record_id }) => record_id);
      const args = [
        'prove',
        path,
        '--vkey',
        vkeyed.vkey,
        '--content',
        join(folder.path, 'a.json'),
        '--record-id',
      ];
      expect((await runCommand([...args, first])).code).to.equal(1);
    });

    it('finds a record that was changed to fit a content, since it is no longer the sealed one', async () => {
      const forged = { message: '0000' };
      const line = JSON.stringify(call);
      const digest = expected('arguments', forged, call) as string;
      const text = readFileSync(path, 'utf8');
      expect(text).to.contain(line);
      writeFileSync(path, text.replace(call.commitments?.arguments ?? '', digest));
      expect((await prove('--content', file('forged.json', forged))).code).to.equal(1);
    });

    it('opens one record for somebody without the key, who needs the proof and the verifier key alone', async () => {
      const opening = join(folder.path, 'opening.json');
      expect((await prove('--open', '-o', opening)).code).to.equal(0);
      const proof = join(folder.path, 'proof');
      expect((await prove('--with-record', '-o', proof)).code).to.equal(0);
      const content = file('result.json', SAID);
      const check = (given: string, by = opening) =>
        runCommand(['check-proof', proof, '--vkey', vkeyed.vkey, '--content', given, '--opening', by]);
      const { code, out } = await check(content);
      expect([code, out]).to.satisfy(
        ([a, b]: [number, string]) => a === 0 && b.endsWith('; the content is its result\n'),
      );
      expect((await check(file('no.json', {}))).code).to.equal(1);
      const parsed = JSON.parse(readFileSync(opening, 'utf8')) as { salt: string };
      expect((await check(content, file('bent', { ...parsed, record_id: 'another' }))).code).to.equal(3);
      expect((await check(content, file('bent', { ...parsed, salt: parsed.salt.slice(1) }))).code).to.equal(
        3,
      );
      expect((await prove('--content', content, '--opening', opening)).code).to.equal(0);
    });

    it('says what is missing: the key, the right key, JSON', async () => {
      const content = file('result.json', SAID);
      const other = join(folder.path, 'other.key');
      openCommitmentKey('key', other);
      for (const [args, code, words] of [
        [['--content', content, '--commitment-key', other], 3, /does not hold the key/],
        [['--content', content, '--commitment-key', join(folder.path, 'none')], 3, /there is no key file/],
        [['--content', file('bad.json', '{')], 3, /is not JSON/],
        [['--content', content, '--part', 'resul'], 2, /--part needs/],
        [['--content', content, '--open'], 2, /either --content or --open/],
      ] as const) {
        const run = await prove(...args);
        expect(run.err).to.match(words);
        expect(run.code).to.equal(code);
      }
    });
  });
});
