import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A fenced block of a page of the documentation. */
export interface CodeBlock {
  /** `docs/sinks.md:120`: where it begins. */
  readonly place: string;
  /** The word after the fence. */
  readonly language: string;
  readonly text: string;
}

/** The pages that people copy from. */
const PAGES: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'benchmarks/README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  ...readdirSync(join(root, 'examples'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && !name.includes('node_modules'))
    .map((name) => `examples/${name}`),
];

/** Every fenced block of every page. */
export function codeBlocks(): CodeBlock[] {
  return PAGES.flatMap((page) => {
    const source = readFileSync(join(root, page), 'utf8');
    return [...source.matchAll(/^( *)```(\w*)[^\n]*\n([^]*?)^\1```$/gm)].map((match) => {
      const line = source.slice(0, match.index).split('\n').length;
      return { place: `${page}:${line}`, language: match[2] ?? '', text: match[3] ?? '' };
    });
  });
}
