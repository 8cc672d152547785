// Reads the declarations as the generator does: what it writes is compared by `npm run generated:check`.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { OPTIONS, PAGES } from '../../lib/options/tables.js';
import type { Option, OptionSet } from '../../lib/options/option.js';

const lib = fileURLToPath(new URL('../../lib', import.meta.url));
const sources = readdirSync(lib, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.[mc]?ts$/.test(file) && !file.endsWith(join('options', 'tables.ts')))
  .map((file) => ({ file, text: readFileSync(join(lib, file), 'utf8') }));

/** Each option that is declared, once: the sets that extend another hold the very same object. */
const declared = new Map<Option, string>();
for (const [set, options] of Object.entries<OptionSet>(OPTIONS))
  for (const [name, option] of Object.entries(options))
    if (!declared.has(option)) declared.set(option, `${set}.${name}`);
const today = [...declared].filter(([{ renamedTo }]) => renamedTo === undefined);

/** Those that two options have in common. */
function shared(of: (option: Option, name: string) => string | undefined): string[] {
  const seen = new Map<string, string>();
  return today.flatMap(([option, at]) => {
    const key = of(option, at.split('.')[1]!);
    if (key === undefined) return [];
    const other = seen.get(key);
    seen.set(key, at);
    return other === undefined ? [] : [`${other} and ${at}: ${key}`];
  });
}

describe('the declaration of an option', () => {
  it('is the only one with its name and its default', () => {
    expect(
      shared(({ default: value }, name) => (value === undefined ? undefined : `${name} ${value}`)),
    ).to.deep.equal([]);
  });

  it('is the only one with its variable', () => {
    expect(shared(({ variable }) => variable)).to.deep.equal([]);
  });

  it('is the only place in lib that states the bounds of an option', () => {
    const bounds = /\b(?:fallback|minimum|maximum|min|max): *-?[\d'"`]/;
    const checks = /\b(?:optional|require)(?:Integer|Delay)\(/;
    const wrong = sources.filter(
      ({ file, text }) =>
        (bounds.test(text) || checks.test(text)) && !file.startsWith('cli') && !file.startsWith('internal'),
    );
    expect(wrong.map(({ file }) => file)).to.deep.equal([]);
  });

  it('is where its default is written, which no other line of lib gives it', () => {
    const wrong = today.flatMap(([{ default: value }, at]) => {
      if (typeof value !== 'number') return [];
      const name = at.split('.')[1]!;
      const digits = String(value).replace(/\B(?=(\d{3})+$)/g, '_?');
      const again = new RegExp(`\\b${name}\\b[^\\n]{0,12}(?:=|\\?\\?|: ) *${digits}\\b`);
      return sources.filter(({ text }) => again.test(text)).map(({ file }) => `${at} in ${file}`);
    });
    expect(wrong).to.deep.equal([]);
  });

  it('names a page that exists', () => {
    const pages = new Set([...Object.values(PAGES), ...today.flatMap(([{ page }]) => page ?? [])]);
    for (const page of pages)
      expect(readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8'), page).to.include('# ');
  });
});
