import fc from 'fast-check';
import type { Setting } from './life.js';
import type { Answer } from './receiver.js';
import { World } from './world.js';

type Command = fc.AsyncCommand<object, World>;

const command = (told: string, act: (world: World) => Promise<void> | void): Command => ({
  check: () => true,
  run: async (_, world) => {
    await act(world);
    world.check();
  },
  toString: () => told,
});

const PAUSES = [undefined, 0, 1, 1_000, 60_000, 2 ** 31, 1e12, Infinity, Number.NaN, -1, '5'];

const later = fc.record({
  kind: fc.constant('later' as const),
  settled: fc.constantFrom(0, 0, 0, 1, 2),
  retryAfterMs: fc.constantFrom(...PAUSES),
});

const answer: fc.Arbitrary<Answer> = fc.oneof(
  fc.constantFrom<Answer>({ kind: 'take' }, { kind: 'throw' }, { kind: 'permanent' }),
  fc.nat(3).map((index): Answer => ({ kind: 'reject', index })),
  later,
  later,
);

const COMMANDS = [
  fc.integer({ min: 1, max: 8 }).map((count) => command(`accept ${count}`, (world) => world.accept(count))),
  fc.array(answer, { minLength: 1, maxLength: 5 }).map((next) =>
    command(`answer ${fc.stringify(next)}`, ({ receiver }) => {
      receiver.answers = next.slice();
    }),
  ),
  fc
    .constantFrom(1, 100, 5_000, 60_000, 3_700_000)
    .map((ms) => command(`pass ${ms}`, (world) => world.pass(ms))),
  fc
    .constantFrom(-4e10, -3_600_000, 3_600_000, 4e10)
    .map((by) => command(`set the clock by ${by}`, (world) => world.setClock(by))),
  answer.map((then) =>
    command(`from now on ${fc.stringify(then)}`, ({ receiver }) => {
      receiver.then = then;
    }),
  ),
  fc.constant(command('flush', (world) => world.flush())),
  fc.constant(command('restart', (world) => world.restart())),
];

const CRASH = fc.constant(command('crash', (world) => world.crash()));

/** Runs random programs of calls, answers, restarts, kills and clocks against the real thing. */
export async function checkModel(setting: Setting, numRuns: number): Promise<void> {
  const programs = fc.commands(setting.crashes ? [...COMMANDS, CRASH] : COMMANDS, {
    maxCommands: 25,
    size: 'max',
  });
  await fc.assert(
    fc.asyncProperty(programs, async (program) => {
      const world = new World(setting);
      try {
        await fc.asyncModelRun(() => ({ model: {}, real: world }), program);
        await world.finish();
      } finally {
        await world.close();
      }
    }),
    { numRuns, endOnFailure: false },
  );
}

/** All the settings that a model is checked in, each with its title. */
export const SETTINGS: readonly (readonly [title: string, setting: Setting])[] = (
  ['blocking', 'blocking-strict', 'batch'] as const
).flatMap((mode) =>
  [false, true].flatMap((spooled) =>
    [false, true].map((crashes) => {
      const way = spooled ? 'behind a spool' : 'straight to the receiver';
      const title = `holds in ${mode} mode, ${way}${crashes ? ', where processes are killed' : ''}`;
      return [title, { mode, spooled, crashes }] as const;
    }),
  ),
);
