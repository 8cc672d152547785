import Module from 'node:module';
import { peek } from '../internal/peek.js';
import { tellUnaudited } from '../internal/stderr.js';
import { shared } from '../internal/shared.js';
import { isSupported, SDK_V1, SDK_V2, SDK_V2_SERVER, SUPPORTED, type SdkCopy } from '../loader/sdk.js';
import { expectRecords } from '../processor/auditLog.js';
import {
  AI_SDK,
  AI_SDK_WRAPPERS,
  isAiSdkClient,
  TASK_WRAPPERS,
  WRAPPERS,
  type LevelWrapper,
} from './wrappers.js';
import { standIn, type McpClientClass, type Method } from './client.js';
import { isMcpServer, isServer, MCP_SERVER_WRAPPERS, SERVER_WRAPPERS, servingOf } from './server.js';
import { changes } from './tracing.js';
import { isHeldFor, patches, type Patch, type PatchHolder } from './state.js';

/**
 * Wraps the operations of a class of clients or of servers, once for all holders. Of a class that is derived from the SDK's, the SDK's own
 * methods are wrapped: an override may call several of them, and the server answers each. Other derived classes are not affected.
 */
export function patchClass(target: object, holder: PatchHolder): void {
  const base = patchTarget(target) ?? target;
  patchMethods(base, target, holder, wrappersOf(base));
  const tasks = taskMethods(base);
  if (tasks !== undefined) patchMethods(tasks, tasks, holder, TASK_WRAPPERS);
  expectRecords();
}

/** A program that only shows us its `McpServer`, as a bundle does, has the class of the server in it patched when that connects. */
const patchInner: LevelWrapper = (original, { level }) =>
  function (...args) {
    const inner = servingOf(this);
    const target = inner === undefined ? undefined : patchTarget(inner);
    if (target !== undefined)
      for (const [holder, scopes] of patches.get(level)?.holders ?? [])
        if (isHeldFor(this, scopes) && patches.get(target)?.holders.has(holder) !== true)
          patchClass(target, holder);
    return Reflect.apply(original, this, args);
  };

const MCP_SERVER: ReadonlyMap<string, LevelWrapper> = new Map([
  ...MCP_SERVER_WRAPPERS,
  ['connect', patchInner],
]);

function wrappersOf(base: object): ReadonlyMap<string, LevelWrapper> {
  if (isServer(base)) return SERVER_WRAPPERS;
  if (isMcpServer(base)) return MCP_SERVER;
  return isAiSdkClient(base) ? AI_SDK_WRAPPERS : WRAPPERS;
}

/** Wraps methods for a holder. A wrapper that stayed when the class was last unpatched is used again. */
function patchMethods(
  base: object,
  scope: object,
  holder: PatchHolder,
  wrappers: ReadonlyMap<string, LevelWrapper>,
): void {
  let patch = patches.get(base);
  if (patch === undefined) patches.set(base, (patch = { holders: new Map(), methods: new Map() }));
  if (patch.holders.size === 0) {
    for (const [name, wrap] of wrappers) if (!patch.methods.has(name)) wrapMethod(base, patch, name, wrap);
  }
  const scopes = patch.holders.get(holder) ?? new Set();
  patch.holders.set(holder, scopes.add(scope));
  changes.count++;
}

/** The class of `client.experimental.tasks`, which has v1's task streams and which v1 does not export. */
function taskMethods(target: object): object | undefined {
  if (!isClient(target)) return undefined;
  // The getter makes the object and keeps it in its receiver: here that is an object of ours, not the prototype.
  const tasks = peek(peek(Object.create(target), 'experimental'), 'tasks');
  return typeof tasks === 'object' && tasks !== null
    ? (Object.getPrototypeOf(tasks) as object | undefined)
    : undefined;
}

/** Removes the patch when its last holder leaves. Wrappers that another tool has wrapped since stay. */
export function unpatchClass(target: object, holder: PatchHolder): void {
  const base = patchTarget(target) ?? target;
  unpatchMethods(base, target, holder);
  const tasks = taskMethods(base);
  if (tasks !== undefined) unpatchMethods(tasks, tasks, holder);
}

