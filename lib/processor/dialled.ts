import { commandLine } from '../redaction/commandLine.js';
import type { Redactor } from '../redaction/createRedactor.js';
import type { ConnectionFacts } from './detail.js';

/** The addresses and commands that were dialled, as one log's redaction shows them. */
export class Dialled {
  readonly #redactor: Redactor;
  /** A command does not change while its process runs, and to redact it costs more than to map a whole operation. */
  readonly #commands = new WeakMap<ConnectionFacts, string>();

  constructor(redactor: Redactor) {
    this.#redactor = redactor;
  }

  /** What this connection dialled, without secrets. */
  by(connection: ConnectionFacts): string | undefined {
    const known = this.#commands.get(connection);
    if (known !== undefined) return known;
    const { serverCommand } = connection;
    if (serverCommand === undefined) return connection.serverAddress;
    const shown = commandLine(serverCommand, this.#redactor);
    this.#commands.set(connection, shown);
    return shown;
  }
}
