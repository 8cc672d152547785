import type { AssistantFile } from '../../doctor/assistants.js';
import type { ConfiguredServer, Edit, Member, OtherServer } from '../../doctor/assistantServers.js';

/** The options of the relay's command line that are its own, without the server's address. */
type OptionsOf = (server: { readonly name: string }) => readonly string[];

/** What is changed for one server, or why nothing is. */
export type Remodelled = { readonly edits: readonly Edit[] } | { readonly reason: string };

const URL_KEYS: ReadonlySet<string> = new Set(['url', 'serverUrl', 'httpUrl']);
/** What means the same for a server that is started. */
const KEPT: ReadonlySet<string> = new Set(
  `alwaysAllow autoApprove default_tools_approval_mode description disabled disabledTools disabled_tools enabled
  enabled_tools excludeTools includeTools name required startup_timeout_ms startup_timeout_sec timeout tool_timeout_sec
  tools trust`.split(/\s+/),
);
/** By these the assistant logs in by itself. */
const LOGIN = /^(?:o?auth|authProviderType|headersHelper|oauth_.+|scopes)$/;
const CREDENTIAL = /auth|key|token|secret|cookie|password/i;
/** They replace variables in the headers and in the environment of a server alike. */
const REPLACING: ReadonlySet<string> = new Set([
  'Claude Code',
  'Cursor',
  'VS Code',
  'Windsurf',
  'Gemini CLI',
  'Qwen Code',
  'Kiro',
  'Roo Code',
]);
const FORM = 'is written in a way that cannot be changed safely';

/** How an assistant writes the members of a server. */
interface Dialect {
  readonly headers: string;
  readonly env: string;
  /** The `type` of a server that is started. */
  readonly type: string;
  /** Whether the command and its arguments are one list. */
  readonly isOneList: boolean;
  readonly key: (name: string) => string;
}

function dialectOf({ assistant, format }: AssistantFile): Dialect {
  const isOneList = assistant === 'opencode';
  return {
    headers: format === 'json' ? 'headers' : 'http_headers',
    env: isOneList ? 'environment' : 'env',
    type: isOneList || assistant === 'Copilot CLI' ? 'local' : 'stdio',
    isOneList,
    key: (name) => (format === 'json' ? JSON.stringify(name) : name),
  };
}

/**
 * Has an assistant start a relay in the place of a server that it reaches over HTTP. The values of headers become variables of the
 * environment, because a command line can be read by others; the address is the relay's last argument, as it was spelled.
 *
 * @param isOpen whether a server gets a relay whose entry has no credentials: it may want a login that only the assistant can do.
 */
export function remoteRelayed(
  file: AssistantFile,
  server: OtherServer,
  optionsOf: OptionsOf,
  isOpen: boolean,
): Remodelled {
  const { members } = server;
  if (members === undefined) return { reason: `it ${FORM}` };
  const dialect = dialectOf(file);
  const reason = hindrance(file, members, dialect) ?? (isOpen ? undefined : loginReason(members, dialect));
  if (reason !== undefined) return { reason };
  const { text, format } = file;
  const of = (name: string) => members.find(({ key }) => key === name);
  const [url, type, headers, bearer] = [
    members.find(({ key }) => URL_KEYS.has(key)),
    of('type'),
    of(dialect.headers),
    of('bearer_token_env_var'),
  ];
  if (url === undefined) return { reason: 'its form is not known' };
  const given = headers?.members ?? [];
  const words = [
    '-y',
    ...optionsOf(server),
    `--in-place-of=${url.key}${type === undefined ? '' : `:${String(type.value)}`}`,
    ...given.map(({ key }) => `--header-env=${key}: ${variableOf(key)}`),
    ...(bearer === undefined ? [] : [`--header=Authorization: Bearer \${${String(bearer.value)}}`]),
    '--url',
  ];
  const literals = [...words.map((word) => JSON.stringify(word)), literalOf(text, url)];
  const between = betweenOf(text, url);
  const list = (elements: readonly string[]) => `[${elements.join(', ')}]`;
  const command = dialect.isOneList
    ? `${dialect.key('command')}${between}${list(['"npx"', ...literals])}`
    : `${dialect.key('command')}${between}"npx"${separatorBefore(text, url, format)}${dialect.key('args')}${between}${list(literals)}`;
  return {
    edits: [
      replaced(url, command),
      ...(type === undefined ? [] : [{ ...type.valueAt, text: JSON.stringify(dialect.type) }]),
      ...(headers === undefined ? [] : [{ ...headers.keyAt, text: dialect.key(dialect.env) }]),
      ...given.map((each) => renamed(text, each, variableOf(each.key))),
      ...(bearer === undefined
        ? []
        : [replaced(bearer, `env_vars${betweenOf(text, bearer)}[${literalOf(text, bearer)}]`)]),
    ],
  };
}

