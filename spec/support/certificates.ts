import { generateKeyPairSync } from 'node:crypto';
import forge from 'node-forge';

const DAY_MS = 86_400_000;

/** A certificate and its key, as PEM. */
interface Credentials {
  cert: string;
  key: string;
}

/** A certificate authority of the test's own, and what it issued. */
export interface TestAuthority {
  /** The authority's certificate, as PEM. */
  ca: string;
  /** A certificate for a host name, valid from the day before yesterday to tomorrow; with `expired`, until yesterday. */
  issue(name: string, options?: { expired?: boolean }): Credentials;
}

/** Makes an authority that nobody but the test trusts. Node has no way to issue certificates of its own. */
export function makeAuthority(): TestAuthority {
  const own = newKeys();
  const subject = [{ name: 'commonName', value: 'Test Authority' }];
  const authority = certificate(own.publicKey, subject, subject, DAY_MS);
  authority.setExtensions([{ name: 'basicConstraints', cA: true, critical: true }]);
  authority.sign(forge.pki.privateKeyFromPem(own.privateKey), forge.md.sha256.create());

  let serial = 1;
  return {
    ca: forge.pki.certificateToPem(authority),
    issue: (name, { expired = false } = {}) => {
      const keys = newKeys();
      const named = [{ name: 'commonName', value: name }];
      const issued = certificate(keys.publicKey, named, subject, expired ? -DAY_MS : DAY_MS);
      issued.serialNumber = String(++serial).padStart(2, '0');
      issued.setExtensions([{ name: 'subjectAltName', altNames: [{ type: 2, value: name }] }]);
      issued.sign(forge.pki.privateKeyFromPem(own.privateKey), forge.md.sha256.create());
      return { cert: forge.pki.certificateToPem(issued), key: keys.privateKey };
    },
  };
}

function certificate(
  publicKey: string,
  subject: forge.pki.CertificateField[],
  issuer: forge.pki.CertificateField[],
  endsInMs: number,
): forge.pki.Certificate {
  const made = forge.pki.createCertificate();
  made.publicKey = forge.pki.publicKeyFromPem(publicKey);
  made.serialNumber = '01';
  made.validity.notBefore = new Date(Date.now() - 2 * DAY_MS);
  made.validity.notAfter = new Date(Date.now() + endsInMs);
  made.setSubject(subject);
  made.setIssuer(issuer);
  return made;
}

function newKeys(): { publicKey: string; privateKey: string } {
  return generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
}