function unpatchMethods(base: object, scope: object, holder: PatchHolder): void {
  const patch = patches.get(base);
  const scopes = patch?.holders.get(holder);
  if (patch === undefined || scopes === undefined) return;
  scopes.delete(scope);
  changes.count++;
  if (scopes.size > 0) return;
  patch.holders.delete(holder);
  if (patch.holders.size > 0) return;
  for (const [name, { own, wrapper }] of patch.methods) {
    // A wrapper that stays passes calls through while there is no holder.
    if (Object.getOwnPropertyDescriptor(base, name)?.value !== wrapper) continue;
    if (own === undefined) Reflect.deleteProperty(base, name);
    else Object.defineProperty(base, name, own);
    patch.methods.delete(name);
  }
  if (patch.methods.size === 0) patches.delete(base);
}

/** Whether the operations of a class are recorded: the class or one that it is derived from was patched for it. */
export function isPatched(target: object): boolean {
  return isHeld(patches.get(patchTarget(target) ?? target), target);
}

function isHeld(patch: Patch | undefined, client: object): boolean {
  for (const scopes of patch?.holders.values() ?? []) if (isHeldFor(client, scopes)) return true;
  return false;
}

/** The names of the methods that are wrapped on a class and on those that it is derived from. */
export function methodsOf(target: object): readonly string[] {
  return [...(patches.get(patchTarget(target) ?? target)?.methods.keys() ?? [])];
}

/** The package of a class, by methods that only v2 has. */
export function sdkOf(target: object): string {
  if (isAiSdkClient(target)) return AI_SDK;
  if (isServer(target) || isMcpServer(target))
    return ['projectCallToolResult', 'toolInputSchemaJson'].some(
      (name) => typeof peek(target, name) === 'function',
    )
      ? SDK_V2_SERVER
      : SDK_V1;
  return typeof peek(target, 'getProtocolEra') === 'function' ? SDK_V2 : SDK_V1;
}

/** Which of the SDK's classes this is. */
export function className(target: object): 'Client' | 'Server' | 'McpServer' {
  if (isServer(target)) return 'Server';
  return isMcpServer(target) ? 'McpServer' : 'Client';
}

/** Methods that the SDK's client has, and the clients of other libraries do not have all of. */
const SDK_METHODS = [
  'connect',
  'close',
  'request',
  'notification',
  'setRequestHandler',
  'callTool',
  'listTools',
];

/** Internals that every version of the SDK's client has; a class that only delegates to a client has none of them. */
const SDK_INTERNALS = ['_onclose', '_onrequest', '_onnotification'];

/** Whether this is the SDK's client, its prototype, or one derived from it. */
function isSdkClient(client: object): boolean {
  const has = (name: string) => typeof peek(client, name) === 'function';
  return SDK_METHODS.every(has) && SDK_INTERNALS.some(has);
}

/** Whether clients of this kind can be patched: those of the SDK, and those of the AI SDK. */
export function isClient(client: object): boolean {
  return isSdkClient(client) || isAiSdkClient(client);
}

/** A method of the SDK's class itself, by which the class is found in a chain of prototypes. */
function markOf(target: object): string {
  if (isServer(target)) return 'getClientVersion';
  return isMcpServer(target) ? 'sendToolListChanged' : 'callTool';
}

/** The object to patch for a client or a server: the last in its prototype chain that has the mark of the SDK's class. */
export function patchTarget(client: object): object | undefined {
  let target: object | undefined;
  try {
    const mark = markOf(client);
    for (
      let link: object | null = client;
      link !== null;
      link = Object.getPrototypeOf(link) as object | null
    ) {
      if (Object.hasOwn(link, mark)) target = link;
    }
  } catch {
    // A Proxy that was revoked, or whose traps throw.
    return undefined;
  }
  return target;
}

