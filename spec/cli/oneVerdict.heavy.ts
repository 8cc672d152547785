import { expect } from 'chai';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isBad, VERDICT_TITLES } from '../../lib/integrity/verification/verdict.js';
import { runBuiltCommand as run } from '../support/builtCli.js';
import { DAMAGES, given, makeScene, type DamagedScene as Scene } from '../support/logDamages.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/** The verdict that a command gives, as its output for programs and the one for people have it. */
interface Said {
  readonly command: string;
  readonly code: number;
  readonly status: unknown;
  readonly sentence: unknown;
  readonly text: string;
}

const parse = (text: string) => JSON.parse(text) as Record<string, unknown>;
/** Paths are shown without their folder on a page that is given away. */
const withoutFolder = (text: unknown, scene: Scene) =>
  String(text).replaceAll(`${join(scene.path, '..')}/`, '');
const unescaped = (html: string) =>
  html
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');

async function verifySays(scene: Scene, keys: readonly string[]): Promise<Said> {
  const [json, text] = await Promise.all([
    run(['verify', scene.path, ...keys, '--json']),
    run(['verify', scene.path, ...keys]),
  ]);
  expect(json.code).to.equal(text.code);
  const { status, verdict } = parse(json.out);
  return { command: 'verify', code: json.code, status, sentence: verdict, text: text.out };
}

async function reportSays(scene: Scene, keys: readonly string[]): Promise<Said[]> {
  const page = join(scene.older, 'page.html');
  const [model, json] = await Promise.all([
    run(['report', scene.path, ...keys, '--json', '-o', '-']),
    run(['report', scene.path, ...keys, '--json', '-o', page]),
  ]);
  const text = await run(['report', scene.path, ...keys, '-o', page]);
  expect([model.code, json.code]).to.deep.equal([text.code, text.code]);
  const { integrity } = JSON.parse(model.out) as { integrity: { status: string; findings: string[] } };
  const short = parse(json.out);
  const html = unescaped(readFileSync(page, 'utf8'));
  const code = text.code;
  return [
    { command: 'report', code, status: short['integrity'], sentence: short['verdict'], text: text.out },
    {
      command: 'report: the model',
      code,
      status: integrity.status,
      sentence: integrity.findings[0],
      text: text.out,
    },
    { command: 'report: the page', code, status: integrity.status, sentence: short['verdict'], text: html },
  ];
}

async function querySays(scene: Scene, keys: readonly string[]): Promise<Said> {
  const [json, text] = await Promise.all([
    run(['query', scene.path, '--verify', ...keys, '--json']),
    run(['query', scene.path, '--verify', ...keys]),
  ]);
  const { status, verdict } = parse(json.err.split('\n').find((line) => line.includes('"verdict"')) ?? '{}');
  return { command: 'query --verify', code: json.code, status, sentence: verdict, text: text.err };
}

/** Of evidence also what it says of the log inside the bundle, and what verify says of the bundle. */
async function evidenceSays(scene: Scene, keys: readonly string[]): Promise<Said[]> {
  const bundle = join(scene.older, 'bundle.zip');
  const args = ['evidence', scene.path, '--framework', 'soc2', ...keys, '-o', bundle];
  const json = await run([...args, '--json']);
  const text = await run(args);
  const [log] = (JSON.parse(json.out) as { logs: { status: string; verdict: string }[] }).logs;
  const own: Said = {
    command: 'evidence',
    code: json.code,
    status: log?.status,
    sentence: log?.verdict,
    text: text.out,
  };
  const checked = await run(['verify', bundle, ...(keys.length > 0 ? keys : ['--vkey', scene.vkey])]);
  const ok = log?.status !== undefined && ['intact', 'unconfirmed', 'partly-sealed'].includes(log.status);
  expect(checked.code, `${log?.status}: verify of the bundle: ${checked.out}${checked.err}`).to.equal(
    ok ? 0 : 1,
  );
  if (!ok)
    expect(checked.out).to.include(log?.status === 'unsealed' ? 'is not sealed' : (log?.verdict ?? ''));
  return [own];
}

describe('every command gives one verdict', function () {
  this.timeout(120_000);
  for (const { what, damage, keys = given, verdict, says } of DAMAGES)
    it(`on a log with ${what}: ${verdict}`, async () => {
      const folder = temporaryFolder();
      const scene = await makeScene(folder.path);
      await damage?.(scene);
      const before = readdirSync(folder.path, { recursive: true }).length;
      const vkeys = keys(scene);
      const verify = await verifySays(scene, vkeys);
      const others = (
        await Promise.all([
          reportSays(scene, vkeys),
          querySays(scene, vkeys).then((each) => [each]),
          evidenceSays(scene, vkeys),
        ])
      ).flat();
      const sentence = withoutFolder(verify.sentence, scene);
      expect([verify.status, sentence]).to.deep.equal([verdict, sentence]);
      expect(sentence, sentence).to.match(says);
      const wanted = { intact: 0, unconfirmed: 0, unsealed: 3 }[verdict as string] ?? 1;
      expect(verify.code).to.equal(wanted);
      for (const said of [verify, ...others]) {
        expect([said.command, said.status, withoutFolder(said.sentence, scene)]).to.deep.equal([
          said.command,
          verdict,
          sentence,
        ]);
        const text = withoutFolder(said.text, scene);
        expect(text.toLowerCase(), said.command).to.include(VERDICT_TITLES[verdict].toLowerCase());
        expect(text, said.command).to.include(sentence);
        expect(text, said.command).not.to.match(/\n\s+at |unexpected fault/);
      }
      // What cannot be read of a log comes before what is wrong with it.
      for (const { command, code } of others)
        expect([command, code]).to.satisfy(
          ([, exit]: [string, number]) => exit === (isBad(verdict) ? 1 : 0) || (isBad(verdict) && exit === 3),
        );
      expect(readdirSync(folder.path, { recursive: true }).length).to.equal(before + 2);
      folder.remove();
    });
});
