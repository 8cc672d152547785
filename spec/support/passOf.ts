import type { RedactionOptions } from '../../lib/redaction/policy/options.js';
import type { Pass } from '../../lib/redaction/walk/pass.js';
import { compilePolicies } from '../../lib/redaction/policy/policy.js';
import { newPass } from '../../lib/redaction/walk/walk.js';

/** The state of redacting one value by a policy. */
export function passOf(options: RedactionOptions = {}): Pass {
  return newPass(compilePolicies(options)(undefined), { eventType: 'EVENT_TOOL_INVOCATION' });
}
