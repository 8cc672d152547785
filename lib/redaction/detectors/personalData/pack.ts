import type { Detector } from '../detector.js';

/** Data of one field that the law protects and that no default hides, switched on by name. */
export type PackName = 'phi' | 'contact' | 'finance' | 'nationalId';

/** A detector of a pack: on with its pack, and not by itself. */
export type PackDetector = Omit<Detector, 'name' | 'on'> & { readonly name: string };

/** Key names and detectors that belong together. */
export interface Pack {
  readonly name: PackName;
  /** Packs that come with it. */
  readonly includes: readonly PackName[];
  /** Names of keys whose values are hidden. */
  readonly keys: readonly string[];
  readonly detectors: readonly PackDetector[];
}
