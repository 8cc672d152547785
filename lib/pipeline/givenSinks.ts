import type { Profile } from '../codecs/profile.js';
import { ConfigError } from '../errors.js';
import { reject } from '../internal/validate.js';
import { isSink, sinkName } from '../sinks/emit.js';
import type { Sink } from '../sinks/sink.js';
import type { SinkEntry } from './options.js';

/**
 * The sinks of a log, by its options `sink` and `sinks`.
 *
 * @throws ConfigError where there is none, or one that cannot be.
 */
export function resolveSinks(
  { sink, sinks }: { readonly sink?: Sink; readonly sinks?: readonly (Sink | SinkEntry)[] },
  profile: Profile,
): readonly (Sink | SinkEntry)[] {
  if (sink !== undefined && sinks !== undefined) reject('sinks', sinks, 'either sink or sinks, not both');
  if (sinks !== undefined && !Array.isArray(sinks)) reject('sinks', sinks, 'an array of sinks');
  const all = sinks ?? (sink === undefined ? [] : [sink]);
  if (all.length === 0)
    reject('sink', sink, 'a sink, e.g. new FileSink(path), or an object with an emit method');
  all.forEach((each, index) => {
    const option = sinks === undefined ? 'sink' : `sinks[${index}]`;
    if (!isSink(each) && !isSink((each as Partial<SinkEntry> | undefined)?.sink)) {
      reject(option, each, 'an object with an emit method');
    }
  });
  requireOneProfile(all, profile);
  return [...all];
}

/** A sink that was told another profile would give the names and numbers of the records another meaning. */
function requireOneProfile(all: readonly (Sink | SinkEntry)[], profile: Profile): void {
  for (const entry of all) {
    const sink = isSink(entry) ? entry : entry.sink;
    if (sink.profile !== undefined && sink.profile !== profile)
      throw new ConfigError(
        'profile',
        `is '${profile}', and that of sink '${sinkName(sink)}' is '${sink.profile}': leave it out at the sink, whose records say of which profile they are`,
      );
  }
}
