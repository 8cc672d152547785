import { tellUnaudited } from '../internal/stderr.js';
import { shared } from '../internal/shared.js';
import type { OperationRecorder } from '../processor/operation.js';
import { idleRecorders, liveRecorders } from '../processor/recorders.js';
import { hidesItsClient, identityOf, type Method } from './client.js';
import { Connection, sideOf } from './connection.js';
import {
  callerContext,
  currentScene,
  play,
  changes,
  currentSource,
  defaultSource,
  type SpanSource,
} from './tracing.js';
import type { RunningOperation } from './operation.js';

const HIDDEN =
  'a client was called through a Proxy that hides it, so it cannot be told whether it is audited, and the call is not on record; ' +
  'give withLogging the client itself, or let the Proxy pass on the properties that it does not know';

const IDLE =
  'calls of clients: no tracer provider has the AuditSpanProcessor that was made, so it does not record; give it to the spanProcessors of your ' +
  'provider, or call its enable() where there is none (docs/capture.md, processors)';

/** What is kept of one client while the client lives. */
export interface ClientState {
  connection: Connection;
  /** Records this client's operations alone: it was wrapped by `withLogging`. */
  claimedBy?: OperationRecorder;
  /** Every recorder that takes part, or took part until it was shut down. Replaced, never changed. */
  recorders: readonly OperationRecorder[];
  /** The same as they are by now. */
  readonly currentRecorders: () => readonly OperationRecorder[];
}

const clients = shared('clients', () => new WeakMap<object, ClientState>());

/** The operation that code runs for. */
interface Scene {
  /** The operation in whose asynchronous context it runs. */
  readonly active: RunningOperation | undefined;
  /** The operation whose message a transport sends: what the transport does for it happens outside the operation itself. */
  readonly sending: RunningOperation | undefined;
}

const scene = () => currentScene() as Scene | undefined;

/** The operation in whose asynchronous context code runs. */
export function activeOperation(): RunningOperation | undefined {
  return scene()?.active;
}

/** The operation whose message a transport sends, or whose asynchronous context code runs in. */
export function servedOperation(): RunningOperation | undefined {
  const current = scene();
  return current?.sending ?? current?.active;
}

/** The operation whose message a transport sends. */
export function sendingOperation(): RunningOperation | undefined {
  return scene()?.sending;
}

/** Runs something inside an operation, in the operation's context, or outside of any. */
export function runIn<T>(active: RunningOperation | undefined, run: () => T): T {
  return play({ active, sending: scene()?.sending }, active?.context ?? callerContext(), run);
}

/** Runs what a transport does to send a message of an operation: outside of the operation itself. */
export function runSending<T>(sending: RunningOperation | undefined, run: () => T): T {
  return play({ active: undefined, sending }, callerContext(), run);
}

/** What is known of a client; made when it is first seen. */
export function stateOf(client: object): ClientState {
  const identity = identityOf(client);
  let state = clients.get(identity);
  if (state === undefined) {
    const made: ClientState = {
      connection: new Connection(client, undefined),
      recorders: [],
      currentRecorders: () => recordersOf(made),
    };
    clients.set(identity, (state = made));
  }
  return state;
}

/** The state of a client, and who records and traces its operations. */
export interface Audience {
  readonly state: ClientState;
  readonly recorders: () => readonly OperationRecorder[];
  readonly source: SpanSource;
}

/** Who records and traces the operations of a client; undefined where neither is done. */
export function audienceOf(client: object): Audience | undefined {
  const known = clients.get(identityOf(client));
  const { isInstrumented, source } = instrumentationOf(client);
  if (known?.claimedBy === undefined && !isInstrumented) {
    // Its class is patched for the sake of another client.
    if (hidesItsClient(client)) tellUnaudited(HIDDEN);
    return undefined;
  }
  if (source === undefined && liveRecorders(sideOf(client)).length === 0 && known === undefined)
    return undefined;
  const state = known ?? stateOf(client);
  if (source === undefined && recordersOf(state).length === 0) return undefined;
  return { state, recorders: state.currentRecorders, source: source ?? defaultSource };
}

/**
 * The recorders of a client: the one that claimed it, else all that are live. Where all of them were shut down, they are still
 * returned: a record after a shutdown must be refused loudly and must not vanish.
 */
function recordersOf(state: ClientState): readonly OperationRecorder[] {
  const wanted = state.claimedBy === undefined ? liveRecorders(state.connection.side) : [state.claimedBy];
  if (wanted.length > 0 && !isSame(wanted, state.recorders)) state.recorders = [...wanted];
  if (state.recorders.length === 0 && idleRecorders().length > 0) tellUnaudited(IDLE);
  return state.recorders;
}

function isSame(a: readonly OperationRecorder[], b: readonly OperationRecorder[]): boolean {
  return a.length === b.length && a.every((recorder, index) => recorder === b[index]);
}

/** What a patch is for: a source of spans, or all clients that `withLogging` wrapped. */
export type PatchHolder = Pick<SpanSource, 'copy'>;

/** A method as it was, and our wrapper in its place. */
interface PatchedMethod {
  readonly own: PropertyDescriptor | undefined;
  readonly wrapper: Method;
}

/** The patch of one class. */
export interface Patch {
  /** What it is for, and for which classes: this one or classes that are derived from it. Without a holder the patch is removed. */
  readonly holders: Map<PatchHolder, Set<object>>;
  /** Our wrappers on it, by the name of the method. */
  readonly methods: Map<string, PatchedMethod>;
}

/** All patches of this process, by the prototype that carries them. */
export const patches = shared('patches', () => new WeakMap<object, Patch>());

/** Whether an object is of one of these classes. */
export function isHeldFor(client: object, scopes: ReadonlySet<object>): boolean {
  for (const scope of scopes)
    if (scope === client || Object.prototype.isPrototypeOf.call(scope, client)) return true;
  return false;
}

/** The holders of the patch that the class of a client carries. */
function holdersOf(client: object): PatchHolder[] {
  const found: PatchHolder[] = [];
  for (let link: object | null = client; link !== null; link = Object.getPrototypeOf(link) as object | null)
    for (const [holder, scopes] of patches.get(link)?.holders ?? [])
      if (isHeldFor(client, scopes)) found.push(holder);
  return found;
}

/** What the patches of a client's class say of it. */
interface Instrumented {
  /** Whether an instrumentation covers it, and not just `withLogging` of another client of its class. */
  readonly isInstrumented: boolean;
  /**
   * The source that makes its spans. Where two copies of this package are loaded, each with an instrumentation, it is that of the one
   * that patched the client's class.
   */
  readonly source: SpanSource | undefined;
}

/** What was found for a client, and what the patches and sources were then. */
interface Found extends Instrumented {
  readonly state: number;
}

const found = new WeakMap<object, Found>();

/** What is known of the class of a client. Each call asks for it; it is worked out again when a patch or a source comes or goes. */
function instrumentationOf(client: object): Instrumented {
  const { count: state } = changes;
  const known = found.get(client);
  if (known?.state === state) return known;
  const instrumented = { ...lookedUp(client), state };
  found.set(client, instrumented);
  return instrumented;
}

function lookedUp(client: object): Instrumented {
  const holders = holdersOf(client);
  const isNear = (source: SpanSource) =>
    holders.includes(source) || holders.some(({ copy }) => copy === source.copy);
  return { isInstrumented: holders.some((holder) => isSource(holder)), source: currentSource(isNear) };
}

function isSource(holder: PatchHolder): boolean {
  return 'tracer' in holder;
}
