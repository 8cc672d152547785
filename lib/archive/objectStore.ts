import { createHash } from 'node:crypto';
import type * as Sdk from '@aws-sdk/client-s3';
import { AuditError, ConfigError } from '../errors.js';
import { isLoopback } from '../internal/loopback.js';
import { requirePeer } from '../internal/runtime.js';

/** Where an S3-compatible storage is, beside what the AWS environment variables say. */
export interface StoreOptions {
  /** The address of an S3-compatible storage that is not AWS. Default: `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, else AWS. */
  readonly endpoint?: string | undefined;
  /** Its region. Default: `AWS_REGION`, `AWS_DEFAULT_REGION`; with an endpoint, `us-east-1`. */
  readonly region?: string | undefined;
  /** Whether the bucket stands in the path and not in the host name. Default: whether there is an endpoint. */
  readonly pathStyle?: boolean | undefined;
}

/** Variables of the environment. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What object lock is to say of an object. */
export interface ObjectLock {
  readonly mode?: 'COMPLIANCE' | 'GOVERNANCE' | undefined;
  readonly until?: Date | undefined;
  readonly legalHold?: boolean | undefined;
}

/** What the storage says of one version of an object. */
export interface ObjectFacts {
  readonly key: string;
  /** Absent where the bucket keeps no versions. */
  readonly versionId?: string | undefined;
  readonly bytes: number;
  /** The storage's own clock when it answered. */
  readonly serverTime?: Date | undefined;
  readonly lock: ObjectLock;
}

/** The oldest version of an object, which is the one that was archived, and how much was laid over it since. */
export interface StoredObject {
  readonly key: string;
  readonly versionId?: string | undefined;
  readonly bytes: number;
  /** Newer versions and delete markers of the same name. */
  readonly later: number;
}

/** A storage refused or could not be reached. The message names the address, and what to do where that is known. */
export class ArchiveError extends AuditError {
  constructor(message: string, cause?: unknown) {
    super('MCP_LOG_ERR_ARCHIVE', message, { cause });
    this.name = 'ArchiveError';
  }
}

/** Whether an operand names an object of a storage instead of a file. */
export function isStored(operand: string): boolean {
  return /^s3:\/\//i.test(operand);
}

/**
 * Takes `s3://bucket/key` apart.
 *
 * @throws ConfigError when it is no such address, or holds credentials.
 */
