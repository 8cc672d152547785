import { createHash } from 'node:crypto';
import type { Content } from './sealed.js';
import {
  ArchiveError,
  type ObjectFacts,
  type ObjectLock,
  type ObjectStore,
  type StoredObject,
} from './objectStore.js';

/** How an object is put into the storage. */
export interface UploadOptions {
  /** What object lock must say of it afterwards; nothing where the bucket's own rule decides. */
  readonly lock: ObjectLock;
  /** Whether an object that is not locked afterwards is a failure. */
  readonly mustLock: boolean;
  /** The size of a part, in bytes. Larger objects go in parts of this size. */
  readonly partBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/** An object that lies in the storage, read back and found to be what was sent. */
export interface Uploaded extends ObjectFacts {
  /** In hexadecimal, of the bytes that were read back. */
  readonly sha256: string;
  /** Bytes that an earlier attempt had brought there already. */
  readonly resumed: number;
}

/** How much is hashed before others get their turn: about two milliseconds of MD5. */
const HASHED_AT_ONCE = 1 << 20;
/** Parts that are under way at the same time. */
const PARTS_AT_ONCE = 3;
/** The most parts that an upload may have ("Amazon S3 multipart upload limits"). */
const MOST_PARTS = 10_000;

/**
 * Brings bytes to a name that is written once, and proves it: the object is read back, and the storage is asked for its lock. What an
 * earlier attempt left behind is used, down to the single part. Several attempts make one object.
 *
 * @param options.there What lies under the name already.
 *
 * @throws ArchiveError when the storage fails or refuses, holds something else under the name, or does not lock it.
 */
export async function upload(
  store: ObjectStore,
  key: string,
  content: Content,
  options: UploadOptions & { readonly there: StoredObject | undefined },
): Promise<Uploaded> {
  const sha256 = await digestOf(content);
  const { there } = options;
  let versionId = there?.versionId;
  let resumed = there === undefined ? 0 : content.bytes;
  if (there === undefined) {
    const sent = await send(store, key, content, options);
    versionId = sent.versionId;
    resumed = sent.resumed;
  }
  const found = await store.digest(key, versionId);
  if (found.sha256 !== sha256)
    throw new ArchiveError(
      `${store.address(key)} holds ${found.bytes} other bytes than the ${content.bytes} that belong there: another log is archived under this name, or somebody put something in its place`,
    );
  const facts = await locked(store, key, versionId, options);
  return { ...facts, sha256, resumed };
}

/** The SHA-256 of content, in hexadecimal. */
async function digestOf(content: Content): Promise<string> {
  const hash = createHash('sha256');
  for (let at = 0; at < content.bytes; at += HASHED_AT_ONCE) {
    hash.update(await content.read(at, Math.min(at + HASHED_AT_ONCE, content.bytes)));
    await turn();
  }
  return hash.digest('hex');
}

/**
 * Asks for the lock of an object; sets it where the storage did not take it with the upload, as some do not for parts.
 *
 * @throws ArchiveError when it is not locked as it should be.
 */
export async function locked(
  store: ObjectStore,
  key: string,
  versionId: string | undefined,
  { lock, mustLock }: UploadOptions,
): Promise<ObjectFacts> {
  const { mode, until } = lock;
  let facts = await store.head(key, versionId);
  if (facts !== undefined && mode !== undefined && until !== undefined && !isAsLocked(facts.lock, lock)) {
    const retention = { Mode: mode, RetainUntilDate: until };
    await store.asked('locked', key, () =>
      store.client.send(
        new store.sdk.PutObjectRetentionCommand({
          Bucket: store.bucket,
          Key: key,
          VersionId: versionId,
          Retention: retention,
          ChecksumAlgorithm: 'SHA256',
        }),
      ),
    );
    facts = await store.head(key, versionId);
  }
  if (facts === undefined)
    throw new ArchiveError(`${store.address(key)} was uploaded, and the storage does not find it`);
  if (mustLock && (facts.lock.until === undefined || !isAsLocked(facts.lock, lock)))
    throw new ArchiveError(
      `${store.address(key)} is not locked: the bucket has no object lock with a rule of its own, or this user may not see it (s3:GetObjectRetention). Give a mode and days, or lock: 'none'`,
    );
  return facts;
}

/** Times of S3 have whole seconds in some answers. */
const CLOCK_GRAIN_MS = 1_000;

function isAsLocked(found: ObjectLock, wanted: ObjectLock): boolean {
  if (wanted.mode === undefined || wanted.until === undefined) return true;
  if (found.mode !== 'COMPLIANCE' && found.mode !== wanted.mode) return false;
  return (found.until?.getTime() ?? 0) >= wanted.until.getTime() - CLOCK_GRAIN_MS;
}

function lockHeaders({ mode, until, legalHold }: ObjectLock) {
  return {
    ...(mode !== undefined &&
      until !== undefined && { ObjectLockMode: mode, ObjectLockRetainUntilDate: until }),
    ...(legalHold === true && { ObjectLockLegalHoldStatus: 'ON' as const }),
  };
}

/** Both checksums: S3 demands one of them for an object with a retention time, and not every storage knows both. */
async function checksumsOf(body: Buffer) {
  const [md5, sha256] = [createHash('md5'), createHash('sha256')];
  for (let at = 0; at < body.length; at += HASHED_AT_ONCE) {
    const piece = body.subarray(at, at + HASHED_AT_ONCE);
    md5.update(piece);
    sha256.update(piece);
    await turn();
  }
  const digest = md5.digest();
  return {
    headers: { ContentMD5: digest.toString('base64'), ChecksumSHA256: sha256.digest('base64') },
    etag: digest.toString('hex'),
  };
}

interface Sent {
  readonly versionId: string | undefined;
  readonly resumed: number;
}

async function send(
  store: ObjectStore,
  key: string,
  content: Content,
  options: UploadOptions,
): Promise<Sent> {
  if (content.bytes > options.partBytes) return sendInParts(store, key, content, options);
  const body = await content.read(0, content.bytes);
  const { headers } = await checksumsOf(body);
  const { VersionId } = await store.asked('uploaded', key, () =>
    store.client.send(
      new store.sdk.PutObjectCommand({
        Bucket: store.bucket,
        Key: key,
        Body: body,
        ...headers,
        ...lockHeaders(options.lock),
      }),
      abortable(options),
    ),
  );
  return { versionId: VersionId, resumed: 0 };
}

function abortable({ signal }: UploadOptions): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}

