import { randomNumbers } from '../support/randomNumbers.js';
import { plainSecret, secretSamples } from '../support/secretSamples.js';

/** A secret, and where it was put. */
export interface Planted {
  readonly secret: string;
  readonly kind: string;
  readonly place: string;
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** Makes secrets of every kind, in every wrapping, for one place after the other, and remembers what it has put where. */
export class Canaries {
  readonly planted: Planted[] = [];
  readonly #random: () => number;
  readonly #errors = new WeakSet<Error>();

  /** @param seed The same seed gives the same secrets. */
  constructor(seed: number) {
    this.#random = randomNumbers(seed);
  }

  /** A secret that nothing but its key, or the name before it, gives away. */
  word(place: string, kind = 'word'): string {
    const secret = plainSecret(this.#random);
    this.planted.push({ secret, kind, place });
    return secret;
  }

  /** A running text with a secret of every kind in it. */
  text(place: string): string {
    const samples = Object.entries(secretSamples(this.#random));
    for (const [kind, secret] of samples) this.planted.push({ secret, kind, place });
    const word = (kind: string) => this.word(place, kind);
    return [
      `It was password=${word('assignment')} and "api_key": "${word('quoted')}"`,
      `Authorization: Bearer ${word('bearer')}`,
      `X-Api-Key: ${word('header')}`,
      `run --client-secret ${word('flag')} now`,
      ...samples.map(([kind, secret]) => `the ${kind} is ${secret} here`),
      `see postgres://admin:${word('dsn')}@db.internal/main`,
      `at ${this.uri(place)}`,
      `and {"user":{"refreshToken":"${word('JSON text')}"}}`,
    ].join('\n');
  }

  /** An address with a secret in its userinfo, in its query and in its fragment. */
  uri(place: string, scheme = 'https'): string {
    const word = (kind: string) => this.word(place, kind);
    return `${scheme}://user:${word('userinfo')}@files.internal/a?page=2&access_token=${word('query')}#id_token=${word('fragment')}`;
  }

  /** A value that JSON can hold, with secrets under keys, in texts, and in texts within texts. */
  json(place: string): Record<string, unknown> {
    const word = (kind: string) => this.word(place, kind);
    const within = (kind: string) => JSON.stringify({ page: 1, login: { password: word(kind) }, note: 'ok' });
    const number = 1e15 + Math.floor(this.#random() * 9e14);
    this.planted.push({ secret: String(number), kind: 'number', place });
    return {
      note: this.text(place),
      password: word('key'),
      nested: {
        auth: { accessToken: word('nested key') },
        rows: [{ session_cookie: word('key in a list') }],
      },
      account_number: number,
      headers: { authorization: `Bearer ${word('header value')}`, 'x-api-key': word('header key') },
      headerList: [{ name: 'Authorization', value: word('named value') }],
      argv: ['serve', '--token', word('flag in a list')],
      jsonText: within('JSON in a value'),
      twice: JSON.stringify({ inner: within('JSON in JSON') }),
      dataUrl: `data:application/json;base64,${base64(within('data URL'))}`,
      base64Json: base64(within('Base64 JSON')),
      link: this.uri(place),
    };
  }

  /** The same with what only a program can hold. */
  native(place: string): Record<string, unknown> {
    const word = (kind: string) => this.word(place, kind);
    const bytes = (kind: string) => Buffer.from(JSON.stringify({ password: word(kind) }));
    const cause = new Error(this.text(`${place}, cause`));
    return {
      ...this.json(place),
      map: new Map([['client_secret', word('map')]]),
      pairs: new Map<object, unknown>([[{ token: word('map key') }, { token: word('map value') }]]),
      set: new Set([{ passphrase: word('set') }]),
      buffer: bytes('buffer'),
      typed: new Uint8Array(bytes('typed array')),
      view: new DataView(new Uint8Array(bytes('data view')).buffer),
      params: new URLSearchParams({ q: 'x', api_key: word('URLSearchParams') }),
      url: new URL(this.uri(`${place}, URL`)),
      fetched: new Headers({ authorization: `Bearer ${word('Headers')}`, 'x-auth-token': word('Headers') }),
      error: Object.assign(new Error(this.text(`${place}, error`), { cause }), {
        token: word('error field'),
      }),
      own: { toJSON: () => ({ secret: word('toJSON') }) },
    };
  }

  /** Whether an error is one that was made here: what a caller has thrown is the caller's. */
  isOwn(error: unknown): boolean {
    return error instanceof Error && this.#errors.has(error);
  }

  /** An error whose message, stack, cause and fields tell secrets. */
  error(place: string): Error {
    const cause = new Error(this.text(`${place}, cause`));
    const error = new Error(this.text(`${place}, message`), { cause });
    error.stack += `\n    at ${this.text(`${place}, stack`)}`;
    this.#errors.add(error);
    return Object.assign(error, { config: { password: this.word(place, 'error field') } });
  }
}
