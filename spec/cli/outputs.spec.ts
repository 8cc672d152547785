import { expect } from 'chai';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { integrityLayout } from '../../lib/integrity/storage/files.js';
import { runBuiltCommand, runCli } from '../support/builtCli.js';
import { runCommand } from '../support/runCommand.js';
import { sampleLogText } from '../support/sampleLogFiles.js';
import { ORIGIN, TestLog } from '../support/sealedLog.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/** A folder with a sealed log of two segments, an older checkpoint and a key: all that the commands read. */
interface Scene {
  readonly folder: string;
  readonly log: string;
  readonly segment: string;
  readonly older: string;
  readonly vkey: string;
}

/** Every command that writes a file with `-o`: its arguments, up to the name of the output. */
const WRITERS: Readonly<Record<string, (scene: Scene) => readonly string[]>> = {
  query: ({ log }) => ['query', log],
  'query --format csv': ({ log }) => ['query', log, '--format', 'csv'],
  'query --follow-trace': ({ log }) => ['query', log, '--follow-trace', traceOf(log)],
  export: ({ log }) => ['export', log, '--format', 'ecs'],
  report: ({ log }) => ['report', log],
  'report --json': ({ log }) => ['report', log, '--json'],
  reconcile: ({ log, segment, folder }) => ['reconcile', log, serversOf([segment, log], folder)],
  evidence: ({ log, vkey }) => ['evidence', log, '--framework', 'pci', '--vkey', vkey],
  prove: ({ log, vkey }) => ['prove', log, '--index', '1', '--vkey', vkey],
  consistency: ({ log, older, vkey }) => [
    'consistency',
    older,
    integrityLayout(log).checkpoint,
    '--log',
    log,
    '--vkey',
    vkey,
  ],
};

/** The log of a server that was asked all that the log of its client says. */
function serversOf(files: readonly string[], folder: string): string {
  const path = join(folder, 'server');
  const lines = files.flatMap((file) => readFileSync(file, 'utf8').trimEnd().split('\n'));
  const served = lines
    .map((line) => JSON.parse(line) as { record_id: string; span_id: string; mcp?: { method?: string } })
    .filter(({ mcp }) => mcp?.method !== undefined)
    .map((record, index) => ({
      ...record,
      record_id: record.record_id.replace(/^./, 'f'),
      span_id: String(index + 1).padStart(16, '0'),
      parent_span_id: record.span_id,
      mcp: { ...record.mcp, side: 'server' },
    }));
  writeFileSync(path, served.map((record) => `${JSON.stringify(record)}\n`).join(''));
  return path;
}

function traceOf(log: string): string {
  return (JSON.parse(readFileSync(log, 'utf8').split('\n')[0] ?? '') as { trace_id: string }).trace_id;
}

async function makeScene(folder: string): Promise<Scene> {
  const lines = sampleLogText({ records: 30 }).trimEnd().split('\n');
  const sealed = await new TestLog(folder).open();
  sealed.write(...lines.slice(0, 10));
  await sealed.log.seal();
  const older = join(folder, 'older');
  writeFileSync(older, readFileSync(integrityLayout(sealed.path).checkpoint));
  sealed.rotate('audit.jsonl.20260101T000000Z').write(...lines.slice(10));
  await sealed.close();
  const vkey = join(folder, 'vkey');
  writeFileSync(vkey, `${sealed.key.vkey}\n`);
  const segment = join(folder, 'audit.jsonl.20260101T000000Z');
  return { folder, log: sealed.path, segment, older, vkey };
}

/** What every file of a folder holds. */
function contents(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  const files = names.filter((name) => statSync(join(folder, name)).isFile());
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(folder, name), 'base64')]));
}

