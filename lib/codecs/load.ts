import type { Codec, TextFraming } from './codec.js';
import { jsonCodec } from './json.js';
import type { Profile } from './profile.js';

/** An encoding, by the name that options use. */
export type Format =
  | 'json'
  | 'protobuf'
  | 'protojson'
  | 'ocsf'
  | 'ocsf-1.8'
  | 'ocsf-strict'
  | 'ecs'
  | 'ecs-9';

/** What every codec takes. */
export interface CodecOptions {
  /** @defaultValue that of each record */
  profile?: Profile;
  /** How the texts of a batch are put together; protobuf has a framing of its own. @defaultValue `'ndjson'` */
  framing?: TextFraming;
}

/** All codecs but `json` are loaded when they are first used, so that nobody pays for those that are not. */
const LOADERS: Readonly<Record<Format, (options: CodecOptions) => Promise<Codec>>> = {
  json: async (options) => jsonCodec(options),
  protobuf: async (options) => (await import('./protobuf.js')).protobufCodec(options),
  protojson: async (options) => (await import('./protobuf.js')).protojsonCodec(options),
  ocsf: async (options) => (await import('./ocsf.js')).ocsfCodec(options),
  'ocsf-1.8': async (options) => (await import('./ocsf.js')).ocsfCodec({ ...options, version: '1.8.0' }),
  // What `ocsf` was called while that followed the compliance log schema's own table.
  'ocsf-strict': async (options) => (await import('./ocsf.js')).ocsfCodec(options),
  ecs: async (options) => (await import('./ecs.js')).ecsCodec(options),
  'ecs-9': async (options) => (await import('./ecs.js')).ecsCodec({ ...options, version: '9.4.0' }),
};

/** Loads the codec of a format. */
export async function loadCodec(format: Format, options: CodecOptions = {}): Promise<Codec> {
  return LOADERS[format](options);
}
