import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { hold } from '../../lib/sinks/file/journal.js';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import { auditLogOf, withLogging } from '../../lib/withLogging.js';
import { pair } from '../support/inMemory.js';
import { runCommand } from '../support/runCommand.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

describe("a shell's audit.jsonl*", () => {
  const folder = temporaryFolder();
  after(() => folder.remove());

  it('names a log, its parts and its journals; keys, locks, proofs and leftovers beside them are no logs', async () => {
    const path = join(folder.path, 'audit.jsonl');
    const { client, connect } = pair();
    withLogging(client, {
      environment: 'test',
      commitments: true,
      sink: new FileSink({
        path,
        accessLog: true,
        rotate: { maxBytes: 4_096 },
        integrity: { origin: 'audit.example.com/agents', key: { generate: join(folder.path, 'key.pem') } },
      }),
    });
    await connect();
    for (let i = 0; i < 20; i++) await client.callTool({ name: 'echo', arguments: { message: 'hello' } });
    await auditLogOf(client)?.forceFlush();
    await hold(path, 'asked for by court', 'case-7', { by: 'test', onNotice: () => undefined });
    writeFileSync(`${path}.torn-2026-01-01T000000.000Z`, '{"record_id":"0197');
    writeFileSync(`${path}.000001.gz.tmp`, 'half a part');
    const named = () => readdirSync(folder.path).filter((name) => name.startsWith('audit.jsonl'));
    const ask = () => runCommand(['query', '--count', ...named().map((name) => join(folder.path, name))]);
    // The first call makes the journal of readers, which the second names too. The writer still runs, so its locks are there.
    await ask();
    expect(named()).to.include.members(
      [
        'lock',
        'integrity',
        'commitment.key',
        'retention.key',
        'retention.jsonl',
        'access.key',
        'access.jsonl',
      ].map((end) => `audit.jsonl.${end}`),
    );
    const run = await ask();
    await auditLogOf(client)?.shutdown();
    expect(run.err).to.equal('');
    expect(run.code).to.equal(0);
  });
});