/** Outputs that are refused: how they come about, and the exit code. */
const REFUSED: readonly (readonly [string, number, (scene: Scene) => string])[] = [
  ['the log', 2, ({ log }) => log],
  ['a segment of it', 2, ({ segment }) => segment],
  ['a name that a segment would have', 2, ({ log }) => `${log}.20270101T000000Z.gz`],
  ['a hard link to the log', 2, ({ log, folder }) => linked(linkSync, log, join(folder, 'hard'))],
  ['a hard link to a segment', 2, ({ segment, folder }) => linked(linkSync, segment, join(folder, 'hard'))],
  ['a symbolic link to the log', 2, ({ log, folder }) => linked(symlinkSync, log, join(folder, 'soft'))],
  [
    'a link to a link to a segment',
    2,
    ({ segment, folder }) =>
      linked(symlinkSync, linked(symlinkSync, segment, join(folder, 'soft')), join(folder, 'softer')),
  ],
  ['a file of its evidence', 2, ({ log }) => integrityLayout(log).state],
  ['a new file among its evidence', 2, ({ log }) => join(integrityLayout(log).folder, 'out')],
  ['a folder', 3, ({ folder }) => (mkdirSync(join(folder, 'out')), join(folder, 'out'))],
  ['a file in a folder that is not there', 3, ({ folder }) => join(folder, 'none', 'out')],
  ['a file in what is no folder', 3, ({ older }) => join(older, 'out')],
];

/** The page is put together by the build: what makes one runs from there. */
function runToEnd(args: readonly string[]) {
  return args[0] === 'report' || args[0] === 'evidence' ? runBuiltCommand(args) : runCommand(args);
}

function linked(link: (to: string, name: string) => void, to: string, name: string): string {
  link(to, name);
  return name;
}

