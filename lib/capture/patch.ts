import { shared } from '../shared.js';
import { observe, observeRequest } from './call.js';
import type { McpClientClass, Method, Wrapper } from './client.js';
import { INTERNALS } from './inbound.js';
import type { Operation } from '../operations/operation.js';
import { OPERATIONS } from '../operations/table.js';

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
  let patch = patches.get(target);
  if (patch === undefined) patches.set(target, (patch = { holders: new Set(), methods: new Map() }));
  if (patch.holders.size === 0) wrapMethods(target, patch);
  patch.holders.add(holder);
}

/** A wrapper that had to stay when the class was last unpatched serves again. */
function wrapMethods(target: object, patch: Patch): void {
  const wrap = (name: string, wrapper: Wrapper): void => {
    if (!patch.methods.has(name)) wrapMethod(target, patch, name, wrapper);
  };
  for (const [name, operation] of OPERATIONS) wrap(name, operationWrapper(name, operation));
  wrap('request', requestWrapper);
  for (const [name, wrapper] of INTERNALS) wrap(name, wrapper);
}

const operationWrapper =
  (name: string, operation: Operation): Wrapper =>
  (original) =>
    function (...args) {
      const proceed = () => Reflect.apply(original, this, args);
      if (name === 'connect')
        return observe({ client: this, operation, params: undefined, transport: args[0], args, proceed });
      return observe({ client: this, operation, params: args[0], args, proceed });
    };

const requestWrapper: Wrapper = (original) =>
  function (...args) {
    return observeRequest(this, args, () => Reflect.apply(original, this, args));
  };

/** Takes the patch away when its last holder leaves; but wrappers stay that another tool has wrapped since. */
export function unpatchClass(target: object, holder: object): void {
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

function wrapMethod(target: object, { holders, methods }: Patch, name: string, wrap: Wrapper): void {
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
  const observed = wrap(original);
  const wrapper: Method = function (...args) {
    return Reflect.apply(holders.size === 0 ? original : observed, this, args);
  };
  for (const key of ['name', 'length'] as const) {
    Object.defineProperty(wrapper, key, { value: current[key], configurable: true });
  }
  Object.defineProperty(target, name, {
    value: wrapper,
    configurable: true,
    enumerable: own?.enumerable ?? false,
    writable: own?.writable ?? true,
  });
  methods.set(name, { own, wrapper });
}