/** The names under which the SDK exports the classes that are patched, and how to tell each. */
const CLASSES: readonly (readonly [name: string, isIt: (prototype: object) => boolean])[] = [
  ['Client', isClient],
  ['Server', isServer],
  ['McpServer', isMcpServer],
];

/** The client class that a module exports, where it is the SDK's. */
function clientClassIn(exports: unknown): McpClientClass | undefined {
  return classIn(exports, 'Client', isClient);
}

/** The classes of clients and servers that a module exports, where they are the SDK's. */
export function classesIn(exports: unknown): McpClientClass[] {
  return CLASSES.map(([name, isIt]) => classIn(exports, name, isIt)).filter((found) => found !== undefined);
}

function classIn(
  exports: unknown,
  name: string,
  isIt: (prototype: object) => boolean,
): McpClientClass | undefined {
  const candidate = peek(exports, name);
  const prototype = peek(candidate, 'prototype');
  const isClass = typeof candidate === 'function' && typeof prototype === 'object' && prototype !== null;
  return isClass && isIt(prototype) ? (candidate as unknown as McpClientClass) : undefined;
}

function wrapMethod(target: object, patch: Patch, name: string, wrap: LevelWrapper): void {
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
  const wrapper = standIn(current as Method, function (...args) {
    // A method that is called without its client fails as without us, and is no operation.
    const isOurs = Object(this) === this && isHeld(patch, this);
    return Reflect.apply(isOurs ? observed : original, this, args);
  });
  Object.defineProperty(target, name, {
    value: wrapper,
    configurable: true,
    enumerable: own?.enumerable ?? false,
    writable: own?.writable ?? true,
  });
  patch.methods.set(name, { own, wrapper });
}

/** Classes of clients and servers that have been loaded; instrumentations that are made later patch them too. */
export const discovered = shared('discovered', () => new Set<McpClientClass>());

/**
 * The classes of clients and servers that a module of the SDK exports, which are added to those that are {@link discovered}. Says on
 * stderr where those of a copy cannot be audited.
 *
 * @param copy the copy of the SDK that the module belongs to, where that is known.
 */
export function discover(exports: unknown, copy: Omit<SdkCopy, 'path'> & Partial<SdkCopy>): McpClientClass[] {
  const { name, version, path } = copy;
  const what = [name, version, path === undefined ? undefined : `in ${path}`].filter(Boolean).join(' ');
  if (!isSupported(name, version)) {
    tellUnaudited(
      `clients of ${what}: supported are ${SUPPORTED} (docs/troubleshooting.md, sdk-unsupported)`,
    );
    return [];
  }
  for (const [name, isIt] of CLASSES)
    // Without an `McpServer` that is known, its `Server` is audited, and only what it tells of a tool's call is missing.
    if (
      name !== 'McpServer' &&
      typeof peek(exports, name) === 'function' &&
      classIn(exports, name, isIt) === undefined
    )
      tellUnaudited(
        `${name === 'Client' ? 'clients' : 'servers'} of ${what}: its ${name} lacks methods that this package patches (docs/capture.md, SDK versions)`,
      );
  const classes = classesIn(exports);
  for (const each of classes) discovered.add(each);
  return classes;
}

const SDK_FILE =
  /[\\/]@modelcontextprotocol[\\/](?:sdk[\\/]dist[\\/]cjs[\\/](?:client[\\/]index|server[\\/](?:index|mcp))\.js|(?:client|server)[\\/]dist[\\/]index\.cjs)$/;

/** Modules with a client or a server of the SDK that CommonJS loaded before there was a hook. */
export function loadedModules(): { readonly file: string; readonly exports: unknown }[] {
  const cache =
    (Module as unknown as { _cache?: Record<string, { exports?: unknown } | undefined> })._cache ?? {};
  return Object.keys(cache)
    .filter((file) => SDK_FILE.test(file))
    .map((file) => ({ file, exports: cache[file]?.exports }));
}

/** Their client classes. */
export function loadedClientClasses(): McpClientClass[] {
  return loadedModules()
    .map(({ exports }) => clientClassIn(exports))
    .filter((client) => client !== undefined);
}
