import { reread, type AssistantFile } from '../../doctor/assistants.js';
import type { ConfiguredServer, Edit } from '../../doctor/assistantServers.js';
import { inputFailure } from '../shared/command.js';
import { remoteDirect, remoteRelayed, wordsOfRemote, type Remodelled } from './remotes.js';

/** How relays are written into a configuration. */
export interface RelaySettings {
  readonly environment: string;
  /** The folder that keeps the logs: each process of a relay has one of its own. */
  readonly logs: string;
  /** Whether servers over HTTP get a relay too whose entries have no credentials. */
  readonly isOpen: boolean;
}

/** What a file would be, and which of its servers are left as they are. */
export interface Relaid {
  readonly after: string;
  readonly left: readonly { readonly name: string; readonly reason: string }[];
}

/** Told from `-y`, so that undoing knows that there was no list of arguments. */
const WITHOUT_LIST = '--yes';
const RELAY = ['otel-mcp-log', 'relay'];

/** A file with a relay before each server that it starts, and in the place of servers over HTTP; every other byte stays. */
export function withRelays(file: AssistantFile, settings: RelaySettings): Relaid {
  const started = file.servers
    .filter(({ isRelayed }) => !isRelayed)
    .flatMap((server) => relayed(file, server, settings));
  const optionsOf = (server: { readonly name: string }) => relayOptions(file.assistant, server, settings);
  const remote = file.others.map((server) => ({
    name: server.name,
    ...remoteRelayed(file, server, optionsOf, settings.isOpen),
  }));
  return relaid(file, started, remote);
}

/** A file without the relays that {@link withRelays} has put there; those that people wrote otherwise stay. */
export function withoutRelays(file: AssistantFile): Relaid {
  const remote = file.servers.flatMap((server) => {
    const changed = remoteDirect(file, server);
    return changed === undefined ? [] : [{ name: server.name, ...changed }];
  });
  const started = file.servers.flatMap((server) => direct(file, server));
  return relaid(file, started, remote);
}

function relaid(
  { text }: AssistantFile,
  started: readonly Edit[],
  remote: readonly ({ readonly name: string } & Remodelled)[],
): Relaid {
  const edits = remote.flatMap((each) => ('edits' in each ? each.edits : []));
  return { after: edited(text, [...started, ...edits]), left: remote.filter((each) => 'reason' in each) };
}

/** The text of a file without what headers and environments of servers hold, which may be secret. */
export function masked({ text, servers, others }: AssistantFile): string {
  const values = [...servers, ...others].flatMap(({ members = [] }) =>
    members.flatMap(({ members: own = [] }) => own.map(({ valueAt }) => ({ ...valueAt, text: '"…"' }))),
  );
  return edited(text, values);
}

/**
 * Reads a changed file anew: each server must have the words that it had, but for the relay before them.
 *
 * @throws CliFailure where it does not, and then nothing is written.
 */
export function requireSame(file: AssistantFile, after: string): void {
  const again = reread(file, after);
  const isSame = again.problem === undefined && saidBy(again) === saidBy(file);
  if (!isSame) throw inputFailure(`${file.path}: is written in a way that cannot be changed safely`);
}

/** What a file says of its servers, with relays or without. A server over HTTP becomes one that is started, so their order is no matter. */
function saidBy(file: AssistantFile): string {
  const said = [
    ...file.servers.map(
      (server) => wordsOfRemote(file, server) ?? JSON.stringify([server.name, bare(server.words)]),
    ),
    ...file.others.map((server) => wordsOfRemote(file, server) ?? JSON.stringify([server.name])),
  ];
  return JSON.stringify(said.sort());
}

/** The server's own command. */
function bare(words: readonly string[]): readonly string[] {
  const end = words.indexOf('--');
  return words[0] === 'npx' && words[2] === RELAY[0] && words[3] === RELAY[1] && end > 0
    ? words.slice(end + 1)
    : words;
}

/** What the relay of a server is called with, before the server's own command or address. */
function relayOptions(
  assistant: string,
  { name }: { readonly name: string },
  settings: RelaySettings,
): string[] {
  const log = `${assistant}-${name}-{pid}.jsonl`.replaceAll(/[^\w.{}-]+/g, '-').toLowerCase();
  return [...RELAY, `--environment=${settings.environment}`, `--log=${settings.logs}/${log}`];
}

function relayed(
  { assistant, text, format }: AssistantFile,
  server: ConfiguredServer,
  settings: RelaySettings,
): Edit[] {
  const { program, list } = server;
  const words = [...relayOptions(assistant, server, settings), '--'];
  const literals = (flag: string) => [flag, ...words].map((word) => JSON.stringify(word));
  if (program === undefined) {
    if (list === undefined) return [];
    return [insertion(text, list, ['"npx"', ...literals('-y')])];
  }
  const own = text.slice(program.offset, program.offset + program.length);
  const npx = { ...program, text: '"npx"' };
  if (list !== undefined) return [npx, insertion(text, list, [...literals('-y'), own])];
  const args = `[${[...literals(WITHOUT_LIST), own].join(', ')}]`;
  const added = format === 'json' ? `, "args": ${args}` : `\nargs = ${args}`;
  return [{ ...npx, text: `"npx"${added}` }];
}

/** New elements before those of a list, each on a line of its own where those are. */
function insertion(
  text: string,
  { inside, elements }: NonNullable<ConfiguredServer['list']>,
  literals: readonly string[],
): Edit {
  const [first] = elements;
  if (first === undefined) return { offset: inside, length: 0, text: literals.join(', ') };
  const space = text.slice(inside, first.offset);
  const separator = /^\s*\n\s*$/.test(space) ? `,${space}` : ', ';
  return { offset: first.offset, length: 0, text: literals.map((each) => each + separator).join('') };
}

function direct({ text, format }: AssistantFile, { program, list, words }: ConfiguredServer): Edit[] {
  const start = program === undefined ? 1 : 0;
  const rest = words.slice(1);
  const end = rest.indexOf('--');
  const isOurs =
    words[0] === 'npx' &&
    /^(?:-y|--yes)$/.test(rest[0] ?? '') &&
    RELAY.every((word, at) => rest[at + 1] === word);
  if (!isOurs || end < 0 || list === undefined) return [];
  // Of a command apart from its arguments, the server's own command is the first word after `--`.
  const kept = end + 1 + start + (program === undefined ? 0 : 1);
  const [first, last] = [list.elements[0], list.elements.at(-1)];
  if (first === undefined || last === undefined) return [];
  const until = list.elements[kept]?.offset ?? last.offset + last.length;
  const removal = { offset: first.offset, length: until - first.offset, text: '' };
  if (program === undefined) return [removal];
  const literal = list.elements[kept - 1];
  if (literal === undefined) return [];
  const own = text.slice(literal.offset, literal.offset + literal.length);
  if (rest[0] !== WITHOUT_LIST) return [{ ...program, text: own }, removal];
  const close = text.indexOf(']', last.offset + last.length) + 1;
  const from = program.offset + program.length;
  const between = text.slice(from, list.inside);
  const wrote = format === 'json' ? ', "args": [' : '\nargs = [';
  return between === wrote
    ? [{ offset: program.offset, length: close - program.offset, text: own }]
    : [{ ...program, text: own }, removal];
}

function edited(text: string, edits: readonly Edit[]): string {
  const backwards = [...edits].sort((a, b) => b.offset - a.offset);
  return backwards.reduce(
    (now, { offset, length, text: own }) => now.slice(0, offset) + own + now.slice(offset + length),
    text,
  );
}