/** Why an entry cannot have a relay in its place. */
function hindrance(file: AssistantFile, members: readonly Member[], dialect: Dialect): string | undefined {
  const { text, assistant, format } = file;
  const names = members.map(({ key }) => key);
  const urls = members.filter(({ key }) => URL_KEYS.has(key));
  const [url] = urls;
  if (url === undefined) return 'its form is not known';
  if (urls.length > 1 || new Set(names).size < names.length)
    return 'it says where the server is, or something else, twice';
  const login = names.find((name) => LOGIN.test(name));
  if (login !== undefined)
    return `the assistant logs in by itself (${login}), which a relay that it starts cannot`;
  const own = new Set([
    ...URL_KEYS,
    'type',
    dialect.headers,
    ...(format === 'toml' ? ['bearer_token_env_var'] : []),
  ]);
  const unknown = names.filter((name) => !own.has(name) && !KEPT.has(name));
  if (unknown.length > 0) return `of a server that is started, ${unknown.join(', ')} may mean something else`;
  const headers = members.find(({ key }) => key === dialect.headers);
  const changed = members
    .filter(({ key }) => own.has(key))
    .flatMap((each) => [each, ...(each.members ?? [])]);
  const isSafe = changed.every(
    (each) =>
      /^\s*[:=]\s*$/.test(betweenOf(text, each)) &&
      (each === headers ? each.members !== undefined : typeof each.value === 'string'),
  );
  const type = members.find(({ key }) => key === 'type');
  if (!isSafe || (type !== undefined && literalOf(text, type) !== JSON.stringify(type.value)))
    return `it ${FORM}`;
  return (
    urlReason(String(url.value)) ?? headersReason(text, headers?.members ?? [], REPLACING.has(assistant))
  );
}

function urlReason(text: string): string | undefined {
  if (/[${}]/.test(text)) return 'its address has a variable in it';
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) return 'its address is no http or https URL';
  const hasSecret =
    url.username !== '' ||
    url.password !== '' ||
    [...url.searchParams].some(
      ([name, value]) => /code|pass|sig/i.test(name) || CREDENTIAL.test(name) || isRandom(value),
    ) ||
    url.pathname.split('/').some(isRandom);
  return hasSecret
    ? 'its address may hold a secret, which other users of the machine see on a command line'
    : undefined;
}

/** Whether a text looks as if a machine had drawn it. */
function isRandom(text: string): boolean {
  return text.length >= 16 && /(?:\d\D*){3}/.test(text) && /[a-z]/i.test(text);
}

function headersReason(text: string, headers: readonly Member[], isReplacing: boolean): string | undefined {
  const variables = new Set(headers.map(({ key }) => variableOf(key)));
  if (variables.size < headers.length) return 'two of its headers have nearly the same name';
  for (const { key, keyAt, value } of headers) {
    const spelled = text.slice(keyAt.offset, keyAt.offset + keyAt.length);
    if (!/^[\w-]+$/.test(key) || ![key, JSON.stringify(key)].includes(spelled))
      return `its header ${key} ${FORM}`;
    if (value === '') return `its header ${key} is empty`;
    if (!isReplacing && String(value).includes('${'))
      return `its header ${key} has a variable, which this assistant may not replace in an environment`;
  }
  return undefined;
}

function loginReason(members: readonly Member[], dialect: Dialect): string | undefined {
  const headers = members.find(({ key }) => key === dialect.headers)?.members ?? [];
  const hasCredential =
    headers.some(({ key }) => CREDENTIAL.test(key)) ||
    members.some(({ key }) => key === 'bearer_token_env_var');
  return hasCredential
    ? undefined
    : 'it has no credentials, so the assistant may log in by itself (OAuth), which a relay that it starts cannot; where it needs no login, give --no-login';
}

/** Puts a server over HTTP back into the place of the relay that {@link remoteRelayed} has put there. Undefined for what is none. */
export function remoteDirect(file: AssistantFile, server: ConfiguredServer): Remodelled | undefined {
  const { members = [], list } = server;
  const parts = partsOf(server);
  const address = list?.elements.at(-1);
  if (parts === undefined || address === undefined) return undefined;
  const { text } = file;
  const dialect = dialectOf(file);
  const of = (name: string) => members.find(({ key }) => key === name);
  const [command, args, env, type, passed] = [
    of('command'),
    of('args'),
    of(dialect.env),
    of('type'),
    of('env_vars'),
  ];
  const last = dialect.isOneList ? command : args;
  if (command === undefined || last === undefined) return { reason: FORM };
  const gap = text.slice(end(command.valueAt), last.keyAt.offset);
  if (last !== command && !/^\s*,?\s*$/.test(gap))
    return { reason: 'something stands between its command and its arguments' };
  const added = (env?.members ?? []).filter(({ key }) => !parts.headers.has(key));
  if (added.length > 0 || (env !== undefined && env.members === undefined))
    return {
      reason: `its environment has more than the headers of the server: ${added.map(({ key }) => key).join(', ')}`,
    };
  const literal = text.slice(address.offset, end(address));
  const entry = `${dialect.key(parts.key)}${betweenOf(text, command)}${literal}`;
  return {
    edits: [
      { offset: command.keyAt.offset, length: end(last.valueAt) - command.keyAt.offset, text: entry },
      ...(type === undefined || parts.type === undefined
        ? []
        : [{ ...type.valueAt, text: JSON.stringify(parts.type) }]),
      ...(env === undefined ? [] : [{ ...env.keyAt, text: dialect.key(dialect.headers) }]),
      ...(env?.members ?? []).map((each) => renamed(text, each, parts.headers.get(each.key) ?? each.key)),
      ...(passed === undefined || parts.bearer === undefined
        ? []
        : [
            replaced(
              passed,
              `bearer_token_env_var${betweenOf(text, passed)}${literalOf(text, passed).replace(/^\[|\]$/g, '')}`,
            ),
          ]),
    ],
  };
}

