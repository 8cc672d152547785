import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Environment, Results } from './results.js';
import { tablesOf } from './tables.js';

const README = fileURLToPath(new URL('../README.md', import.meta.url));
const PART = /(<!-- bench: ([a-z0-9-]+) -->\n)[\s\S]*?(<!-- \/bench -->)/g;

/** The README's text with every table as the results have it. */
export function withTables(text: string, results: Results): string {
  return text.replace(PART, (_, open: string, name: string, close: string) => {
    const answer = results[name];
    const body =
      answer === undefined
        ? 'Not measured.'
        : `${tablesOf(answer)}\n\n${answer.rounds} rounds; ${where(answer.environment)}.`;
    return `${open}\n${body}\n\n${close}`;
  });
}

/** Writes the tables of the README anew. */
export function writeReadme(results: Results): void {
  writeFileSync(README, withTables(readFileSync(README, 'utf8'), results));
}

/** Where it was measured, in words. */
export function where({ node, cores, cpu, memory, system }: Environment): string {
  return `Node ${node.slice(1)}, ${cores} cores of ${cpu}, ${memory} GiB, ${system}`;
}