interface Part {
  readonly PartNumber: number;
  readonly ETag: string;
  readonly ChecksumSHA256: string;
}

async function sendInParts(
  store: ObjectStore,
  key: string,
  content: Content,
  options: UploadOptions,
): Promise<Sent> {
  const begun = await uploadsOf(store, key);
  const uploadId = begun[0] ?? (await begin(store, key, options));
  const there = begun.length === 0 ? new Map<number, string>() : await partsOf(store, key, uploadId);
  const partBytes = Math.max(options.partBytes, Math.ceil(content.bytes / MOST_PARTS));
  const parts: Part[] = [];
  let resumed = 0;
  let next = 0;
  const worker = async () => {
    for (let start = next; start < content.bytes; start = next) {
      next += partBytes;
      options.signal?.throwIfAborted();
      const number = start / partBytes + 1;
      const body = await content.read(start, Math.min(start + partBytes, content.bytes));
      const { headers, etag } = await checksumsOf(body);
      // The ETag of a part is its MD5, but where the storage encrypts with keys of a service: then it is sent again.
      const isThere = there.get(number) === etag;
      if (isThere) resumed += body.length;
      const ETag = isThere
        ? `"${etag}"`
        : await sendPart(store, { key, uploadId, number, body, headers }, options);
      parts.push({ PartNumber: number, ETag, ChecksumSHA256: headers.ChecksumSHA256 });
    }
  };
  await Promise.all(Array.from({ length: PARTS_AT_ONCE }, worker));
  const versionId = await complete(store, key, uploadId, parts);
  for (const other of begun.slice(1)) await abandon(store, key, other);
  return { versionId, resumed };
}