export function parseAddress(address: string): { readonly bucket: string; readonly key: string } {
  const match = /^s3:\/\/([^/?#@:]+)(?:\/([^?#]*))?$/i.exec(address);
  const [, bucket = '', key = ''] = match ?? [];
  // The names that S3 takes ("Bucket naming rules"), and upper case, which some storages still have.
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$/.test(bucket))
    throw new ConfigError('archive', 'expected s3://BUCKET/FOLDER, without credentials and without a query');
  return { bucket, key: key.replace(/^\/+|\/+$/g, '') };
}

/** How often a download that broke off is taken up again without a single byte more. */
const RESUMPTIONS = 3;

/** One bucket of an S3-compatible storage. */
export class ObjectStore {
  private constructor(
    readonly sdk: typeof Sdk,
    readonly client: Sdk.S3Client,
    readonly bucket: string,
  ) {}

  /**
   * Makes a client. Nothing is sent yet.
   *
   * @throws ConfigError when `@aws-sdk/client-s3` is not installed, or an option cannot work.
   */
  static open(bucket: string, options: StoreOptions, env: Environment): ObjectStore {
    const endpoint = options.endpoint ?? (env['AWS_ENDPOINT_URL_S3'] || env['AWS_ENDPOINT_URL']);
    if (endpoint !== undefined) requireSafe(endpoint);
    const region = options.region ?? (env['AWS_REGION'] || env['AWS_DEFAULT_REGION']);
    const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = env;
    const sdk = loadSdk();
    const client = new sdk.S3Client({
      ...(endpoint !== undefined && { endpoint }),
      forcePathStyle: options.pathStyle ?? endpoint !== undefined,
      ...((region ?? endpoint) !== undefined && { region: region ?? 'us-east-1' }),
      // Without these, the SDK looks where it always looks: profiles, web identity, containers, the instance.
      ...(id && secret
        ? { credentials: { accessKeyId: id, secretAccessKey: secret, ...(token && { sessionToken: token }) } }
        : {}),
      // Every upload carries checksums of ours; other storages than AWS refuse those that the SDK would add by trailers.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
    return new ObjectStore(sdk, client, bucket);
  }

  /** The address of an object. */
  address(key: string): string {
    return `s3://${this.bucket}/${key}`;
  }

  /** Runs a request, and says in words why it failed. */
  async asked<T>(what: string, key: string, request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (error) {
      throw error instanceof AuditError ? error : this.#explained(what, key, error);
    }
  }

  /** What the storage says of an object; undefined where there is none. */
  async head(key: string, versionId?: string): Promise<ObjectFacts | undefined> {
    try {
      const command = new this.sdk.HeadObjectCommand({ Bucket: this.bucket, Key: key, VersionId: versionId });
      let date: string | undefined;
      command.middlewareStack.add(
        (next) => async (args) => {
          const result = await next(args);
          date = (result.response as { headers?: Record<string, string> }).headers?.['date'];
          return result;
        },
        { step: 'deserialize', priority: 'low' },
      );
      const found = await this.client.send(command);
      return {
        key,
        versionId: found.VersionId ?? versionId,
        bytes: found.ContentLength ?? 0,
        ...(date !== undefined && { serverTime: new Date(date) }),
        lock: {
          mode: found.ObjectLockMode,
          until: found.ObjectLockRetainUntilDate,
          legalHold: found.ObjectLockLegalHoldStatus === 'ON',
        },
      };
    } catch (error) {
      // A bucket that is missing answers alike; listing it tells the two apart, and comes first.
      if (statusOf(error) === 404) return undefined;
      throw this.#explained('looked at', key, error);
    }
  }

  /** The bytes of an object from an offset on. A download that breaks off goes on where it was. */
  async *read(key: string, versionId?: string, from = 0): AsyncGenerator<Buffer, void, undefined> {
    let offset = from;
    for (let failures = 0; ;) {
      try {
        const { Body } = await this.client.send(
          new this.sdk.GetObjectCommand({
            Bucket: this.bucket,
            Key: key,
            VersionId: versionId,
            ...(offset > 0 && { Range: `bytes=${offset}-` }),
          }),
        );
        for await (const part of Body as AsyncIterable<Uint8Array>) {
          failures = 0;
          offset += part.length;
          yield Buffer.from(part.buffer, part.byteOffset, part.byteLength);
        }
        return;
      } catch (error) {
        // The offset is the end of the object: there is nothing from there on.
        if (statusOf(error) === 416) return;
        if (statusOf(error) !== undefined || ++failures > RESUMPTIONS)
          throw this.#explained('read', key, error);
      }
    }
  }

  /** A small object as a whole. */
  async readAll(key: string, versionId?: string): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of this.read(key, versionId)) parts.push(part);
    return Buffer.concat(parts);
  }

  /** The SHA-256 of an object as it is read back, in hexadecimal. */
  async digest(
    key: string,
    versionId?: string,
  ): Promise<{ readonly sha256: string; readonly bytes: number }> {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const part of this.read(key, versionId)) {
      hash.update(part);
      bytes += part.length;
    }
    return { sha256: hash.digest('hex'), bytes };
  }

  /**
   * The objects whose names begin so, in the order of their names, each by its oldest version: names of an archive are written
   * once, so that whatever was laid over one later is not of it. Where the bucket keeps no versions, what there is.
   */
  async list(prefix: string): Promise<StoredObject[]> {
    try {
      return await this.#listVersions(prefix);
    } catch (error) {
      // Storages without versions do not know the request, and some users may not make it.
      if (![400, 403, 405, 501].includes(statusOf(error) ?? 0))
        throw this.#explained('listed', prefix, error);
      return this.asked('listed', prefix, () => this.#listCurrent(prefix));
    }
  }

  async #listVersions(prefix: string): Promise<StoredObject[]> {
    const found = new Map<string, { versionId?: string | undefined; bytes: number; all: number }>();
    let next: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } | undefined = {};
    while (next !== undefined) {
      const page: Sdk.ListObjectVersionsCommandOutput = await this.client.send(
        new this.sdk.ListObjectVersionsCommand({ Bucket: this.bucket, Prefix: prefix, ...next }),
      );
      // The newest stands first: the last one of a name is its oldest.
      for (const { Key = '', VersionId, Size = 0 } of page.Versions ?? [])
        found.set(Key, { versionId: VersionId, bytes: Size, all: (found.get(Key)?.all ?? 0) + 1 });
      for (const { Key = '' } of page.DeleteMarkers ?? []) {
        const own = found.get(Key);
        if (own !== undefined) own.all++;
      }
      next =
        page.IsTruncated === true
          ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }
          : undefined;
    }
    return [...found].map(([key, { all, versionId, bytes }]) => ({
      key,
      // A bucket that never kept versions calls its only one `null`.
      versionId: versionId === 'null' ? undefined : versionId,
      bytes,
      later: all - 1,
    }));
  }

  async #listCurrent(prefix: string): Promise<StoredObject[]> {
    const found: StoredObject[] = [];
    let token: string | undefined;
    do {
      const page: Sdk.ListObjectsV2CommandOutput = await this.client.send(
        new this.sdk.ListObjectsV2Command({ Bucket: this.bucket, Prefix: prefix, ContinuationToken: token }),
      );
      for (const { Key = '', Size = 0 } of page.Contents ?? [])
        found.push({ key: Key, bytes: Size, later: 0 });
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
    return found;
  }

  #explained(what: string, key: string, error: unknown): ArchiveError {
    return new ArchiveError(`${this.address(key)} could not be ${what}: ${reasonOf(error)}`, error);
  }
}

