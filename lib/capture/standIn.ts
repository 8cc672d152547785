import type { Method } from './client.js';

/**
 * A function that stands where another stood: a Proxy around that very function, so that what its owner put on it (a mock's
 * calls, a spy's `restore`, a name) is still read and written there. Only what a call of it does is ours.
 */
export function standIn<T extends object>(original: T, call: Method): T {
  return new Proxy(original, {
    apply: (_, self, args) => Reflect.apply(call, self as object, args) as unknown,
  });
}
