import { types } from 'node:util';
import { peek } from '../internal/peek.js';

/**
 * What this package needs of an MCP client: the SDK's `Client`, v1 and v2 alike, or what `createMCPClient` of `@ai-sdk/mcp` makes.
 * Structural, so that neither types nor run time need a certain version of them.
 */
export interface McpClientLike {
  /** Ends the session. */
  close(): Promise<unknown>;
  /** Begins a session over a transport, where the client is made without one. */
  connect?(transport: never, ...rest: never[]): Promise<unknown>;
  /** Lists tools. */
  listTools?(params?: never, ...rest: never[]): Promise<unknown>;
}

/** The class of such a client. */
export interface McpClientClass {
  /** The object that has the methods, which are wrapped there. */
  readonly prototype: object;
  /** The class's own name. */
  readonly name: string;
}

/** Any method of a client. */
export type Method = (this: object, ...args: unknown[]) => unknown;
/** Makes the method that stands in for another. */
export type Wrapper = (original: Method) => Method;

/**
 * The key by which the state of a client is kept. Frameworks put a Proxy around a client, or make an object that inherits from it,
 * and call both: each must find the same state. The SDK makes one map of request handlers per client and never replaces it, and
 * every stand-in that lets calls through shows that map.
 */
export function identityOf(client: object): object {
  const handlers = peek(client, '_requestHandlers');
  return handlers instanceof Map && !types.isProxy(handlers) ? handlers : client;
}

/** Whether this is a Proxy that does not show which client is behind it. */
export function hidesItsClient(client: object): boolean {
  return types.isProxy(client) && identityOf(client) === client;
}

/** At most so many of our functions run between two functions that are wrapped. */
const OWN_FRAMES = 25;

/**
 * A function that takes the place of another: a Proxy around it, so that what its owner put on it (the calls of a mock, the `restore`
 * of a spy, a name) is still read and written there. Only the call itself is ours.
 *
 * An error keeps no more frames than `Error.stackTraceLimit`, the innermost ones. The limit is raised while the call runs, so that
 * our frames do not push out those of the callers.
 */
export function standIn<T extends object>(original: T, call: Method): T {
  return new Proxy(original, {
    apply(_, self, args) {
      const { stackTraceLimit } = Error;
      const raised = stackTraceLimit + OWN_FRAMES;
      try {
        // A program that keeps no stacks has set it to 0.
        if (stackTraceLimit > 0) Error.stackTraceLimit = raised;
      } catch {
        // `Error` is frozen.
      }
      try {
        return Reflect.apply(call, self as object, args) as unknown;
      } finally {
        // A limit that the program has set meanwhile stays.
        if (Error.stackTraceLimit === raised) Error.stackTraceLimit = stackTraceLimit;
      }
    },
  });
}

/** Handles a rejection that has been reported elsewhere, so that it does not count as unhandled. */
export function ignore(): void {
  return;
}
