import type { RedactionOptions } from './options.js';
import type { Redactor } from './redactor.js';
export function createRedactor(_options?: RedactionOptions): Redactor {
  return { record: (d) => d, text: (v) => v, uri: (v) => v, value: (v) => v };
}
