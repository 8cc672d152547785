import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Answer } from './answer.js';

/** Where something was measured. */
export interface Environment {
  readonly node: string;
  readonly system: string;
  readonly cores: number;
  readonly cpu: string;
  /** Gibibytes. */
  readonly memory: number;
}

/** The answer to a question, and where it was found: questions are asked anew one at a time. */
export type Dated = Answer & { readonly environment: Environment };

/** Answers by the names of their questions. */
export type Results = Readonly<Record<string, Dated>>;

/** The committed results. */
export const RESULTS = fileURLToPath(new URL('../results.json', import.meta.url));

const spread = z.tuple([z.number(), z.number(), z.number()]);
const schema = z.record(
  z.string(),
  z.object({
    environment: z.object({
      node: z.string(),
      system: z.string(),
      cores: z.number(),
      cpu: z.string(),
      memory: z.number(),
    }),
    rounds: z.number(),
    cases: z.array(
      z.object({ name: z.string(), x: z.number().optional(), figures: z.record(z.string(), spread) }),
    ),
    ratios: z.array(
      z.object({
        name: z.string(),
        value: spread,
        atMost: z.number().optional(),
        atLeast: z.number().optional(),
      }),
    ),
  }),
);

/** What this process runs on. */
export function environment(): Environment {
  return {
    node: process.version,
    system: `${platform()} ${release()} ${arch()}`,
    cores: cpus().length,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    memory: Math.round(totalmem() / 2 ** 30),
  };
}

/** @throws Error when the file is there and holds something else than results. */
export function readResults(file = RESULTS): Results {
  if (!existsSync(file)) return {};
  const parsed = schema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (!parsed.success) throw new Error(`${file} holds no results: ${parsed.error.message}`);
  return parsed.data;
}

/** Writes answers beside those that are there. */
export function mergeResults(answers: Results, file = RESULTS): void {
  writeFileSync(file, `${JSON.stringify({ ...readResults(file), ...answers }, undefined, 1)}\n`);
}
