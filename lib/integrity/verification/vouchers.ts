import { IntegrityError, AuditError } from '../../errors.js';
import { type Checkpoint, cosignaturesOf, type Cosignature } from '../tlog/checkpoint.js';
import type { Problem, Check } from './verdict.js';
import { parseNote } from '../tlog/note.js';
import { witnessKeys, type WitnessPolicy } from '../tlog/policy.js';
import { X509Certificate } from 'node:crypto';

/** A timestamp that was kept with a log. */
export interface TimestampInput {
  /** How many records the checkpoint covers that it is of. */
  readonly size: number;
  /** TimeStampResp in DER (RFC 3161). */
  readonly reply: Uint8Array;
}

/** Timestamps, and the authorities that they may be of. */
export interface TimestampOptions {
  /** The timestamps that lie beside the log. */
  readonly tokens: readonly TimestampInput[];
  /** Trusted certificates in PEM: the authority's, or the root of its chain. */
  readonly certificates: string;
}

/** What others say of a log, and how far. */
export interface Voucher {
  readonly problems: readonly Problem[];
  readonly check: Check;
}

/** A checkpoint that its log signed, with the name of the place that it is from. */
type Head = Checkpoint & { readonly name: string };

/**
 * Asks that enough witnesses have cosigned the log.
 *
 * @param heads Checkpoints that the log leads to.
 * @param size How many records there are.
 * @param live Whether records may follow the last that was cosigned.
 */
export function vouchedByWitnesses(
  policy: WitnessPolicy,
  heads: readonly Head[],
  size: number,
  live: boolean,
): Voucher {
  const problems: Problem[] = [];
  let newest: { readonly size: number; readonly by: readonly Cosignature[] } | undefined;
  for (const head of heads) {
    try {
      const by = cosignaturesOf(head.note, witnessKeys(policy));
      if (policy.isMetBy(by.map(({ witness }) => witness)) && head.size >= (newest?.size ?? -1))
        newest = { size: head.size, by };
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error;
      problems.push({ kind: 'checkpoint', message: `${head.name}: ${error.message}` });
    }
  }
  const what = 'cosigned by enough witnesses';
  if (newest === undefined) {
    const message = `no checkpoint was cosigned by enough witnesses of the policy (${policy.rule})`;
    problems.push({ kind: 'unwitnessed', message, index: 0 });
    return { problems, check: { what, by: policy.rule, result: 'fails' } };
  }
  const open = size - newest.size;
  if (open > 0 && !live) {
    const message = `${open === 1 ? 'a record follows' : `${open} records follow`} the last one that enough witnesses of the policy have cosigned (${policy.rule})`;
    problems.push({ kind: 'unwitnessed', message, index: newest.size });
  }
  // Witnesses sign in the order in which they answer. Sorted by name, the report is the same each time.
  const byName = [...newest.by].sort((a, b) => (a.witness.name < b.witness.name ? -1 : 1));
  const names = byName.map(({ witness, time }) => `${witness.name} at ${isoTime(time * 1000)}`);
  const by = `${policy.rule}: ${newest.size} records by ${names.join(', ')}`;
  return { problems, check: { what, by, result: problems.length > 0 ? 'fails' : 'holds' } };
}

/**
 * Verifies the timestamps of a log.
 *
 * @param heads Checkpoints that the log leads to.
 */
export async function vouchedByTime(
  { tokens, certificates }: TimestampOptions,
  heads: readonly Head[],
): Promise<Voucher> {
  const problems: Problem[] = [];
  let newest: { readonly size: number; readonly by: string } | undefined;
  for (const { size, reply } of tokens) {
    const head = heads.find((each) => each.size === size);
    try {
      if (head === undefined) throw new IntegrityError('there is no checkpoint that it could be of');
      const { time, authority } = await verifyTimestamp(reply, parseNote(head.note).text, certificates);
      if (size >= (newest?.size ?? 0))
        newest = { size, by: `${size} records were there by ${isoTime(time.getTime())}, says ${authority}` };
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error;
      problems.push({ kind: 'timestamp', message: `the timestamp at ${size} records: ${error.message}` });
    }
  }
  if (tokens.length === 0) problems.push({ kind: 'timestamp', message: 'no timestamp lies beside the log' });
  const check: Check = {
    what: 'stamped by an authority that knows the time',
    by: newest?.by ?? 'no timestamp that verifies',
    result: problems.length > 0 ? 'fails' : 'holds',
  };
  return { problems, check };
}

function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('.000Z', 'Z');
}

/** What a timestamp proves. */
export interface Timestamp {
  /** The text was there before this time, by the authority's clock. */
  readonly time: Date;
  /** Whose clock: the subject of the certificate that signed. */
  readonly authority: string;
}

