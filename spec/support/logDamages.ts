import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { splitNotes } from '../../lib/integrity/tlog/checkpoint.js';
import { integrityLayout } from '../../lib/integrity/storage/files.js';
import { type VerdictStatus } from '../../lib/integrity/verification/verdict.js';
import { sampleLogText } from './sampleLogFiles.js';
import { ORIGIN, TestLog } from './sealedLog.js';
import { newKey } from './signing.js';

/** A sealed log: a segment of 20 records, then 40 in the file being written, with a checkpoint at every tenth. */
export interface DamagedScene {
  readonly path: string;
  readonly segment: string;
  /** A copy of the folder as it was at 40 records. */
  readonly older: string;
  readonly vkey: string;
  readonly pem: string;
}

const LINES = sampleLogText({ records: 70 }).trimEnd().split('\n');

export async function makeScene(folder: string): Promise<DamagedScene> {
  mkdirSync(join(folder, 'log'));
  const log = await new TestLog(join(folder, 'log')).open();
  for (let at = 0; at < 60; at += 10) {
    log.write(...LINES.slice(at, at + 10));
    await log.log.seal();
    if (at === 10) log.rotate('audit.jsonl.20260101T000000Z');
    if (at === 30) {
      await log.close();
      cpSync(join(folder, 'log'), join(folder, 'older'), { recursive: true });
      await log.open();
    }
  }
  await log.close();
  const segment = join(folder, 'log', 'audit.jsonl.20260101T000000Z');
  return { path: log.path, segment, older: join(folder, 'older'), vkey: log.key.vkey, pem: log.key.pem };
}

const layout = ({ path }: DamagedScene) => integrityLayout(path);
const edit = (path: string, change: (lines: string[]) => string[]) => {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  writeFileSync(
    path,
    change(lines)
      .map((line) => `${line}\n`)
      .join(''),
  );
};
/** What `toSpliced` gives, for Node 20's oldest types. */
const spliced = (lines: readonly string[], at: number, count: number, ...put: string[]) => [
  ...lines.slice(0, at),
  ...put,
  ...lines.slice(at + count),
];
export const given = ({ vkey }: DamagedScene) => ['--vkey', vkey];
const none = () => [];

