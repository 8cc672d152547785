import { expect } from 'chai';
import { decodeLine } from '../../lib/codecs/json.js';
import { ConfigError } from '../../lib/errors.js';
import { StdoutSink, type StdoutSinkOptions } from '../../lib/sinks/stdoutSink.js';
import { expectFailure, sinkContract } from '../contract/sinkContract.js';
import { sampleRecord } from '../support/sampleRecords.js';
import { startStdoutChild } from '../support/stdoutChild.js';

sinkContract(
  'StdoutSink',
  async () => {
    const child = await startStdoutChild();
    const lines = async (): Promise<string[]> => (await child.output()).stdout.split('\n').slice(0, -1);
    return {
      sink: child.sink,
      lines,
      received: async () => (await lines()).map((line) => decodeLine(line)),
      breakReceiver: child.hangUp,
      dispose: async () => void (await child.output()),
    };
  },
  { writesLines: true },
);

describe('StdoutSink', () => {
  it('writes to the chosen stream only', async () => {
    const child = await startStdoutChild({ stream: 'stderr' });
    await child.sink.emit([sampleRecord()]);
    const { stdout, stderr } = await child.output();
    expect(stdout).to.equal('');
    expect(decodeLine(stderr)).to.deep.equal(sampleRecord());
  });

  it('survives a reader that has gone away, on every later write too', async () => {
    const child = await startStdoutChild();
    await child.hangUp();
    for (const index of [0, 1, 2]) {
      const error = expectFailure(await child.sink.emit([sampleRecord(index)]), 'permanent');
      expect(error.message).to.equal('stdout took no more: EPIPE');
    }
    expect(await child.output()).to.include({ code: 0, stderr: '' });
  });

  it('waits for a slow reader and loses nothing', async () => {
    const child = await startStdoutChild();
    const records = Array.from({ length: 200 }, (_, index) =>
      sampleRecord(index, { data: 'x'.repeat(10_000) }),
    );
    await Promise.all(records.map(async (record) => child.sink.emit([record])));
    const { stdout, stderr } = await child.output();
    expect(stderr, 'no warning of too many listeners').to.equal('');
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => decodeLine(line).seq),
    ).to.deep.equal(records.map(({ seq }) => seq));
  });

  it('uses the names of a profile', async () => {
    const child = await startStdoutChild({ profile: '0.2' });
    await child.sink.emit([sampleRecord()]);
    expect((await child.output()).stdout).to.contain('"sensitivity":"SENSITIVITY_PUBLIC_INTERNAL"');
  });

  it('is plain text when pretty goes to a pipe', async () => {
    const child = await startStdoutChild({ pretty: true });
    await child.sink.emit([sampleRecord()]);
    const { stdout } = await child.output();
    expect(stdout).to.contain('✔ success').and.to.contain('tools/echo');
    expect(stdout).not.to.contain('\u001b');
  });

  const wrong: [string, unknown][] = [
    ['StdoutSink.colour', { colour: true }],
    ['StdoutSink.pretty', { pretty: 'yes' }],
    ['StdoutSink.stream', { stream: 'stdin' }],
    ['StdoutSink.profile', { profile: '9' }],
    ['StdoutSink.name', { name: '' }],
    ['StdoutSink', null],
  ];
  for (const [option, options] of wrong) {
    it(`refuses ${JSON.stringify(options)}`, () => {
      expect(() => new StdoutSink(options as StdoutSinkOptions))
        .to.throw(ConfigError)
        .with.property('option', option);
    });
  }
});
