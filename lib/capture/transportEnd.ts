import { shared } from '../internal/shared.js';
import { peek } from './client.js';
import type { Connection } from './connection.js';

/** What hears of the end of a transport now: a transport may serve one session after another. */
interface Watch {
  connection: Connection;
  ended: () => void;
}

const watches = shared('ends', () => new WeakMap<object, Watch>());

/**
 * Calls back when the transport of a connection ends: its owner calls `close()`, or it reports its end through `onclose`. The
 * SDK's client listens to `onclose` alone, and no longer hears anything once an application has put a function of its own there.
 * Safe to call for every operation of the connection.
 */
export function onTransportEnd(connection: Connection, ended: () => void): void {
  const transport = connection.over;
  if (transport === undefined) return;
  const watch = watches.get(transport);
  if (watch !== undefined) {
    if (watch.connection !== connection) Object.assign(watch, { connection, ended });
    return;
  }
  const added: Watch = { connection, ended };
  watches.set(transport, added);
  watchClose(transport, added);
  watchOnclose(transport, added);
}

/** The client calls the transport's `close()` as well, from its own: that is the client's logout already. */
function watchClose(transport: object, watch: Watch): void {
  const close = peek(transport, 'close');
  if (typeof close !== 'function') return;
  const watched = new Proxy(close as (...args: unknown[]) => unknown, {
    apply(target, self, args) {
      const { connection } = watch;
      const isOwners = !connection.isInTrouble && !isClosedByPeer(transport);
      if (!connection.open || connection.closing || !isOwners) return Reflect.apply(target, self, args);
      connection.isLeaving = true;
      connection.remember();
      const stay = () => (connection.isLeaving = false);
      let closing: unknown;
      try {
        closing = Reflect.apply(target, self, args);
      } catch (error) {
        stay();
        throw error;
      }
      if (closing instanceof Promise) closing.then(() => watch.ended(), stay);
      else watch.ended();
      return closing;
    },
  });
  define(transport, 'close', { value: watched, writable: true });
}

/** The SDK's in-memory transports close each other; the one that was closed first has let go of the other. */
function isClosedByPeer(transport: object): boolean {
  const peer = peek(transport, '_otherTransport');
  return peer !== undefined && peek(peer, '_otherTransport') !== transport;
}

/** A function that the application puts there after the login is called, and the end noted after it. */
function watchOnclose(transport: object, watch: Watch): void {
  const inherited = find(transport, 'onclose');
  let current: unknown = inherited?.value;
  const noticing = (value: unknown): unknown => {
    if (typeof value !== 'function') return value;
    return new Proxy(value as (...args: unknown[]) => unknown, {
      apply(target, self, args) {
        try {
          return Reflect.apply(target, self, args);
        } finally {
          watch.ended();
        }
      },
    });
  };
  define(transport, 'onclose', {
    get: () => (inherited?.get ? (Reflect.apply(inherited.get, transport, []) as unknown) : current),
    set: (value: unknown) => {
      const seen = noticing(value);
      if (inherited?.set) Reflect.apply(inherited.set, transport, [seen]);
      else current = seen;
    },
  });
}

/** Keeps the property as visible as it is; a frozen transport stays as it is. */
function define(transport: object, name: string, descriptor: PropertyDescriptor): void {
  const enumerable = Object.getOwnPropertyDescriptor(transport, name)?.enumerable ?? false;
  Reflect.defineProperty(transport, name, { ...descriptor, enumerable, configurable: true });
}

function find(object: object, name: string): PropertyDescriptor | undefined {
  for (let link: object | null = object; link !== null; link = Object.getPrototypeOf(link) as object | null) {
    const descriptor = Object.getOwnPropertyDescriptor(link, name);
    if (descriptor !== undefined) return descriptor;
  }
  return undefined;
}
