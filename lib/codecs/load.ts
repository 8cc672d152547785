import type { Codec } from './codec.js';
import { jsonCodec } from './json.js';
import type { Profile } from './profile.js';
import type { TextFraming } from './text.js';

/** The encodings that an option may name. */
export const FORMATS = ['json', 'protobuf', 'protojson'] as const;

/** An encoding, by the name that options use. */
export type Format = (typeof FORMATS)[number];

/**
 * The codec of that name. All but `json` are loaded when first asked for, so that who does not use them does not pay for
 * loading them (the protobuf runtime, above all).
 */
export async function loadCodec(
  format: Format,
  { profile = 'documented', framing = 'ndjson' }: { profile?: Profile; framing?: TextFraming } = {},
): Promise<Codec> {
  if (format === 'json') return jsonCodec({ profile, framing });
  const { protobufCodec, protojsonCodec } = await import('./protobuf.js');
  return format === 'protobuf' ? protobufCodec({ profile }) : protojsonCodec({ profile, framing });
}
