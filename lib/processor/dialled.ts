import { commandLine } from '../redaction/commandLine.js';
import type { Redactor } from '../redaction/createRedactor.js';
import type { ConnectionFacts } from './operation.js';

/** The addresses and commands of servers, redacted for one log. */
export class Dialled {
  readonly #redactor: Redactor;
  /** Redacted commands: a command does not change, and its redaction costs more than the mapping of an operation. */
  readonly #commands = new WeakMap<ConnectionFacts, string>();

  constructor(redactor: Redactor) {
    this.#redactor = redactor;
  }

  /** The address or command of a connection's server, without secrets. */
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
