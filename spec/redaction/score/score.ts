import { createRedactor } from '../../../lib/redaction/createRedactor.js';
import type { RedactionOptions } from '../../../lib/redaction/policy/options.js';
import { harmlessSamples } from './harmless.js';
import { nameSamples, PACK_NAMES, packHarmless, packSecrets } from './packs.js';
import { randomFrom, type Random } from './random.js';
import { secretSamplesOf, type Sample } from './samples.js';

/** What has to be reached, in percent: of secrets hidden at least, of harmless samples changed at most. */
export const TARGET = { recall: 97, changed: 1 } as const;

/** What was measured of one section. */
interface Section {
  readonly name: string;
  readonly samples: number;
  /** Secrets that were left, or harmless samples that were changed. */
  readonly wrong: readonly Sample[];
}

export interface Score {
  readonly hidden: readonly Section[];
  readonly kept: readonly Section[];
  /** In percent. */
  readonly recall: number;
  readonly changed: number;
}

/** A part of a secret so long says enough of it. */
const PIECE = 12;

/** What is drawn to be hidden, and what to be kept. */
interface Draw {
  readonly secrets: (random: Random) => Sample[];
  readonly harmless: (random: Random) => Sample[];
}

/** Samples of the catalogue and the grammar. */
const ALL: Draw = { secrets: secretSamplesOf, harmless: harmlessSamples };

/** Measures a policy, the default one unless told otherwise, by samples that are drawn at random; the same for the same seed. */
export function measure(seed: number, policy: RedactionOptions = {}, draw: Draw = ALL): Score {
  const random = randomFrom(seed);
  const redactor = createRedactor(policy);
  const shown = (value: unknown): string => allTexts(redactor.value(value, 'tool'));
  const hidden = bySection(draw.secrets(random), ({ value, secret = '' }) => leaks(shown(value), secret));
  const kept = bySection(
    draw.harmless(random),
    ({ value }) => JSON.stringify(redactor.value(value, 'tool')) !== JSON.stringify(value),
  );
  return { hidden, kept, recall: 100 - share(hidden), changed: share(kept) };
}

/** Each pack by itself, without the defaults; at last how many names in prose are hidden where all packs and the defaults are on. */
export function measurePacks(seed: number, policy: RedactionOptions = {}) {
  const packs = PACK_NAMES.map((name) => ({
    name,
    score: measure(
      seed,
      { defaults: false, packs: { [name]: true }, ...policy },
      {
        secrets: (random) => packSecrets(name, random),
        harmless: (random) => packHarmless(name, random),
      },
    ),
  }));
  const every = Object.fromEntries(PACK_NAMES.map((name) => [name, true]));
  const names = measure(seed, { packs: every }, { secrets: nameSamples, harmless: () => [] });
  return { packs, names };
}

export type PackScores = ReturnType<typeof measurePacks>;

function share(sections: readonly Section[]): number {
  const all = sections.reduce((sum, { samples }) => sum + samples, 0);
  const wrong = sections.reduce((sum, section) => sum + section.wrong.length, 0);
  return (100 * wrong) / all;
}

function bySection(samples: readonly Sample[], isWrong: (sample: Sample) => boolean): Section[] {
  const names = [...new Set(samples.map(({ section }) => section))];
  return names.map((name) => {
    const own = samples.filter(({ section }) => section === name);
    return { name, samples: own.length, wrong: own.filter(isWrong) };
  });
}

function leaks(text: string, secret: string): boolean {
  if (text.includes(secret)) return true;
  for (let at = 0; at + PIECE <= secret.length; at++)
    if (text.includes(secret.slice(at, at + PIECE))) return true;
  return false;
}

/** All texts and keys of a value, and what is written in Base64 or JSON inside them. */
function allTexts(value: unknown, depth = 0): string {
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value)
      .map(([key, item]) => `${key}\n${allTexts(item, depth)}`)
      .join('\n');
  }
  const text = String(value);
  if (depth > 3) return text;
  const decoded = [...text.matchAll(/[A-Za-z0-9+/_-]{24,}={0,2}/g)].map(([run]) =>
    Buffer.from(run, 'base64').toString('utf8'),
  );
  return [text, ...decoded, ...parsed(text, depth)].join('\n');
}

function parsed(text: string, depth: number): string[] {
  try {
    return /^\s*[[{"]/.test(text) ? [allTexts(JSON.parse(text), depth + 1)] : [];
  } catch {
    return [];
  }
}
