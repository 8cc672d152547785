import { createHash, randomBytes } from 'node:crypto';
import { IntegrityError } from '../../errors.js';

/** A request for a timestamp, and what its answer must hold. */
export interface TimestampRequest {
  /** TimeStampReq in DER (RFC 3161 section 2.4.1). */
  readonly der: Buffer;
  /** SHA-256 of what is to be stamped. */
  readonly digest: Buffer;
  /** 8 bytes that no other request has. */
  readonly nonce: Buffer;
}

/** AlgorithmIdentifier of SHA-256, and the head of the OCTET STRING that follows it. */
const SHA256 = Buffer.from('300d06096086480165030402010500' + '0420', 'hex');
const VERSION_1 = Buffer.from('020101', 'hex');
/** The authority's certificate comes with the token, so that its chain can be followed later, offline. */
const CERTIFICATE_WANTED = Buffer.from('0101ff', 'hex');

/** Asks for a timestamp of a text. The request has one form, so it is written down rather than encoded. */
export function timestampRequest(text: string): TimestampRequest {
  const digest = createHash('sha256').update(text).digest();
  const nonce = randomBytes(8);
  // A DER integer is minimal and signed: with this first byte, eight bytes are needed and the number is positive.
  nonce[0] = 0x40 | ((nonce[0] ?? 0) & 0x3f);
  const imprint = Buffer.concat([Buffer.of(0x30, SHA256.length + digest.length), SHA256, digest]);
  const body = Buffer.concat([VERSION_1, imprint, Buffer.of(0x02, nonce.length), nonce, CERTIFICATE_WANTED]);
  return { der: Buffer.concat([Buffer.of(0x30, body.length), body]), digest, nonce };
}

/** PKIStatusInfo at the head of a response: SEQUENCE, SEQUENCE, and the status as an INTEGER of one byte. */
const STATUS = /^30(?:[0-7].|81..|82....)30(?:[0-7].|81..)0201(..)/;

/**
 * Checks, without a library, that an answer is a granted token for this request. Its signature is checked when the log is
 * verified: a token that proves nothing harms nobody before.
 *
 * @throws {IntegrityError} when it is not.
 */
export function requireGranted(reply: Buffer, { digest, nonce }: TimestampRequest): void {
  const [, status] = STATUS.exec(reply.subarray(0, 16).toString('hex')) ?? [];
  if (status === undefined) throw new IntegrityError('the answer is no timestamp response');
  // 0 is granted, 1 granted with modifications; all else is a refusal.
  if (status !== '00' && status !== '01')
    throw new IntegrityError(`the authority refused, with status ${parseInt(status, 16)}`);
  if (!reply.includes(digest) || !reply.includes(nonce))
    throw new IntegrityError('the answer belongs to another request');
}
