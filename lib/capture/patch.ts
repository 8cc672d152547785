import { shared } from '../shared.js';
import { peek, type McpClientClass, type Method } from './client.js';
import { TASK_WRAPPERS, WRAPPERS, type LevelWrapper } from './wrappers.js';

interface PatchedMethod {
  readonly own: PropertyDescriptor | undefined;
  readonly wrapper: Method;
}

interface Patch {
  /** Who asked for it; the last one to leave takes the patch away. */
  readonly holders: Set<object>;
  /** Our wrappers on it, by the name of the method. */
  readonly methods: Map<string, PatchedMethod>;
}

const patches = shared('patches', () => new WeakMap<object, Patch>());

/** Wraps the operations of a client class on its prototype; once, however often and by whomever it is asked for. */
export function patchClass(target: object, holder: object): void {
  patchMethods(target, holder, WRAPPERS);
  const tasks = taskMethods(target);
  if (tasks !== undefined) patchMethods(tasks, holder, TASK_WRAPPERS);
}

/** A wrapper that had to stay when the class was last unpatched serves again. */
function patchMethods(target: object, holder: object, wrappers: ReadonlyMap<string, LevelWrapper>): void {
  let patch = patches.get(target);
  if (patch === undefined) patches.set(target, (patch = { holders: new Set(), methods: new Map() }));
  if (patch.holders.size === 0) {
    for (const [name, wrap] of wrappers) if (!patch.methods.has(name)) wrapMethod(target, patch, name, wrap);
  }
  patch.holders.add(holder);
}

/** v1 keeps its task streams in a class of its own, which it exports nowhere: `client.experimental.tasks`. */
function taskMethods(target: object): object | undefined {
  // The getter makes that object for whomever it is asked by, here for an object that nobody else sees.
  const tasks = peek(peek(Object.create(target), 'experimental'), 'tasks');
  return typeof tasks === 'object' && tasks !== null
    ? (Object.getPrototypeOf(tasks) as object | undefined)
    : undefined;
}

/** Takes the patch away when its last holder leaves; but wrappers stay that another tool has wrapped since. */
export function unpatchClass(target: object, holder: object): void {
  unpatchMethods(target, holder);
  const tasks = taskMethods(target);
  if (tasks !== undefined) unpatchMethods(tasks, holder);
}

function unpatchMethods(target: object, holder: object): void {
  const patch = patches.get(target);
  if (patch === undefined) return;
  patch.holders.delete(holder);
  if (patch.holders.size > 0) return;
  for (const [name, { own, wrapper }] of patch.methods) {
    // A wrapper that stays passes everything through while nobody holds the patch.
    if (Object.getOwnPropertyDescriptor(target, name)?.value !== wrapper) continue;
    if (own === undefined) Reflect.deleteProperty(target, name);
    else Object.defineProperty(target, name, own);
    patch.methods.delete(name);
  }
  if (patch.methods.size === 0) patches.delete(target);
}

/** Whether a class or object is patched. */
export function isPatched(target: object): boolean {
  return (patches.get(target)?.holders.size ?? 0) > 0;
}

/** The object to patch for one client: whichever in its chain owns `callTool`, farthest from the client. */
export function patchTarget(client: object): object | undefined {
  let target: object | undefined;
  for (let link: object | null = client; link !== null; link = Object.getPrototypeOf(link) as object | null) {
    if (Object.hasOwn(link, 'callTool')) target = link;
  }
  return target;
}

/** What a module that may be the SDK exports as its client class. */
export function clientClassIn(exports: unknown): McpClientClass | undefined {
  const candidate = (exports as { Client?: unknown } | undefined)?.Client;
  if (typeof candidate !== 'function') return undefined;
  const prototype: unknown = candidate.prototype;
  return typeof prototype === 'object' && prototype !== null && 'callTool' in prototype
    ? (candidate as unknown as McpClientClass)
    : undefined;
}

function wrapMethod(target: object, { holders, methods }: Patch, name: string, wrap: LevelWrapper): void {
  const own = Object.getOwnPropertyDescriptor(target, name);
  const current: unknown = Reflect.get(target, name);
  if (typeof current !== 'function' || own?.configurable === false) return;
  // An inherited method is looked up at each call, so that a later patch of the base class is still honoured.
  const original: Method = own
    ? (current as Method)
    : function (...args) {
        return Reflect.apply(
          Reflect.get(Object.getPrototypeOf(target) as object, name) as Method,
          this,
          args,
        );
      };
  const observed = wrap(original, { level: target, name });
  const wrapper: Method = function (...args) {
    // A method that was torn off its client fails in its own way, and is nobody's operation.
    const isOurs = holders.size > 0 && Object(this) === this;
    return Reflect.apply(isOurs ? observed : original, this, args);
  };
  for (const key of ['name', 'length'] as const) {
    Object.defineProperty(wrapper, key, { value: current[key], configurable: true });
  }
  // So that it still says of itself that it is an async function, or a generator.
  Object.setPrototypeOf(wrapper, Object.getPrototypeOf(current) as object);
  Object.defineProperty(target, name, {
    value: wrapper,
    configurable: true,
    enumerable: own?.enumerable ?? false,
    writable: own?.writable ?? true,
  });
  methods.set(name, { own, wrapper });
}