/** The uploads of a name that were begun and not completed, newest first. */
async function uploadsOf(store: ObjectStore, key: string): Promise<string[]> {
  const { Uploads = [] } = await store.asked('listed', key, () =>
    store.client.send(new store.sdk.ListMultipartUploadsCommand({ Bucket: store.bucket, Prefix: key })),
  );
  return Uploads.filter(({ Key }) => Key === key)
    .sort((a, b) => (b.Initiated?.getTime() ?? 0) - (a.Initiated?.getTime() ?? 0))
    .map(({ UploadId = '' }) => UploadId);
}

async function begin(store: ObjectStore, key: string, options: UploadOptions): Promise<string> {
  const { UploadId = '' } = await store.asked('uploaded', key, () =>
    store.client.send(
      new store.sdk.CreateMultipartUploadCommand({
        Bucket: store.bucket,
        Key: key,
        ChecksumAlgorithm: 'SHA256',
        ...lockHeaders(options.lock),
      }),
    ),
  );
  return UploadId;
}

/** The ETags of the parts of an upload that are in the storage, by their numbers. */
async function partsOf(store: ObjectStore, key: string, uploadId: string) {
  const found = new Map<number, string>();
  let marker: string | undefined;
  do {
    const page = await store.asked('listed', key, () =>
      store.client.send(
        new store.sdk.ListPartsCommand({
          Bucket: store.bucket,
          Key: key,
          UploadId: uploadId,
          PartNumberMarker: marker,
        }),
      ),
    );
    for (const { PartNumber = 0, ETag = '' } of page.Parts ?? [])
      found.set(PartNumber, ETag.replaceAll('"', ''));
    marker = page.IsTruncated === true ? page.NextPartNumberMarker : undefined;
  } while (marker !== undefined);
  return found;
}

interface PartToSend {
  readonly key: string;
  readonly uploadId: string;
  readonly number: number;
  readonly body: Buffer;
  readonly headers: { readonly ContentMD5: string; readonly ChecksumSHA256: string };
}

async function sendPart(
  store: ObjectStore,
  { key, uploadId, number, body, headers }: PartToSend,
  options: UploadOptions,
): Promise<string> {
  const { ETag = '' } = await store.asked('uploaded', key, () =>
    store.client.send(
      new store.sdk.UploadPartCommand({
        Bucket: store.bucket,
        Key: key,
        UploadId: uploadId,
        PartNumber: number,
        Body: body,
        ...headers,
      }),
      abortable(options),
    ),
  );
  return ETag;
}

async function complete(
  store: ObjectStore,
  key: string,
  uploadId: string,
  parts: readonly Part[],
): Promise<string | undefined> {
  const { VersionId } = await store.asked('uploaded', key, () =>
    store.client.send(
      new store.sdk.CompleteMultipartUploadCommand({
        Bucket: store.bucket,
        Key: key,
        UploadId: uploadId,
        MultipartUpload: { Parts: [...parts].sort((a, b) => a.PartNumber - b.PartNumber) },
      }),
    ),
  );
  return VersionId;
}

/** Frees the parts of an upload that another one took the place of: they would be paid for until somebody looks. */
async function abandon(store: ObjectStore, key: string, uploadId: string): Promise<void> {
  await store.client
    .send(new store.sdk.AbortMultipartUploadCommand({ Bucket: store.bucket, Key: key, UploadId: uploadId }))
    .catch(() => undefined);
}

/** Lets the event loop turn, so that a large object does not hold up all else. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
