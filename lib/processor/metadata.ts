import type { RecordMetadata } from '../schema/record.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../version.js';

/** Which schema and which product wrote a record. */
export function recordMetadata(profile: 'documented' | '0.2'): RecordMetadata {
  return {
    schema_version: profile,
    product_name: PACKAGE_NAME,
    product_version: PACKAGE_VERSION,
    vendor_name: PACKAGE_NAME,
  };
}
