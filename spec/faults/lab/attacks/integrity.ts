// What somebody does to a sealed log, and what the command line says of it.
import { execFile } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { broken, type Attack, type Try } from '../attack.js';
import type { Scene } from '../scene.js';
import { logOf, named, pairs, write } from './writing.js';

const SIZE = 60;

/** A sealed log of so many records. */
async function sealed(scene: Scene): Promise<void> {
  const integrity = {
    origin: 'lab.example.com/log',
    key: { generate: scene.path('key.pem') },
    checkpointEvery: 10,
  };
  await write(scene, { count: SIZE, file: { integrity } });
}

function verify(scene: Scene, ...more: string[]): Promise<{ code: number; first: unknown }> {
  const args = [scene.project.cli, 'verify', logOf(scene), '--json', ...more];
  return new Promise((resolve) =>
    execFile(process.execPath, args, (error, stdout) => {
      const report = stdout.startsWith('{') ? (JSON.parse(stdout) as { first_bad_index?: unknown }) : {};
      resolve({ code: error === null ? 0 : Number(error.code), first: report.first_bad_index });
    }),
  );
}

/** How the lines are changed, and the first index that is wrong then. */
const TAMPERS: Readonly<Record<string, (lines: string[], at: number) => readonly [string[], number]>> = {
  edit: (lines, at) => [spliced(lines, at, 1, (lines[at] ?? '').replace('call/', 'cull/')), at],
  delete: (lines, at) => [spliced(lines, at, 1), at],
  insert: (lines, at) => [spliced(lines, at, 0, (lines[0] ?? '').replace('"seq":0', '"seq":7')), at],
  duplicate: (lines, at) => [spliced(lines, at, 0, lines[at] ?? ''), at + 1],
  reorder: (lines, at) => [spliced(lines, at, 2, lines[at + 1] ?? '', lines[at] ?? ''), at],
  truncate: (lines, at) => [lines.slice(0, at), at],
};

function spliced(lines: readonly string[], at: number, count: number, ...others: string[]): string[] {
  return [...lines.slice(0, at), ...others, ...lines.slice(at + count)];
}

const tampered =
  (how: string, at: number): Try =>
  async (scene) => {
    await sealed(scene);
    const sound = await verify(scene);
    const [lines, index] = TAMPERS[how]?.(readFileSync(logOf(scene), 'utf8').trimEnd().split('\n'), at) ?? [
      [],
      -1,
    ];
    writeFileSync(logOf(scene), lines.map((line) => `${line}\n`).join(''));
    const { code, first } = await verify(scene);
    return broken(
      [sound.code === 0, 'it does not verify as it is'],
      [code === 1 && first === index, `exit code ${code}, index ${String(first)}, not ${index}`],
    );
  };

const forged =
  (how: 'checkpoint' | 'key'): Try =>
  async (scene) => {
    await sealed(scene);
    const checkpoint = join(`${logOf(scene)}.integrity`, 'checkpoint');
    const vkey = join(`${logOf(scene)}.integrity`, 'vkey');
    const kept = readFileSync(vkey, 'utf8').trim();
    if (how === 'checkpoint')
      writeFileSync(checkpoint, readFileSync(checkpoint, 'utf8').replace(/\n\d+\n/, '\n50\n'));
    const other = 'lab.example.com/log+00000000+AQID';
    const { code } = await verify(scene, '--vkey', how === 'key' ? other : kept);
    return broken([code !== 0, 'it verifies']);
  };

/** An older log and its older checkpoint, which are sound by themselves. */
const rolledBack =
  (records: number): Try =>
  async (scene) => {
    const integrity = { origin: 'lab.example.com/log', key: { generate: scene.path('key.pem') } };
    await write(scene, { count: records, file: { integrity } });
    cpSync(`${logOf(scene)}.integrity`, scene.path('older'), { recursive: true });
    const older = readFileSync(logOf(scene));
    const size = older.toString().trimEnd().split('\n').length;
    await write(scene, { from: 100, count: 8, file: { integrity } });
    writeFileSync(scene.path('newer'), readFileSync(join(`${logOf(scene)}.integrity`, 'checkpoint')));
    cpSync(scene.path('older'), `${logOf(scene)}.integrity`, { recursive: true, force: true });
    writeFileSync(logOf(scene), older);
    const alone = await verify(scene);
    const against = await verify(scene, '--against', scene.path('newer'));
    return broken(
      [alone.code === 0, 'the older log is not sound'],
      [
        against.code === 1 && against.first === size,
        `exit code ${against.code}, index ${String(against.first)}`,
      ],
    );
  };

/** ATTACKS 37 and 38. */
export const integrityAttacks: readonly Attack[] = [
  {
    item: 37,
    title:
      'edit, delete, insert, duplicate, reorder, truncate, forge: verify fails and names the first bad index',
    tries: {
      ...named(
        pairs(Object.keys(TAMPERS), [1, 10, 33]),
        ([how, at]) => `${how} at ${at}`,
        ([how, at]) => tampered(how, at),
      ),
      ...named(['checkpoint', 'key'] as const, (how) => `another ${how}`, forged),
    },
  },
  {
    item: 38,
    title: 'a rollback is caught, given a newer checkpoint',
    tries: named([4, 12, 40], (records) => `to ${records} records`, rolledBack),
  },
];