/** What the command line of a relay tells of the server that it stands in place of. */
interface Parts {
  readonly url: string;
  readonly key: string;
  readonly type: string | undefined;
  /** The names of headers by their variables. */
  readonly headers: ReadonlyMap<string, string>;
  /** The variable of the bearer token. */
  readonly bearer: string | undefined;
}

function partsOf({ words }: ConfiguredServer): Parts | undefined {
  const given = (option: string) =>
    words.filter((word) => word.startsWith(`${option}=`)).map((word) => word.slice(option.length + 1));
  const [place] = given('--in-place-of');
  const url = words.at(-1);
  const isOurs =
    words[0] === 'npx' && words[2] === 'otel-mcp-log' && words[3] === 'relay' && words.at(-2) === '--url';
  if (!isOurs || place === undefined || url === undefined || words.includes('--')) return undefined;
  const [, key = '', type] = /^([^:]*)(?::(.*))?$/.exec(place) ?? [];
  if (!URL_KEYS.has(key)) return undefined;
  const headers = new Map(
    given('--header-env').flatMap((header) => {
      const [, name, variable] = /^([^:]+): (\w+)$/.exec(header) ?? [];
      return name === undefined || variable === undefined ? [] : [[variable, name] as const];
    }),
  );
  const bearer = given('--header').map((header) => /^Authorization: Bearer \$\{(.+)\}$/.exec(header)?.[1])[0];
  return { url, key, type, headers, bearer };
}

/** What a server over HTTP says of itself, with a relay in its place or without: the same words in the same order either way. */
export function wordsOfRemote(
  file: AssistantFile,
  server: ConfiguredServer | OtherServer,
): string | undefined {
  const { members } = server;
  if (members === undefined) return undefined;
  const { headers, env } = dialectOf(file);
  const said = new Map(members.map(({ key, value }) => [key, value]));
  const parts = 'words' in server ? partsOf(server) : undefined;
  if (parts !== undefined) {
    const values = Object.entries(said.get(env) ?? {}).map(([key, value]) => [
      parts.headers.get(key) ?? key,
      value,
    ]);
    if (said.has(env)) said.set(headers, Object.fromEntries(values));
    for (const key of ['command', 'args', env]) said.delete(key);
    said.set(parts.key, parts.url);
    if (parts.type !== undefined) said.set('type', parts.type);
    if (parts.bearer !== undefined) said.set('bearer_token_env_var', parts.bearer).delete('env_vars');
  } else if ('words' in server || ![...URL_KEYS].some((key) => said.has(key))) return undefined;
  return JSON.stringify([server.name, [...said].sort(([a], [b]) => (a < b ? -1 : 1))]);
}

function variableOf(header: string): string {
  return `MCP_HEADER_${header.toUpperCase().replaceAll('-', '_')}`;
}

const end = ({ offset, length }: Member['keyAt']): number => offset + length;
const literalOf = (text: string, { valueAt }: Member): string => text.slice(valueAt.offset, end(valueAt));
const betweenOf = (text: string, { keyAt, valueAt }: Member): string =>
  text.slice(end(keyAt), valueAt.offset);

function replaced({ keyAt, valueAt }: Member, text: string): Edit {
  return { offset: keyAt.offset, length: end(valueAt) - keyAt.offset, text };
}

/** A key under another name, in quotes where it had some. */
function renamed(text: string, { keyAt }: Member, name: string): Edit {
  return { ...keyAt, text: text[keyAt.offset] === '"' ? JSON.stringify(name) : name };
}

/** What stands between two members: a new one is on a line of its own where the first is. */
function separatorBefore(text: string, { keyAt }: Member, format: AssistantFile['format']): string {
  const before = text.slice(0, keyAt.offset);
  const [space = ''] = /\s*$/.exec(before) ?? [];
  const [line = ''] = /\r?\n[ \t]*$/.exec(before) ?? [];
  if (format === 'toml') return line === '' ? '\n' : line;
  return space.includes('\n') ? `,${line}` : ', ';
}
