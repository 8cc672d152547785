import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { plot } from './plot.js';
import type { Question } from './question.js';
import type { Results } from './results.js';

const FOLDER = fileURLToPath(new URL('../plots/', import.meta.url));

/** Draws every answer whose question is to be drawn, to `benchmarks/plots/`. */
export function writePlots(questions: readonly Question[], results: Results): void {
  mkdirSync(FOLDER, { recursive: true });
  for (const { name, asks, plot: axes } of questions) {
    const answer = results[name];
    if (axes !== undefined && answer !== undefined)
      writeFileSync(`${FOLDER}${name}.svg`, plot(asks, axes.over, answer));
  }
}
