import { DEFAULT_KEY_PATTERNS, NAMED_KEYS, NUMBER_NAMES } from '../../../lib/redaction/keys/nameLists.js';
import { SHAPES } from '../../../lib/redaction/detectors/shapes.js';
import { ALPHABETS, parseTemplate, type Shape } from '../../../lib/redaction/detectors/template.js';
import { TOOLS } from '../../../lib/redaction/detectors/commands.js';
import { COMPLETED } from './checksums.js';
import { FORMS, OBJECTS, PLACES } from './forms.js';
import { luhnNumber } from './numbers.js';
import type { Random } from './random.js';

/** A value, and the secret that must not be left in it; without one the value must stay as it is. */
export interface Sample {
  readonly section: string;
  readonly kind: string;
  readonly value: unknown;
  readonly secret?: string;
}

/** All characters of an alphabet, from its ranges. */
function charactersOf(alphabet: string): string {
  const set = (ALPHABETS[alphabet] ?? '').replace('\\w', 'A-Za-z0-9_');
  return set.replace(/(.)-(.)/g, (_range, first: string, last: string) => {
    const [from, to] = [first.charCodeAt(0), last.charCodeAt(0)];
    return String.fromCharCode(...Array.from({ length: to - from + 1 }, (_, index) => from + index));
  });
}

/** A key as a shape says; of a part with room, as long as the shape lets it be, within reason. */
export function keyOf({ parts }: Shape, random: Random): string {
  return parts
    .map((part) => {
      if ('literal' in part) return part.literal;
      const length = random.between(part.least, Math.min(part.most, part.least + 20));
      const run = random.text(charactersOf(part.alphabet).replace(/[=~.]/g, ''), length);
      return part.digit && !/\d/.test(run) ? `${run.slice(0, -1)}7` : run;
    })
    .join('');
}

/** Every line of the catalogue, in some of the places that a key can stand in. */
function shapeSamples(random: Random): Sample[] {
  return SHAPES.flatMap(([name, template]) => {
    const shape = random.of(parseTemplate(template));
    const key = keyOf(shape, random);
    shape.expression.lastIndex = 0;
    const kept = shape.expression.exec(key)?.[1] ?? '';
    return random.some(PLACES, 4).map(([place, put]) => ({
      section: 'keys of providers, by their shape',
      kind: `${name}, ${place}`,
      value: put(key),
      secret: key.slice(kept.length),
    }));
  });
}

/** Keys whose checksum holds, in the middle of words, where a shape alone says nothing. */
function checksumSamples(random: Random): Sample[] {
  return SHAPES.flatMap(([name, template, , checksum]) => {
    if (checksum === undefined) return [];
    return parseTemplate(template, checksum).map((shape) => {
      const secret = COMPLETED[checksum](keyOf(shape, random));
      const text = random.of([`my${secret} now`, `id=x${secret};`, `"prefix${secret}"`]);
      return { section: 'keys with a checksum, within words', kind: name, value: { text }, secret };
    });
  });
}

/** A password as people and generators make them: no word, and no shape that would tell. */
function password(random: Random): string {
  return `${random.text('abcdefghjkmnpqrstuvwxyz', 3)}${random.text('ABCDEFGHJKLMNPQRSTUVWXYZ', 3)}${random.text('23456789', 3)}${random.text('abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789', 7)}`;
}

/** Names that hold numbers, codes or whole lines have values of their own kinds. */
const OTHER_VALUES = /cookie|auth$|^auth|bearer|jwt|phrase|mnemonic|seed|track|block|tax_id|code/;

/** The default names, in all spellings, with a password in each form that a text can give one in. */
function assignmentSamples(random: Random): Sample[] {
  const names = DEFAULT_KEY_PATTERNS.filter(
    (name) => !NUMBER_NAMES.includes(name) && !OTHER_VALUES.test(name),
  );
  return FORMS.flatMap(([form, write]) =>
    random.some(names, 5).map((name) => {
      const secret = password(random);
      return {
        section: 'names with a value, in text',
        kind: `${name}, ${form}`,
        value: { text: write(name, secret) },
        secret,
      };
    }),
  );
}

/** Providers whose keys have no shape: a name that says whose it is. */
function namedSamples(random: Random): Sample[] {
  return NAMED_KEYS.filter(([rule]) => !/client-id|access-id|api-id|tf-password/.test(rule)).flatMap(
    ([rule, word, template]) => {
      const secret = keyOf(parseTemplateOf(template), random);
      return random.some(FORMS, 3).map(([form, write]) => ({
        section: 'keys of providers, by a name',
        kind: `${rule}, ${form}`,
        value: { text: write(`${word}_${random.of(['token', 'api_key', 'secret'])}`, secret) },
        secret,
      }));
    },
  );
}

