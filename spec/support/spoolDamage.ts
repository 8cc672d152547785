import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import type { AuditRecord } from '../../lib/schema/record.js';
import type { GapInfo } from '../../lib/sinks/sink.js';
import { SpoolSink, type SpoolOptions } from '../../lib/sinks/spool/spoolSink.js';
import { draft, numbered } from './drafts.js';
import { ScriptedSink } from './scriptedSink.js';

/** A gap record as a pipeline makes one. */
export const gapRecord = (gap: GapInfo) => draft({ resource: 'audit/gap', data: gap });
const isGap = ({ resource }: AuditRecord) => resource === 'audit/gap';
/** How many records gap records tell of. */
export const lostIn = (records: readonly AuditRecord[]) =>
  records.filter(isGap).reduce((sum, { data }) => sum + (data as GapInfo).count, 0);
/** The first numbers. */
export const upTo = (count: number) => [...Array(count).keys()];

/** What somebody may do to the files of a spool that no process has open. */
type Damage =
  | {
      readonly do: 'delete' | 'truncate' | 'corrupt' | 'duplicate' | 'empty';
      readonly which: number;
      readonly at: number;
    }
  | { readonly do: 'swap'; readonly which: number; readonly at: number }
  | { readonly do: 'shuffle'; readonly which: number; readonly at: number };

const ACTS: Readonly<Record<Damage['do'], (path: string, at: number, other: string) => void>> = {
  delete: (path) => rmSync(path),
  truncate: (path, at) => truncateSync(path, Math.floor(readFileSync(path).length * at)),
  corrupt: (path, at) => {
    const bytes = readFileSync(path);
    if (bytes.length > 0)
      bytes.writeUInt8(bytes.readUInt8(Math.floor(bytes.length * at)) ^ 0x15, Math.floor(bytes.length * at));
    writeFileSync(path, bytes);
  },
  duplicate: (path) => {
    const number = Number(/(\d+)\.spool$/.exec(path)?.[1] ?? 0) + 7;
    if (path.endsWith('.spool'))
      copyFileSync(path, path.replace(/\d+\.spool$/, `${String(number).padStart(8, '0')}.spool`));
  },
  empty: (path) => {
    if (path.endsWith('.spool')) writeFileSync(path.replace(/\d+\.spool$/, '00000099.spool'), '');
  },
  swap: (path, _at, other) => {
    if (!path.endsWith('.spool') || !other.endsWith('.spool') || path === other) return;
    renameSync(path, `${path}.aside`);
    renameSync(other, path);
    renameSync(`${path}.aside`, other);
  },
  shuffle: (path) => {
    if (path.endsWith('.spool'))
      writeFileSync(
        path,
        readFileSync(path, 'utf8')
          .split('\n')
          .slice(0, -1)
          .reverse()
          .map((line) => `${line}\n`)
          .join(''),
      );
  },
};

/** The files of a spool that hold entries or its state. */
export const filesOf = (directory: string): string[] =>
  readdirSync(directory)
    .filter((name) => /^(\d+\.spool|cursor\.json|head\.json)$/.test(name))
    .sort();

/** What the copies of a spool's state say. */
const stateIn = (directory: string): (string | undefined)[] =>
  ['cursor.json', 'head.json'].map((name) => {
    const path = join(directory, name);
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  });

function damage(directory: string, { do: act, which, at }: Damage): void {
  const names = filesOf(directory);
  const [path = '', other = ''] = [names[which % names.length], names[(which + 1) % names.length]].map(
    (name) => join(directory, name ?? ''),
  );
  if (existsSync(path)) ACTS[act](path, at, other);
}

/** One run of a process: what the receiver got, and the number that the next record has. */
export async function run(
  directory: string,
  from: number | undefined,
  count: number,
  away: boolean,
  over: Partial<SpoolOptions> = {},
) {
  const receiver = new ScriptedSink('remote', [], away ? 'retryable' : 'take');
  const errors: number[] = [];
  const sink = new SpoolSink(receiver, {
    ...{ directory, segmentBytes: 2_500, maxExportBatchSize: 4, gapRecord, ...over },
    onError: (_, { lost }) => void errors.push(lost),
  });
  const first = from ?? (sink.lastSeq ?? -1) + 1;
  for (let done = 0; done < count; done += 3)
    await sink.emit(upTo(Math.min(3, count - done)).map((seq) => numbered(first + done + seq)));
  await sink.flush().catch(() => undefined);
  await sink.close();
  return {
    received: away ? [] : receiver.records,
    next: first + count,
    reported: errors.reduce((sum, each) => sum + each, 0),
    sink,
  };
}

const damages = fc.array(
  fc.record({
    do: fc.constantFrom<Damage['do']>(
      'delete',
      'truncate',
      'corrupt',
      'duplicate',
      'empty',
      'swap',
      'shuffle',
    ),
    which: fc.nat(20),
    at: fc.double({ min: 0, max: 0.999, noNaN: true }),
  }) as fc.Arbitrary<Damage>,
  { minLength: 1, maxLength: 3 },
);

/** Whatever is done to the files between two runs, each acknowledged record is delivered once, or told of as lost. */
export async function survivesDamage(parent: string, numRuns: number): Promise<void> {
  const plan = fc.record({
    before: fc.nat(12),
    waiting: fc.integer({ min: 1, max: 25 }),
    after: fc.nat(12),
    damages,
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ before, waiting, after, damages: acts }) => {
      const directory = join(mkdtempSync(join(parent, 'spool-')), 'spool');
      const first = await run(directory, 0, before, false);
      const second = await run(directory, undefined, waiting, true);
      expect(second.next, 'numbers go on').to.equal(before + waiting);
      const state = stateIn(directory);
      for (const act of acts) damage(directory, act);
      // Both copies of the state gone with the entries: then nothing is left that could tell.
      fc.pre(stateIn(directory).some((text, index) => text === state[index]));
      const third = await run(directory, undefined, after, false);
      const all = [...first.received, ...third.received];
      const records = all.filter((record) => !isGap(record));
      const seqs = records.map(({ seq }) => seq);
      expect(new Set(seqs).size, 'none twice under one number, none under two').to.equal(
        new Set(records.map(({ record_id }) => record_id)).size,
      );
      expect(third.next, 'no number is given again').to.equal(before + waiting + after);
      expect(new Set(seqs).size + lostIn(all), 'delivered or told of').to.equal(before + waiting + after);
      expect(third.reported, 'and the user is told').to.equal(lostIn(all));
    }),
    { numRuns },
  );
}
