import { types } from 'node:util';
import { peek } from '../internal/peek.js';

/**
 * What is assumed of the SDK's `Client`, v1 and v2 alike: its public methods, and a few internals that are read with care
 * and missed without harm. Structural, so that this package needs no version of the SDK at run time or in its types.
 */
export interface McpClientLike {
  /** Begins a session over a transport. */
  connect(transport: never, ...rest: never[]): Promise<unknown>;
  /** Ends the session. */
  close(): Promise<unknown>;
  /** Calls a tool. */
  callTool(params: never, ...rest: never[]): Promise<unknown>;
}

/** The class of such a client. */
export interface McpClientClass {
  /** Where its methods are, which are wrapped there. */
  readonly prototype: object;
  /** The class's own name. */
  readonly name: string;
}

/** Any method, as the wrapping loop sees it. */
export type Method = (this: object, ...args: unknown[]) => unknown;
/** Makes the method that stands in for another. */
export type Wrapper = (original: Method) => Method;

/**
 * The object that stands for a client, whichever stand-in a call came through. Frameworks put a Proxy around a client, or make
 * an object that inherits from it, and then call both: each must find what is kept of the one client behind them. The SDK makes
 * one map of request handlers per client and never replaces it, and every stand-in that lets calls through shows that map.
 */
export function identityOf(client: object): object {
  const handlers = peek(client, '_requestHandlers');
  return handlers instanceof Map && !types.isProxy(handlers) ? handlers : client;
}

/** Whether this is a Proxy that does not show which client is behind it. */
export function hidesItsClient(client: object): boolean {
  return types.isProxy(client) && identityOf(client) === client;
}

/** At most so many functions of ours stand between one function that is wrapped and the next. */
const OWN_FRAMES = 25;

/**
 * A function that stands where another stood: a Proxy around that very function, so that what its owner put on it (a mock's
 * calls, a spy's `restore`, a name) is still read and written there. Only what a call of it does is ours.
 *
 * An error keeps the innermost frames of its stack alone. While the call runs it keeps more, so that our frames leave the place of
 * its callers to them.
 */
export function standIn<T extends object>(original: T, call: Method): T {
  return new Proxy(original, {
    apply(_, self, args) {
      const { stackTraceLimit } = Error;
      const raised = stackTraceLimit + OWN_FRAMES;
      try {
        // Where the program keeps no stacks (0), or all of each (Infinity), it stays as it is.
        if (stackTraceLimit > 0) Error.stackTraceLimit = raised;
      } catch {
        // `Error` is frozen.
      }
      try {
        return Reflect.apply(call, self as object, args) as unknown;
      } finally {
        // Whoever has set it meanwhile has the last word.
        if (Error.stackTraceLimit === raised) Error.stackTraceLimit = stackTraceLimit;
      }
    },
  });
}

/** For promises whose failure no caller waits for; whoever answers for it has reported it. */
export function ignore(): void {
  return;
}
