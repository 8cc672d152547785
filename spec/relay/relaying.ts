import { resolveOptions, type AuditOptions } from '../../lib/config.js';
import { createAuditLog } from '../../lib/processor/auditLog.js';
import { Exchange } from '../../lib/relay/exchange.js';
import { RelayedClient } from '../../lib/relay/relayedClient.js';
import { MemorySink } from '../support/memorySink.js';

/** A relay without the two sides: what they say is given to it, and what it passes on is looked at. */
export class Relaying {
  readonly sink = new MemorySink();
  readonly client: RelayedClient;
  /** What the relay told the server in the client's place. */
  readonly toldServer: object[] = [];
  readonly close: () => Promise<void>;
  readonly #exchange: Exchange;

  constructor(options: Partial<AuditOptions> = {}) {
    const { recording, close } = createAuditLog(
      resolveOptions({
        environment: 'test',
        startRecord: false,
        ...(options.sink === undefined ? { sink: this.sink } : {}),
        ...options,
      }),
      'clients',
    );
    const facts = { _serverParams: { command: 'server', args: ['--token', 'hidden'] } };
    this.client = new RelayedClient(facts, recording, (answer) => this.toldServer.push(answer));
    this.#exchange = new Exchange(this.client);
    this.close = close;
  }

  /** What the server gets of a line, and what the client gets in the server's place. */
  async fromClient(line: string): Promise<{ server: string | undefined; client: string | undefined }> {
    const { bytes, answer } = await this.#exchange.fromClient(Buffer.from(line));
    return { server: bytes?.toString(), client: answer };
  }

  /** What the client gets of a line. */
  async fromServer(line: string): Promise<string | undefined> {
    return (await this.bytesFromServer(Buffer.from(line)))?.toString();
  }

  /** The same in bytes, for what may be no text. */
  async bytesFromClient(line: Buffer): Promise<Buffer | undefined> {
    return (await this.#exchange.fromClient(line)).bytes;
  }

  bytesFromServer(line: Buffer): Promise<Buffer | undefined> {
    return this.#exchange.fromServer(line);
  }

  /** Shakes hands. */
  async open(): Promise<void> {
    const clientInfo = { name: 'assistant', version: '1.2' };
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
    await this.fromClient(JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params }));
    const serverInfo = { name: 'files', version: '3' };
    const result = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo };
    await this.fromServer(JSON.stringify({ jsonrpc: '2.0', id: 0, result }));
  }
}
