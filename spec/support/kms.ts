import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { SubjectKey, SubjectKeyStore } from '../../lib/erasure/subjectKeys.js';

/** What the service does with a request instead of answering it. */
export type KmsTrouble = 'throttle' | 'error' | 'hang' | undefined;

/**
 * A service with the two requests of AWS KMS that envelope encryption needs, `GenerateDataKey` and `Decrypt`, over its JSON protocol
 * (`X-Amz-Target: TrentService.…`), on loopback. The master key never leaves it. It can be slow, throttle, fail and hang.
 */
export class KmsServer {
  /** Asked for each request, with the number of those before it. */
  trouble: (number: number) => KmsTrouble = () => undefined;
  /** The operations that were asked for, in order. */
  readonly requests: string[] = [];
  readonly #master = randomBytes(32);
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  readonly #hanging: (() => void)[] = [];

  static async start(): Promise<KmsServer> {
    const kms = new KmsServer();
    kms.#server.listen(0, '127.0.0.1');
    await once(kms.#server, 'listening');
    return kms;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** Answers all requests that hang. */
  resume(): void {
    this.trouble = () => undefined;
    for (const answer of this.#hanging.splice(0)) answer();
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const operation = String(request.headers['x-amz-target']).replace('TrentService.', '');
    const input = JSON.parse(await text(request)) as { CiphertextBlob?: string };
    const trouble = this.trouble(this.requests.push(operation) - 1);
    if (trouble === 'hang') await new Promise<void>((resolve) => this.#hanging.push(resolve));
    if (trouble === 'throttle') return fail(response, 400, 'ThrottlingException');
    if (trouble === 'error') return fail(response, 500, 'KMSInternalException');
    const plain =
      operation === 'GenerateDataKey'
        ? randomBytes(32)
        : this.#open(Buffer.from(input.CiphertextBlob ?? '', 'base64'));
    response.setHeader('content-type', 'application/x-amz-json-1.1');
    response.end(
      JSON.stringify({
        Plaintext: plain.toString('base64'),
        CiphertextBlob: this.#seal(plain).toString('base64'),
      }),
    );
  }

  #seal(plain: Buffer): Buffer {
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#master, iv);
    return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  }

  #open(blob: Buffer): Buffer {
    const decipher = createDecipheriv('aes-256-gcm', this.#master, blob.subarray(0, 12));
    decipher.setAuthTag(blob.subarray(-16));
    return Buffer.concat([decipher.update(blob.subarray(12, -16)), decipher.final()]);
  }
}

function fail(response: ServerResponse, status: number, type: string): void {
  response.statusCode = status;
  response.end(JSON.stringify({ __type: type }));
}

/** A row of the table of keys: what a database would hold. Without the master key of the service it is worth nothing. */
interface Row {
  readonly id: string;
  readonly encrypted: string;
}

/** Keys of persons as rows that a KMS has encrypted: what the documentation shows. */
export class KmsKeyStore implements SubjectKeyStore {
  readonly rows = new Map<string, Row | 'erased'>();

  constructor(private readonly url: string) {}

  async get(subject: string): Promise<SubjectKey | 'erased' | undefined> {
    const row = this.rows.get(subject);
    if (row === undefined || row === 'erased') return row;
    const { Plaintext } = await this.#ask('Decrypt', { CiphertextBlob: row.encrypted });
    return { id: row.id, key: Buffer.from(Plaintext, 'base64') };
  }

  async create(subject: string): Promise<SubjectKey | 'erased'> {
    const { CiphertextBlob, Plaintext } = await this.#ask('GenerateDataKey', { KeySpec: 'AES_256' });
    const other = this.rows.get(subject);
    if (other !== undefined) return (await this.get(subject)) ?? 'erased';
    const id = randomUUID();
    this.rows.set(subject, { id, encrypted: CiphertextBlob });
    return { id, key: Buffer.from(Plaintext, 'base64') };
  }

  destroy(subject: string): Promise<void> {
    this.rows.set(subject, 'erased');
    return Promise.resolve();
  }

  async #ask(operation: string, input: object) {
    const response = await fetch(this.url, {
      method: 'POST',
      headers: { 'x-amz-target': `TrentService.${operation}`, 'content-type': 'application/x-amz-json-1.1' },
      body: JSON.stringify({ KeyId: 'alias/audit', ...input }),
    });
    const answer = (await response.json()) as { Plaintext: string; CiphertextBlob: string; __type?: string };
    if (!response.ok) throw new Error(answer.__type);
    return answer;
  }
}
