import { X509Certificate } from 'node:crypto';
import { AuditError, IntegrityError } from '../../errors.js';

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
