import { createRedactor } from '../../lib/redaction/createRedactor.js';
import type { RedactionOptions } from '../../lib/redaction/policy/options.js';

/** A policy in which tokens stand for secrets. */
export const TOKENS = { replacement: 'hmac', hmacKey: 'k'.repeat(32) } as const satisfies RedactionOptions;

/** What redacts by it. */
export const tokens = createRedactor(TOKENS);

/** The token of a secret, as it stands where a key gives it away. */
export function tokenOf(secret: string): string {
  return (tokens.value({ password: secret }) as { password: string }).password;
}
