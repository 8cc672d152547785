import { fileURLToPath } from 'node:url';
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';

/** The last package that a path leads through: its name, with its scope if it has one. */
const PACKAGE = /.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/;

/**
 * The modules that the instrumentations of this process have asked import-in-the-middle for. The name of a package stands for
 * all its files, because an instrumentation may patch any of them. A file is asked for by its path, a module of Node by its name.
 */
export class AskedModules {
  readonly #names: Set<string>;
  readonly #ports = new Set<MessagePort>();

  /** @param names The modules that were asked for before. */
  constructor(names: readonly string[] = []) {
    this.#names = new Set(names);
  }

  /** Takes names from a port as well: import-in-the-middle sends the list of each new `Hook` over it. */
  listenTo(port: MessagePort, names: readonly string[] = []): void {
    for (const name of names) this.#names.add(name);
    port.unref();
    this.#ports.add(port);
  }

  /**
   * Whether a module was asked for so far. The ports are read here rather than on their `message` event: an application that
   * registers an instrumentation and imports its target in the next line is faster than the event.
   *
   * @param specifier The specifier of the import, as it was written.
   */
  includes(url: string, specifier: string): boolean {
    for (const port of this.#ports) this.#read(port);
    if (this.#names.size === 0) return false;
    if (this.#names.has(specifier)) return true;
    if (url.startsWith('node:')) return this.#names.has(url) || this.#names.has(url.slice('node:'.length));
    const path = pathOf(url);
    if (path === undefined) return false;
    const name = PACKAGE.exec(path)?.[1]?.replace('\\', '/');
    return (name !== undefined && this.#names.has(name)) || this.#names.has(path);
  }

  #read(port: MessagePort): void {
    for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) {
      const { message } = next as { message: unknown };
      if (!Array.isArray(message)) continue;
      for (const name of message) if (typeof name === 'string') this.#names.add(name);
    }
  }
}

function pathOf(url: string): string | undefined {
  if (!url.startsWith('file:')) return undefined;
  try {
    return fileURLToPath(url);
  } catch {
    return undefined;
  }
}