/** What is done to a log, the keys that the reader has, the verdict, and words of its sentence. */
export const DAMAGES: readonly {
  readonly what: string;
  readonly damage?: (scene: DamagedScene) => void | Promise<void>;
  readonly keys?: (scene: DamagedScene) => readonly string[];
  readonly verdict: VerdictStatus;
  readonly says: RegExp;
}[] = [
  { what: 'nothing', verdict: 'intact', says: /^all 60 records are as \S+ sealed them$/ },
  {
    what: 'an edited line',
    damage: ({ path }) =>
      edit(path, (lines) => lines.map((line, i) => (i === 5 ? line.replace('"seq":', '"seq": ') : line))),
    verdict: 'broken',
    says: /record 25 was edited$/,
  },
  {
    what: 'a deleted line',
    damage: ({ path }) => edit(path, (lines) => spliced(lines, 7, 1)),
    verdict: 'broken',
    says: /record 27 was deleted$/,
  },
  {
    what: 'a deleted line of a finished segment',
    damage: ({ segment }) => edit(segment, (lines) => spliced(lines, 3, 1)),
    verdict: 'broken',
    says: /record 3 was deleted$/,
  },
  {
    what: 'an inserted line',
    damage: ({ path }) => edit(path, (lines) => spliced(lines, 7, 0, LINES[65] ?? '')),
    verdict: 'broken',
    says: /a line was inserted before record 27$/,
  },
  {
    what: 'a line twice',
    damage: ({ path }) => edit(path, (lines) => spliced(lines, 7, 0, lines[6] ?? '')),
    verdict: 'broken',
    says: /the record at index 27 has seq 26/,
  },
  {
    what: 'two lines swapped',
    damage: ({ path }) => edit(path, (lines) => spliced(lines, 7, 2, lines[8] ?? '', lines[7] ?? '')),
    verdict: 'broken',
    says: /from record 27 on, records stand in another order/,
  },
  {
    what: 'a cut tail',
    damage: ({ path }) => edit(path, (lines) => lines.slice(0, -5)),
    verdict: 'broken',
    says: /ends after 55 records|records 55 to 59 were deleted/,
  },
  {
    what: 'lines behind the last checkpoint',
    damage: ({ path }) => appendFileSync(path, `${LINES[60]}\n${LINES[61]}\n`),
    verdict: 'partly-sealed',
    says: /^the first 60 records are as \S+ sealed them; the last 2 lines are not sealed/,
  },
  {
    what: 'a checkpoint that was cut',
    damage: (scene) => truncateSync(layout(scene).checkpoint, 40),
    verdict: 'broken',
    says: /checkpoint/,
  },
  {
    what: 'a checkpoint whose root was edited',
    damage: (scene) => {
      const { checkpoint } = layout(scene);
      writeFileSync(checkpoint, readFileSync(checkpoint, 'utf8').replace(/^(\S+\n60\n)./, '$1A'));
    },
    verdict: 'broken',
    says: /signature/,
  },
  {
    what: 'no checkpoint file, but the history of them',
    damage: (scene) => rmSync(layout(scene).checkpoint),
    verdict: 'intact',
    says: /^all 60 records/,
  },
  {
    what: 'damaged hashes of the leaves',
    damage: (scene) => writeFileSync(layout(scene).leaves, Buffer.alloc(60 * 32, 7)),
    verdict: 'intact',
    says: /^all 60 records/,
  },
  {
    what: 'damaged hashes of the leaves, and an edited line',
    damage: (scene) => {
      writeFileSync(layout(scene).leaves, Buffer.alloc(60 * 32, 7));
      edit(scene.path, (lines) =>
        lines.map((line, i) => (i === 5 ? line.replace('"seq":', '"seq": ') : line)),
      );
    },
    verdict: 'broken',
    says: /one of the records 20 to 29 was changed, removed or moved/,
  },
  {
    what: 'the wrong key',
    keys: () => ['--vkey', newKey(ORIGIN).vkey],
    verdict: 'untrusted',
    says: /^no key that is trusted here signed its checkpoints/,
  },
  {
    what: 'the key of another log',
    keys: () => ['--vkey', newKey('other.example.com/log').vkey],
    verdict: 'untrusted',
    says: /^no key that is trusted here signed its checkpoints/,
  },
  {
    what: 'a log signed by another key, with that key beside it',
    damage: async (scene) => {
      const folder = join(scene.older, 'forged');
      mkdirSync(folder);
      const forged = await new TestLog(folder).open();
      forged.write(...LINES.slice(0, 60));
      await forged.close();
      rmSync(scene.segment);
      rmSync(layout(scene).folder, { recursive: true });
      cpSync(folder, join(scene.path, '..'), { recursive: true });
    },
    verdict: 'untrusted',
    says: /^no key that is trusted here signed its checkpoints/,
  },
  {
    what: 'the key from beside the log',
    keys: none,
    verdict: 'unconfirmed',
    says: /^all 60 records agree with the key that lies beside the log/,
  },
  {
    what: 'no key at all',
    damage: (scene) => rmSync(layout(scene).vkey),
    keys: none,
    verdict: 'untrusted',
    says: /^no key that is trusted here signed its checkpoints/,
  },
  {
    what: 'a damaged key beside the log',
    damage: (scene) => writeFileSync(layout(scene).vkey, 'audit.example.com+rubbish\n'),
    keys: none,
    verdict: 'untrusted',
    says: /^no key that is trusted here signed its checkpoints/,
  },
  {
    what: 'no evidence',
    damage: (scene) => rmSync(layout(scene).folder, { recursive: true }),
    verdict: 'unsealed',
    says: /^there is no checkpoint for its 60 records/,
  },
  {
    what: 'no evidence, and no key',
    damage: (scene) => rmSync(layout(scene).folder, { recursive: true }),
    keys: none,
    verdict: 'unsealed',
    says: /^there is no checkpoint for its 60 records/,
  },
  {
    what: 'a missing segment',
    damage: ({ segment }) => rmSync(segment),
    verdict: 'broken',
    says: /the segment \S+ is missing, with records 0 to 19$/,
  },
  {
    what: 'a segment in the place of another',
    damage: ({ path, segment }) => {
      renameSync(path, `${path}.x`);
      renameSync(segment, path);
      renameSync(`${path}.x`, segment);
    },
    verdict: 'broken',
    says: /40 lines were inserted before record 0$/,
  },
  {
    what: 'a compressed segment that breaks off',
    damage: ({ segment }) => {
      writeFileSync(`${segment}.gz`, gzipSync(readFileSync(segment)).subarray(0, 200));
      rmSync(segment);
    },
    verdict: 'broken',
    says: /segment \S+ is damaged/,
  },
  {
    what: 'a damaged list of segments',
    damage: (scene) => writeFileSync(layout(scene).segments, '{"version":1'),
    verdict: 'broken',
    says: /segments\.json|list of segments/,
  },
  {
    what: 'an older log under a newer checkpoint',
    damage: ({ path, older }) => {
      cpSync(join(older, 'audit.jsonl'), path);
    },
    verdict: 'broken',
    says: /ends after 40 records|records 40 to 59 were deleted/,
  },
  {
    what: 'an older state, which no reader needs',
    damage: (scene) => cpSync(join(scene.older, 'audit.jsonl.integrity', 'state.json'), layout(scene).state),
    verdict: 'intact',
    says: /^all 60 records/,
  },
  {
    what: 'two histories by one key',
    damage: async (scene) => {
      const folder = join(scene.older, 'second');
      mkdirSync(folder);
      const second = await new TestLog(folder, { key: { pem: scene.pem } }).open();
      second.write(...LINES.slice(5, 45));
      await second.close();
      const { notes } = splitNotes(readFileSync(integrityLayout(second.path).history, 'utf8'));
      appendFileSync(layout(scene).history, notes.at(-1) ?? '');
    },
    verdict: 'broken',
    says: /two histories were signed/,
  },
  {
    what: 'the lines of two writers',
    damage: ({ path }) =>
      edit(path, (lines) => lines.flatMap((line, i) => [line, ...(i > 30 ? [LINES[i - 30] ?? ''] : [])])),
    verdict: 'broken',
    says: /the record at index 52 has seq 1,/,
  },
  {
    what: 'a torn last line',
    damage: ({ path }) => truncateSync(path, readFileSync(path).length - 1),
    verdict: 'broken',
    says: /line 59 was cut short/,
  },
  {
    what: 'another text in the place of the log',
    damage: ({ path }) => writeFileSync(path, 'Jan 15 09:30:00 host sshd[1]: hello\n'),
    verdict: 'broken',
    says: /record 20|line 20/,
  },
  {
    what: 'an empty file in the place of the log',
    damage: ({ path }) => writeFileSync(path, ''),
    verdict: 'broken',
    says: /ends after 20 records|records 20 to 59 were deleted|record 20/,
  },
];