function loadSdk(): typeof Sdk {
  try {
    return requirePeer('@aws-sdk/client-s3') as typeof Sdk;
  } catch (cause) {
    throw Object.assign(
      new ConfigError('archive', 'needs the package @aws-sdk/client-s3: npm install @aws-sdk/client-s3'),
      { cause },
    );
  }
}

function requireSafe(endpoint: string): void {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname))) return;
  throw new ConfigError('archive.endpoint', 'expected an https URL (http only to a loopback address)');
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata?.httpStatusCode;
}

/** What there is to do about an error of S3, by its name. */
const HINTS: Readonly<Record<string, string>> = {
  NoSuchBucket: 'there is no such bucket',
  NotFound: 'there is no such object',
  NoSuchKey: 'there is no such object',
  NoSuchVersion: 'there is no such version',
  AccessDenied: 'access denied',
  Forbidden: 'access denied',
  InvalidAccessKeyId: 'the storage does not know this access key (AWS_ACCESS_KEY_ID)',
  SignatureDoesNotMatch: 'the secret key is wrong (AWS_SECRET_ACCESS_KEY), or the clock of this machine is',
  RequestTimeTooSkewed: 'the clock of this machine is wrong',
  ExpiredToken: 'the session has expired (AWS_SESSION_TOKEN)',
  CredentialsProviderError:
    'no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile of AWS',
  PermanentRedirect: 'the bucket is in another region (AWS_REGION)',
  AuthorizationHeaderMalformed: 'the bucket is in another region (AWS_REGION)',
  InvalidRequest:
    'the storage refused the request; for a retention time, the bucket must have been made with object lock',
};

/** Why a request failed, in words. Messages of a storage are bounded: they may quote what was sent. */
function reasonOf(error: unknown): string {
  const { name = '', code, message = '' } = error as { name?: string; code?: unknown; message?: string };
  const hint = HINTS[name];
  const status = statusOf(error);
  const said = message === '' || message === 'UnknownError' ? '' : message.slice(0, 200);
  if (hint !== undefined) return said === '' || said === hint ? hint : `${hint} (${said})`;
  if (typeof code === 'string' && status === undefined) return code;
  if (/region/i.test(said)) return 'no region: set AWS_REGION';
  return [status === undefined ? '' : `status ${status}`, name, said].filter(Boolean).join(', ');
}
