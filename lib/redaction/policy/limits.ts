import { optionalInteger, requireKnownOptions } from '../../internal/validate.js';
import type { LimitOptions } from './options.js';

/** {@link LimitOptions} with nothing left open. */
export type Limits = Required<LimitOptions>;

/** The most bytes of one record's line: a longest UDP payload and many a log shipper's longest line. */
const MAX_LINE_BYTES = 65_535;

/** The defaults of {@link LimitOptions}. */
export const DEFAULT_LIMITS: Limits = Object.freeze({
  depth: 32,
  breadth: 1_000,
  stringBytes: 8_192,
  totalBytes: MAX_LINE_BYTES,
  scanUnits: 64 * 1024 * 1024,
});

/** Checks the limits and fills in the defaults. */
export function resolveLimits(options: LimitOptions = {}): Limits {
  requireKnownOptions('limits', options, Object.keys(DEFAULT_LIMITS));
  const within = (name: keyof Limits, min: number, max?: number): number =>
    optionalInteger(`limits.${name}`, options[name], {
      fallback: DEFAULT_LIMITS[name],
      min,
      ...(max === undefined ? {} : { max }),
    });
  return Object.freeze({
    depth: within('depth', 1, 128),
    breadth: within('breadth', 2, 100_000),
    stringBytes: within('stringBytes', 256, MAX_LINE_BYTES),
    totalBytes: within('totalBytes', 8_192, MAX_LINE_BYTES),
    scanUnits: within('scanUnits', 0),
  });
}
