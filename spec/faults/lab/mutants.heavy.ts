import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { broken, register, tryAll, type Attack, type Try } from './attack.js';
import { integrityAttacks } from './attacks/integrity.js';
import { kernelAttacks } from './attacks/kernel.js';
import { receiverAttacks } from './attacks/receivers.js';
import { secretAttacks } from './attacks/secrets.js';
import { valueAttacks } from './attacks/values.js';
import { named } from './attacks/writing.js';
import { Project } from './project.js';

const ATTACKS: readonly Attack[] = [
  ...valueAttacks,
  ...secretAttacks,
  ...kernelAttacks,
  ...receiverAttacks,
  ...integrityAttacks,
];

/** A line that protects, what stands there without it, and the attack that must then succeed. */
const LINES: Readonly<Record<string, { line: string; without: string; item: number; attempt: RegExp }>> = {
  'the redaction of a value': {
    line: 'pass.hide(text ?? "", mask || text === void 0)',
    without: 'value',
    item: 16,
    attempt: /^1234567$/,
  },
  'the escaping of a line': {
    line: '!line.includes("\\x7F") ? line : escapeControls(line)',
    without: 'true ? line : line',
    item: 9,
    attempt: /^CSI$/,
  },
  'the fdatasync': {
    line: 'await fdatasyncAsync(this.fd), this.#durable',
    without: 'this.#durable',
    item: 24,
    attempt: /^EIO from fdatasync 2, blocking$/,
  },
  'the removal of a half line': {
    line: 'fstatSync(this.fd).size > this.#size && ftruncateSync(this.fd, this.#size), ',
    without: '',
    item: 23,
    attempt: /^7 KiB, blocking$/,
  },
  'the signature of the body': {
    line: '"x-signature": createHmac("sha256", this.#key).update(body).digest("hex"),',
    without: '',
    item: 36,
    attempt: /^json, a plain key$/,
  },
  'the signature of id and time': {
    line: '.update(`${id}.${timestamp}.`)',
    without: '',
    item: 36,
    attempt: /^json, a plain key$/,
  },
  'the signing of a checkpoint': {
    line: '(bytes) => sign(null, bytes, privateKey)',
    without: '() => Buffer.alloc(64)',
    item: 37,
    attempt: /^edit at 10$/,
  },
};

/** Spoils one line of a copy of the build; it must be there exactly once. */
function spoil(project: Project, line: string, without: string): void {
  const parts = join(project.package, 'dist', 'esm', 'parts');
  const files = readdirSync(parts)
    .filter((name) => name.endsWith('.js'))
    .map((name) => join(parts, name));
  const found = files.filter((file) => readFileSync(file, 'utf8').includes(line));
  const [file] = found;
  const text = file === undefined ? '' : readFileSync(file, 'utf8');
  if (file === undefined || found.length > 1 || text.split(line).length !== 2)
    throw new Error(`the line is not in the build exactly once; give another one: ${line}`);
  writeFileSync(
    file,
    text.replace(line, () => without),
  );
}

/** The attack fails on the spoilt copy, and on a copy that is not spoilt it holds. */
function mutant(name: string): Try {
  return async () => {
    const { line = '', without = '', item, attempt = /^$/ } = LINES[name] ?? {};
    const whole = ATTACKS.filter((attack) => attack.item === item);
    const tries = Object.fromEntries(
      whole.flatMap((each) => Object.entries(each.tries)).filter(([title]) => attempt.test(title)),
    );
    const attack: Attack = { item: item ?? 0, title: name, tries };
    const project = new Project('copied');
    try {
      const before = await tryAll(attack, project);
      spoil(project, line, without);
      const after = await tryAll(attack, project);
      return broken(
        [Object.keys(tries).length === 1, 'there is no such try'],
        [before.length === 0, `it fails unspoilt: ${before.join('; ')}`],
        [after.length > 0, `attack ${item} does not notice`],
      );
    } finally {
      project.remove();
    }
  };
}

register('lines that are taken away', [
  {
    item: 43,
    title: 'without the redaction, escaping, fsync or signing line an attack succeeds',
    tries: named(Object.keys(LINES), String, mutant),
  },
]);