/** A template without a text to search for is only told by its name: one is put before it, and cut off. */
function parseTemplateOf(template: string): Shape {
  const [shape] = parseTemplate(`@@${template}`);
  if (shape === undefined) throw new Error(template);
  const [first, ...rest] = shape.parts;
  const literal = first !== undefined && 'literal' in first ? first.literal.slice(2) : '';
  return { ...shape, parts: literal === '' ? rest : [{ literal }, ...rest] };
}

/** Every tool of the table, with each of its options. */
function commandSamples(random: Random): Sample[] {
  return TOOLS.flatMap(([tools, options]) => {
    const all = options.split(' ');
    const condition = all.find((option) => option.startsWith('?'));
    return all
      .filter((option) => !option.startsWith('?'))
      .map((option) => {
        const secret = password(random);
        const tool = random.of(tools.split(' ')).replaceAll('+', ' ');
        const given = condition === undefined ? '' : `-${condition.slice(1)} `;
        const words = `${tool} ${given}${written(option, secret, random)}`;
        return {
          section: 'command lines of tools',
          kind: `${tool} ${option}`,
          value: { command: words },
          secret,
        };
      });
  });
}

function written(option: string, secret: string, random: Random): string {
  const [, place, slash] = /^#(-?\d)(\/?)$/.exec(option) ?? [];
  if (place !== undefined) {
    const before = Number(place) > 0 ? Number(place) - 1 : 2;
    return [
      ...Array.from({ length: before }, (_, index) => `word${index}`),
      slash === '/' ? `ada/${secret}@db` : secret,
    ].join(' ');
  }
  const [, name = '', how = ''] = /^(.+?)([:%,;*]|=pass)?$/.exec(option) ?? [];
  const value =
    how === ';'
      ? `sid=${secret}`
      : how === '=pass'
        ? `pass:${secret}`
        : how === '' || how === '*'
          ? secret
          : `ada${how}${secret}`;
  if (how === '*') return `${name}${value}`;
  return `${name}${random.of(name.startsWith('--') ? [' ', '='] : [' '])}${random.of([value, `'${value}'`, `"${value}"`])} rest`;
}

function objectSamples(random: Random): Sample[] {
  return OBJECTS.flatMap(([kind, put]) =>
    Array.from({ length: 3 }, () => {
      const secret = password(random);
      return { section: 'arguments that name each other', kind, value: put(secret), secret };
    }),
  );
}

const CARDS = ['4', '51', '2221', '37', '36', '6011', '3528', '62', '5018', '2200', '9704', '81'];
const SIGNS = ['', ' ', '-', '\u00a0', '\u2009', '\u202f', '\u2011', '\u2013', '.', '_', '/', '\uff0d'];

/** ASCII digits as those of the width of a Chinese sign. */
function wide(text: string): string {
  return text.replace(/\d/g, (digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0));
}

function numberSamples(random: Random): Sample[] {
  return SIGNS.flatMap((sign) =>
    CARDS.map((prefix) => {
      const length = prefix === '37' ? 15 : prefix === '36' ? 14 : 16;
      const digits = luhnNumber(prefix, length)(random);
      const parted = (digits.match(/\d{1,4}/g) ?? []).join(sign);
      const secret = sign === '\uff0d' ? wide(parted) : parted;
      const text = random.of([
        `paid by ${secret}`,
        `2026-01-02 ${secret} approved`,
        `${secret}|12|27|123`,
        `${secret} 12/27`,
        `"${secret}"`,
      ]);
      return {
        section: 'numbers of cards and people',
        kind: `${prefix} with ${JSON.stringify(sign)}`,
        value: { text },
        secret,
      };
    }),
  ).concat(
    SIGNS.filter((sign) => !['', '.', '_', '/'].includes(sign)).map((sign) => {
      const secret = [
        `${random.between(100, 599)}`,
        `${random.between(10, 99)}`,
        `${random.between(1000, 9999)}`,
      ].join(sign);
      return {
        section: 'numbers of cards and people',
        kind: `SSN with ${JSON.stringify(sign)}`,
        value: { text: `SSN ${secret}.` },
        secret,
      };
    }),
  );
}

/** Everything that has to be hidden. */
export function secretSamplesOf(random: Random): Sample[] {
  return [
    shapeSamples,
    checksumSamples,
    namedSamples,
    assignmentSamples,
    commandSamples,
    objectSamples,
    numberSamples,
  ].flatMap((make) => make(random));
}
