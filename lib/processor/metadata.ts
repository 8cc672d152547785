import type { RecordMetadata } from '../schema/record.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../version.js';

const METADATA = { documented: metadata('documented'), '0.2': metadata('0.2') };

/** Which schema and which product wrote a record: one object for all records, which nobody can change. */
export function recordMetadata(profile: 'documented' | '0.2'): RecordMetadata {
  return METADATA[profile];
}

function metadata(profile: 'documented' | '0.2'): Readonly<RecordMetadata> {
  return Object.freeze({
    schema_version: profile,
    product_name: PACKAGE_NAME,
    product_version: PACKAGE_VERSION,
    vendor_name: PACKAGE_NAME,
  });
}
