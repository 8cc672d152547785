import type { SdkCopy } from '../support/sdkCopy.js';
import { describeError, describeValue, Observation } from './observation.js';
import type { Handling, Step } from './steps.js';
import { makeWorld, type World } from './world.js';

type Client = InstanceType<SdkCopy['Client']>;

/** What is done to a client before it is used: nothing, or whatever must not show. */
export type Prepare = (client: Client) => Client;
/** The same for a server. */
export type PrepareServer = (server: World['server']) => World['server'];

/** Runs a program as user code would, and gives back all that user code could see of it. */
export async function observeProgram(
  sdk: SdkCopy,
  program: readonly Step[],
  prepare: Prepare,
  prepareServer: PrepareServer = (server) => server,
): Promise<Observation['events']> {
  const seen = new Observation();
  const onRejection = (reason: unknown): void => void seen.add(String(reason), 'unhandled');
  process.on('unhandledRejection', onRejection);
  const world = makeWorld(sdk, seen);
  const client = prepare(world.client);
  seen.add(`same: ${client === world.client}`, 'client');
  seen.add(`same: ${prepareServer(world.server) === world.server}`, 'server');
  try {
    await world.connect();
    for (const [index, step] of program.entries())
      await runStep(`${index}`, step, { ...world, client }, seen);
    // What was left behind unhandled is told after a turn of the loop.
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.off('unhandledRejection', onRejection);
    await client.close();
    await world.server.close();
  }
  seen.add(`keys: ${Object.keys(client).sort().join()}`, 'client');
  for (const each of [world.server, world.server.server])
    seen.add(`keys: ${Object.keys(each).sort().join()}`, 'server');
  return seen.events;
}

async function runStep(name: string, step: Step, world: World, seen: Observation): Promise<void> {
  const { client, server } = world;
  if (step.kind === 'together') {
    await Promise.all(step.steps.map((each, index) => runStep(`${name}.${index}`, each, world, seen)));
  } else if (step.kind === 'tool') {
    await userCall(name, seen, () => callTool(client, step, name, seen));
  } else if (step.kind === 'method') {
    const method = Reflect.get(client, step.method) as (params?: unknown) => unknown;
    await userCall(name, seen, () =>
      Reflect.apply(method, client, step.params === undefined ? [] : [step.params]),
    );
  } else if (step.kind === 'announce') {
    await userCall(name, seen, () => server.server.sendToolListChanged());
  } else {
    await userCall(name, seen, () => (step.kind === 'close' ? client.close() : world.lose()));
  }
}

function callTool(
  client: Client,
  { name, args, handling }: Step & { kind: 'tool' },
  step: string,
  seen: Observation,
): Promise<unknown> {
  const options = optionsOf(
    handling,
    (progress) => void seen.add(`progress ${JSON.stringify(progress)}`, step),
  );
  const params = { name, arguments: args };
  const before = JSON.stringify([params, Object.keys(options)]);
  // v1 takes a schema of the result before the options.
  const promise =
    client.callTool.length >= 3 || isV1(client)
      ? client.callTool(params, undefined, options)
      : (client.callTool as unknown as (params: object, options: object) => Promise<unknown>)(
          params,
          options,
        );
  seen.add(`arguments unchanged: ${before === JSON.stringify([params, Object.keys(options)])}`, step);
  seen.add(`gave a ${promise.constructor.name}`, step);
  return promise;
}

const isV1 = (client: Client): boolean => 'experimental' in client;

function optionsOf(
  { abortAfterMs, timeoutMs, wantsProgress }: Handling,
  onprogress: (progress: unknown) => void,
): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  if (timeoutMs !== undefined) options['timeout'] = timeoutMs;
  if (wantsProgress === true) options['onprogress'] = onprogress;
  if (abortAfterMs !== undefined) {
    const abort = new AbortController();
    options['signal'] = abort.signal;
    const reason = new Error('the user gave up');
    if (abortAfterMs === 0) abort.abort(reason);
    else setTimeout(() => abort.abort(reason), abortAfterMs);
  }
  return options;
}

/** A function of user code: stacks of what it catches lead to it. */
async function userCall(name: string, seen: Observation, call: () => unknown): Promise<void> {
  try {
    const value = await call();
    seen.add(`fulfilled: ${describeValue(value)}`, name);
    seen.add(name, 'settled');
  } catch (error) {
    seen.add(`rejected: ${JSON.stringify(describeError(error))}`, name);
    seen.add(name, 'settled');
  }
}