/** id-kp-timeStamping: what the authority's certificate must be for, and nothing else may pass (RFC 3161 section 2.3). */
const TIME_STAMPING = '1.3.6.1.5.5.7.3.8';
const EXTENDED_KEY_USAGE = '2.5.29.37';

/** What is used of `pkijs`, which verifies CMS signatures and certificate chains: an optional peer, loaded on demand. */
interface Pkijs {
  readonly TimeStampResp: { fromBER(der: Uint8Array): { timeStampToken?: { content: unknown } } };
  readonly SignedData: new (parameters: { schema: unknown }) => SignedData;
  readonly TSTInfo: { fromBER(der: ArrayBuffer): { genTime: Date } };
  readonly Certificate: { fromBER(der: Uint8Array): Certificate };
}
interface Certificate {
  readonly extensions?: readonly { extnID: string; parsedValue?: { keyPurposes?: readonly string[] } }[];
  toSchema(): { toBER(): ArrayBuffer };
}
interface SignedData {
  readonly encapContentInfo: { eContent?: { getValue(): ArrayBuffer } };
  verify(parameters: object): Promise<Verification>;
}
interface Verification {
  readonly signatureVerified?: boolean | null;
  readonly signerCertificateVerified?: boolean | null;
  readonly signerCertificate?: Certificate | null;
}

const PACKAGE: string = 'pkijs';

/**
 * Verifies a timestamp offline.
 *
 * @param reply TimeStampResp in DER, as the authority sent it.
 * @param text What was stamped.
 * @param certificates Certificates that are trusted, in PEM: the authority's own, or the root of its chain.
 * @throws {IntegrityError} when it does not verify.
 * @throws {AuditError} MCP_LOG_ERR_CONFIG when `pkijs` is not installed.
 */
export async function verifyTimestamp(
  reply: Uint8Array,
  text: string,
  certificates: string,
): Promise<Timestamp> {
  const pki = await loadPkijs();
  const trusted = pemBlocks(certificates).map((pem) => pki.Certificate.fromBER(rawOf(pem)));
  if (trusted.length === 0) throw new IntegrityError('no certificate of a time-stamping authority is given');
  try {
    return await verified(pki, reply, text, trusted);
  } catch (cause) {
    if (cause instanceof IntegrityError) throw cause;
    throw new IntegrityError('the timestamp is damaged, or is none', { cause });
  }
}

async function verified(
  pki: Pkijs,
  reply: Uint8Array,
  text: string,
  trustedCerts: readonly Certificate[],
): Promise<Timestamp> {
  const { timeStampToken } = pki.TimeStampResp.fromBER(Uint8Array.from(reply));
  if (timeStampToken === undefined) throw new IntegrityError('the authority gave no timestamp');
  const signed = new pki.SignedData({ schema: timeStampToken.content });
  const content = signed.encapContentInfo.eContent?.getValue();
  if (content === undefined) throw new IntegrityError('the timestamp has no content');
  const { genTime: time } = pki.TSTInfo.fromBER(content);
  const data = Uint8Array.from(Buffer.from(text)).buffer;
  // A certificate that has expired since still vouches for what it signed while it was valid.
  const how = { signer: 0, data, trustedCerts, checkChain: true, extendedMode: true, checkDate: time };
  // For a signature that does not verify, pkijs rejects with an object that has the fields of a result.
  const result = await signed.verify(how).catch((failure: Verification) => failure);
  if (result.signerCertificateVerified === false)
    throw new IntegrityError('the timestamp was signed by no authority that is trusted here');
  const { signerCertificate } = result;
  if (result.signatureVerified !== true || result.signerCertificateVerified !== true || !signerCertificate)
    throw new IntegrityError('the timestamp is not of this checkpoint, or its signature does not verify');
  const usage = signerCertificate.extensions?.find(({ extnID }) => extnID === EXTENDED_KEY_USAGE);
  if (usage?.parsedValue?.keyPurposes?.includes(TIME_STAMPING) !== true)
    throw new IntegrityError('the certificate that signed the timestamp is not one for time stamping');
  const certificate = new X509Certificate(Buffer.from(signerCertificate.toSchema().toBER()));
  return { time, authority: certificate.subject.replaceAll('\n', ', ') };
}

async function loadPkijs(): Promise<Pkijs> {
  try {
    return (await import(PACKAGE)) as Pkijs;
  } catch (cause) {
    throw new AuditError(
      'MCP_LOG_ERR_CONFIG',
      'timestamps are verified with pkijs: npm install pkijs asn1js',
      {
        cause,
      },
    );
  }
}

function pemBlocks(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
}

function rawOf(pem: string): Uint8Array {
  try {
    return Uint8Array.from(new X509Certificate(pem).raw);
  } catch (cause) {
    throw new IntegrityError('a certificate of a time-stamping authority cannot be read', { cause });
  }
}
