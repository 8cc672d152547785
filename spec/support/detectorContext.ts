import type { DetectorContext } from '../../lib/redaction/detectors/detector.js';
import { KeyVerdict } from '../../lib/redaction/keys/keyNames.js';

/** A context for detectors that shows what it was asked to hide, between `<` and `>`. */
export function detectorContext(more: Partial<DetectorContext> = {}): DetectorContext {
  return {
    hide: (secret, mask) => `<${mask === true ? 'mask ' : ''}${secret}>`,
    judge: (name) => {
      if (name === 'cvv') return KeyVerdict.mask;
      return /password|token|authorization|cookie/i.test(name) ? KeyVerdict.redact : KeyVerdict.keep;
    },
    wholeUris: false,
    uriPaths: false,
    ...more,
  };
}
