import { expect } from 'chai';
import { appendFileSync, renameSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCli, startCli, until } from '../support/builtCli.js';
import { sampleLogText } from '../support/sampleLogFiles.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

describe('tail', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let log: string;
  const lines = sampleLogText({ records: 60 })
    .trimEnd()
    .split('\n')
    .map((line) => `${line}\n`);
  const part = (from: number, to: number) => lines.slice(from, to).join('');

  beforeEach(() => {
    folder = temporaryFolder();
    log = join(folder.path, 'audit.jsonl');
  });
  afterEach(() => folder.remove());

  it('begins with the last lines, and ends there when told not to follow', async () => {
    writeFileSync(log, part(0, 40));
    const tail = (...args: string[]) => runCli(['tail', '--json', '--no-follow', ...args, log]);
    expect((await tail()).stdout).to.equal(part(30, 40));
    expect((await tail('-n', '3')).stdout).to.equal(part(37, 40));
    expect((await tail('-n', '0')).stdout).to.equal('');
    expect((await tail('-n', '1000')).stdout).to.equal(part(0, 40));
  });

  it('shows one readable line a record, all fields with --details, and filters', async () => {
    writeFileSync(log, part(0, 40));
    const { stdout } = await runCli(['tail', '--no-follow', '-n', '5', log]);
    expect(stdout.trimEnd().split('\n')).to.have.length(6);
    const detailed = await runCli(['tail', '--no-follow', '--details', '-n', '1', log]);
    expect(detailed.stdout).to.match(/^ {4}record_id +[0-9a-f-]{36}$/m);
    const none = await runCli(['tail', '--no-follow', '--actor', 'nobody', '--json', log]);
    expect(none.stdout).to.equal('');
  });

  it('follows growth, half lines, rotation, truncation and deletion without a record lost or told twice', async () => {
    writeFileSync(log, part(0, 5));
    const { child, finished, said } = startCli(['tail', '--json', log]);
    await until(() => said() === part(0, 5));

    appendFileSync(log, lines[5]!.slice(0, 100));
    appendFileSync(log, lines[5]!.slice(100));
    await until(() => said() === part(0, 6));

    appendFileSync(log, part(6, 8));
    renameSync(log, `${log}.1`);
    appendFileSync(`${log}.1`, part(8, 10));
    writeFileSync(log, part(10, 12));
    await until(() => said() === part(0, 12));

    truncateSync(log);
    await new Promise((resolve) => setTimeout(resolve, 1200));
    appendFileSync(log, part(12, 13));
    await until(() => said() === part(0, 13));

    unlinkSync(log);
    await new Promise((resolve) => setTimeout(resolve, 1200));
    writeFileSync(log, part(13, 20));
    await until(() => said() === part(0, 20));

    child.kill('SIGINT');
    expect(await finished).to.include({ code: 0 });
  });

  /** Follows the first five lines, then sees what `change` leaves behind between two looks. */
  async function seesAfter(change: () => void, expected: string): Promise<void> {
    writeFileSync(log, part(0, 5));
    const { child, finished, said } = startCli(['tail', '--json', log]);
    await until(() => said() === part(0, 5));
    change();
    await until(() => said().length >= expected.length);
    expect(said()).to.equal(expected);
    child.kill('SIGINT');
    await finished;
  }

  for (const [what, to] of [
    ['past its old size', 17],
    ['to its old size', 10],
    ['to less than that', 7],
  ] as const)
    it(`misses nothing of a log that is truncated and has grown ${what} before the next look`, () =>
      seesAfter(
        () => {
          truncateSync(log);
          appendFileSync(log, part(5, to));
        },
        part(0, to),
      ));

  it('misses nothing of a log that is rotated twice before the next look', () =>
    seesAfter(
      () => {
        appendFileSync(log, part(5, 6));
        renameSync(log, `${log}.000001`);
        writeFileSync(log, part(6, 9));
        renameSync(log, `${log}.000002`);
        writeFileSync(log, part(9, 11));
      },
      part(0, 11),
    ));

  it('misses nothing where the file of a log is replaced, and copied and truncated, before the next look', () =>
    seesAfter(
      () => {
        writeFileSync(`${log}.next`, part(5, 9));
        renameSync(log, `${log}.000001`);
        renameSync(`${log}.next`, log);
        writeFileSync(`${log}.000002`, part(5, 9));
        truncateSync(log);
        appendFileSync(log, part(9, 12));
      },
      part(0, 12),
    ));

  it('waits for a log that is not there yet', async () => {
    const { child, finished, said } = startCli(['tail', '--json', log]);
    writeFileSync(log, part(0, 2));
    await until(() => said() === part(0, 2));
    child.kill('SIGTERM');
    expect(await finished).to.include({ code: 0 });
    expect(await runCli(['tail', '--no-follow', join(folder.path, 'none')])).to.include({ code: 3 });
  });

  it('reads standard input to its end', async () => {
    expect((await runCli(['tail', '--json', '-'], { stdin: part(0, 20) })).stdout).to.equal(part(0, 20));
  });

  it('makes control characters harmless', async () => {
    writeFileSync(log, sampleLogText({ records: 100, hostile: true }));
    const { stdout } = await runCli(['tail', '--no-follow', '--details', '-n', '100', log]);
    expect(stdout).to.include('\\u001b[31m');
    expect(stdout).not.to.match(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/);
  });
});