describe('cli: the outputs of commands', function () {
  this.timeout(60_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let scene: Scene;
  beforeEach(async () => {
    folder = temporaryFolder();
    scene = await makeScene(folder.path);
  });
  afterEach(() => folder.remove());

  it('of every command that has an option for one are tried here', async () => {
    const { COMMANDS } = await import('../../lib/cli/run.js');
    const having = [];
    for (const [name, load] of Object.entries(COMMANDS))
      if (/-o, --output/.test((await load()).command.help)) having.push(name);
    const tried = [...Object.keys(WRITERS).map((name) => name.split(' ')[0]), 'keygen', 'export-tiles'];
    expect(having.sort()).to.deep.equal([...new Set(tried)].sort());
  });

  for (const [name, args] of Object.entries(WRITERS)) {
    it(`${name}: a new file is its owner's alone, and one that was there is replaced whole`, async () => {
      const out = join(scene.folder, 'out');
      expect(await runToEnd([...args(scene), '-o', out])).to.include({ code: 0 });
      const made = readFileSync(out);
      expect(made.length).to.be.greaterThan(0);
      expect(statSync(out).mode & 0o777).to.equal(0o600);
      writeFileSync(out, 'x'.repeat(1 << 20));
      chmodSync(out, 0o644);
      linkSync(out, join(scene.folder, 'kept'));
      expect(await runToEnd([...args(scene), '-o', out])).to.include({ code: 0 });
      expect(statSync(out).mode & 0o777).to.equal(0o600);
      // What had the name before is another file: whoever has it open, or linked, keeps it.
      expect(statSync(join(scene.folder, 'kept')).size).to.equal(1 << 20);
      expect(readdirSync(scene.folder).filter((each) => each.endsWith('.tmp'))).to.deep.equal([]);
    });

    it(`${name}: refuses what it reads, what belongs to the log, and what cannot be written`, async () => {
      for (const [what, exit, outputOf] of REFUSED) {
        const own = temporaryFolder();
        const place = await makeScene(own.path);
        const out = outputOf(place);
        const given = [...args(place), '-o', out];
        const before = contents(own.path);
        const { code, err } = await runCommand(given);
        expect([what, code]).to.deep.equal([what, exit]);
        const text = (err.trim().split('\n').at(0) ?? '').replace(/^\{"error":"/, '');
        expect(text, what).to.match(new RegExp(`^(?:otel-mcp-log \\S+: )?${out.replaceAll('.', '\\.')}: `));
        expect(err, what).not.to.match(/unexpected fault|\n\s+at /);
        expect(contents(own.path), what).to.deep.equal(before);
        own.remove();
      }
    });

    it(`${name}: says that a full device is full`, async function () {
      if (!existsSync('/dev/full')) this.skip();
      const { code, err } = await runToEnd([...args(scene), '-o', '/dev/full']);
      expect(code).to.equal(3);
      expect(err).to.include('/dev/full: cannot be written: no space left on the device');
      expect(statSync('/dev/full').isCharacterDevice()).to.equal(true);
    });
  }

  it('are not written into a folder that may not be written to', async function () {
    // Root may write everywhere, but for a process that has given up that right.
    const root = process.getuid?.() === 0;
    const drop = ['/usr/bin/setpriv', '--bounding-set', '-dac_override'];
    if (root && !existsSync(drop[0] ?? '')) this.skip();
    const locked = join(scene.folder, 'locked');
    mkdirSync(locked);
    chmodSync(locked, 0o555);
    for (const args of [
      ...Object.values(WRITERS).map((each) => each(scene)),
      ['keygen', '--origin', ORIGIN],
      ['export-tiles', scene.log, '--vkey', scene.vkey],
    ]) {
      const out = join(locked, 'out');
      const { code, stderr } = await runCli([...args, '-o', out], { through: root ? drop : [] });
      expect([args[0], code]).to.deep.equal([args[0], 3]);
      expect(stderr).to.include(`${out}: cannot be written: permission denied`);
    }
    expect(readdirSync(locked)).to.deep.equal([]);
  });

  it('leave nothing behind where a command fails on its way', async () => {
    const log = readFileSync(scene.log, 'utf8');
    writeFileSync(scene.log, log.replace('"seq":', '"sec":'));
    const before = readdirSync(scene.folder).sort();
    for (const args of [
      ['prove', scene.log, '--index', '10', '--vkey', scene.vkey, '-o', join(scene.folder, 'out')],
      ['export-tiles', scene.log, '--vkey', scene.vkey, '-o', join(scene.folder, 'out')],
    ])
      expect((await runCommand(args)).code, args[0]).to.equal(1);
    expect(readdirSync(scene.folder).sort()).to.deep.equal(before);
  });

  it('of export-tiles come to their name whole, for their owner alone, and never among others', async () => {
    const args = ['export-tiles', scene.log, '--vkey', scene.vkey, '-o'];
    const out = join(scene.folder, 'tiles');
    mkdirSync(out);
    expect((await runCommand([...args, out])).code).to.equal(0);
    expect(statSync(join(out, 'checkpoint')).mode & 0o777).to.equal(0o600);
    expect(statSync(join(out, 'tile')).mode & 0o777).to.equal(0o700);
    for (const [place, exit] of [
      [out, 2],
      [scene.log, 2],
      [scene.older, 3],
      [join(scene.folder, 'none', 'out'), 3],
      ['/dev/full', 3],
    ] as const) {
      const { code, err } = await runCommand([...args, place]);
      expect([place, code, err.split('\n')[0]?.includes(place)]).to.deep.equal([place, exit, true]);
    }
    expect(readdirSync(scene.folder).filter((each) => each.endsWith('.tmp'))).to.deep.equal([]);
  });

  it('of keygen are never written over what is there, whatever it is', async () => {
    symlinkSync(join(scene.folder, 'nowhere'), join(scene.folder, 'dangling'));
    const before = contents(integrityLayout(scene.log).folder);
    for (const place of [
      scene.log,
      integrityLayout(scene.log).checkpoint,
      scene.folder,
      join(scene.folder, 'dangling'),
      join(scene.older, 'out'),
      '/dev/full',
    ]) {
      const { code, err } = await runCommand(['keygen', '--origin', ORIGIN, '-o', place]);
      expect([place, code]).to.deep.equal([place, 3]);
      expect(err)
        .to.match(/^otel-mcp-log keygen: /)
        .and.to.include(`${place}: cannot be written: `);
    }
    expect(contents(integrityLayout(scene.log).folder)).to.deep.equal(before);
    expect(existsSync(join(scene.folder, 'nowhere'))).to.equal(false);
  });
});
