import fc from 'fast-check';

/** What a caller does to one call while it is under way. */
export interface Handling {
  /** Milliseconds after which the caller aborts; 0 aborts before the call is made. */
  readonly abortAfterMs?: number;
  /** The request's own timeout. */
  readonly timeoutMs?: number;
  readonly wantsProgress?: boolean;
}

/** One thing that a program does with a client. */
export type Step =
  | {
      readonly kind: 'tool';
      readonly name: string;
      readonly args: Record<string, unknown>;
      readonly handling: Handling;
    }
  | { readonly kind: 'method'; readonly method: string; readonly params: unknown }
  | { readonly kind: 'announce' }
  | { readonly kind: 'together'; readonly steps: readonly Step[] }
  | { readonly kind: 'close' }
  | { readonly kind: 'lose' };

/** Multiples of this many milliseconds lie far enough apart for timers to keep their order on a busy machine. */
const BEAT_MS = 20;

const beats = fc.integer({ min: 1, max: 4 }).map((count) => count * BEAT_MS);

const handling: fc.Arbitrary<Handling> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: fc.constant({ abortAfterMs: 0 }) },
  { weight: 1, arbitrary: fc.constant({ wantsProgress: true }) },
);

/** A tool that never answers ends because the caller stops waiting, in one of two ways. */
const impatience: fc.Arbitrary<Handling> = fc.oneof(
  fc.constant({ abortAfterMs: BEAT_MS / 2 }),
  fc.constant({ timeoutMs: BEAT_MS / 2 }),
);

const tool: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('tool' as const),
    name: fc.constantFrom('echo', 'broken', 'throws', 'steps', 'asks', 'missing'),
    args: fc.dictionary(fc.constantFrom('message', 'count', 'other'), fc.oneof(fc.string(), fc.nat(3)), {
      maxKeys: 3,
    }),
    handling,
  }),
  fc.record({
    kind: fc.constant('tool' as const),
    name: fc.constant('hangs'),
    args: fc.constant({}),
    handling: impatience,
  }),
);

/** A tool that answers after a time that no other of its group has. */
const delayed: fc.Arbitrary<Step> = beats.map((ms) => ({
  kind: 'tool',
  name: 'waits',
  args: { ms },
  handling: {},
}));

const method: fc.Arbitrary<Step> = fc.constantFrom<Step[]>(
  { kind: 'method', method: 'listTools', params: undefined },
  { kind: 'method', method: 'listTools', params: { cursor: 'none' } },
  { kind: 'method', method: 'listResources', params: undefined },
  { kind: 'method', method: 'readResource', params: { uri: 'note://one' } },
  { kind: 'method', method: 'readResource', params: { uri: 'note://none' } },
  { kind: 'method', method: 'listPrompts', params: {} },
  { kind: 'method', method: 'getPrompt', params: { name: 'greet', arguments: { who: 'you' } } },
  { kind: 'method', method: 'getPrompt', params: { name: 'greet' } },
  { kind: 'method', method: 'getPrompt', params: { name: 'none' } },
  { kind: 'method', method: 'ping', params: undefined },
  { kind: 'method', method: 'complete', params: { ref: { type: 'ref/prompt', name: 'greet' } } },
  { kind: 'method', method: 'setLoggingLevel', params: 'warning' },
  { kind: 'method', method: 'callTool', params: undefined },
  { kind: 'method', method: 'readResource', params: null },
);

const together: fc.Arbitrary<Step> = fc
  .uniqueArray(fc.oneof(delayed, tool, method), {
    minLength: 2,
    maxLength: 4,
    selector: (step) => (step.kind === 'tool' && step.name === 'waits' ? step.args['ms'] : Symbol('any')),
  })
  .map((steps) => ({ kind: 'together', steps }));

const single: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: tool },
  { weight: 3, arbitrary: method },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'announce' }) },
  { weight: 3, arbitrary: together },
);

/** Programs of operations; some end the session in their middle, or have it end, and go on. */
export const programs: fc.Arbitrary<readonly Step[]> = fc
  .tuple(
    fc.array(single, { minLength: 1, maxLength: 6 }),
    fc.constantFrom<Step | undefined>(undefined, { kind: 'close' }, { kind: 'lose' }),
    fc.array(single, { maxLength: 2 }),
  )
  .map(([before, end, after]) => (end === undefined ? before : [...before, end, ...after]));
