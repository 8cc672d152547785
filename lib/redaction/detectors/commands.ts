import { Automaton, type Place } from '../text/automaton.js';
import { isMarker } from '../text/replacement.js';
import { isReference } from './assigned.js';
import { Rewriter, type DetectorContext } from './detector.js';

/**
 * Which words of a command line are secret, by the tools' manuals. Each line has the tools (with a subcommand, if only that has
 * the option), then the options:
 *
 * - `--password`, `-storepass`: the next word, or what follows `=` or `:`.
 * - `-p`: the next word, or the rest of the word (`-pX`); `-p*`: only the rest of the word.
 * - `-u:`, `-U%`, `-u,`, `#1/`: the part of `name:secret` behind the sign.
 * - `-b;`: cookies, if there is a `=` among them.
 * - `=pass`: the next word behind its beginning `pass:`, which it must have.
 * - `#2`: the second word behind the tool and its subcommand that is not an option; `#-1` is the last.
 * - `using`: the next word.
 * - `?b`: only if an option with this letter is given.
 */
// prettier-ignore
export const TOOLS: readonly (readonly [tools: string, options: string])[] = [
  ['curl', '-u: --user: -U: --proxy-user: --oauth2-bearer --pass --proxy-pass --tlspassword --proxy-tlspassword -b; --cookie;'],
  ['wget aria2c', '--password --http-password --http-passwd --ftp-password --proxy-password --proxy-passwd'],
  ['http https httpie xh', '-a: --auth:'],
  ['mysql mysqldump mysqladmin mysqlimport mysqlshow mysqlcheck mysqlslap mysqlpump mysqlsh mariadb mariadb-dump mariadb-admin mycli', '-p* --password'],
  ['mongo mongosh mongodump mongorestore mongoexport mongoimport mongostat mongotop', '-p --password'],
  ['redis-cli valkey-cli keydb-cli redis-benchmark', '-a --pass'],
  ['redis-cli+auth valkey-cli+auth', '#-1'],
  ['sqlcmd bcp osql isql mssql-cli', '-P --password'],
  ['sqlplus sqlldr expdp impdp rman sql', '#1/'],
  ['cqlsh dse influx beeline', '-p -password --password'],
  ['db2', 'using'],
  ['docker+login podman+login buildah+login skopeo+login nerdctl+login oras+login', '-p --password'],
  ['helm+registry crane+auth', '-p --password'],
  ['skopeo buildah podman', '--creds: --src-creds: --dest-creds: --src-registry-token --dest-registry-token --registry-token'],
  ['oc+login', '-p --password --token'],
  ['kubectl oc', '--token --password --docker-password'],
  ['az', '-p --password --account-key --sas-token --admin-password --client-secret'],
  ['aws+configure+set', '#2'],
  ['vault+login vault+unseal vault+operator+unseal', '#1'],
  ['consul nomad', '-token --token'],
  ['sshpass', '-p'],
  ['plink pscp psftp putty', '-pw'],
  ['ssh-keygen', '-N -P'],
  ['openssl', '-pass=pass -passin=pass -passout=pass -k -K -passwd'],
  ['gpg gpg2', '--passphrase'],
  ['zip unzip zipcloak', '-P --password'],
  ['7z 7za 7zr 7zz', '-p*'],
  ['rar unrar', '-p* -hp*'],
  ['keytool jarsigner', '-storepass -keypass -srcstorepass -deststorepass -srckeypass -destkeypass -new'],
  ['apksigner', '--ks-pass=pass --key-pass=pass'],
  ['ldapsearch ldapmodify ldapadd ldapdelete ldapcompare ldapwhoami ldapmodrdn', '-w'],
  ['ldappasswd', '-w -s -a'],
  ['smbclient rpcclient smbget smbcacls', '-U% --user% --password'],
  ['smbmap crackmapexec nxc netexec evil-winrm', '-p --password'],
  ['xfreerdp wfreerdp', '/p'],
  ['rdesktop', '-p'],
  ['htpasswd', '?b #-1'],
  ['net+user', '#2'],
  ['net+use', '#2 #3'],
  ['cmdkey', '/pass'],
  ['schtasks', '/p /rp'],
  ['psexec psexec64', '-p'],
  ['wmic', '/password'],
  ['ConvertTo-SecureString', '#1 -String'],
  ['signtool certutil', '/p -p'],
  ['svn hg', '--password'],
  ['lftp', '-u,'],
  ['ncftp ncftpput ncftpget', '-p'],
  ['snmpwalk snmpget snmpset snmpbulkwalk', '-A -X -c'],
  ['ipmitool', '-P'],
  ['mosquitto_pub mosquitto_sub mosquitto_rr', '-P --pw'],
  ['mosquitto_passwd', '?b #-1'],
  ['useradd usermod adduser', '-p --password'],
  ['nmcli', 'password wifi-sec.psk 802-11-wireless-security.psk'],
  ['wpa_passphrase', '#2'],
  ['twine', '-p --password'],
  ['dotnet+nuget nuget', '-k --api-key -ApiKey -Password'],
  ['cargo+login', '#1'],
  ['gh+secret+set', '-b --body'],
  ['glab', '-t --token'],
  ['vercel netlify firebase surge doppler flyctl fly snyk railway', '-t --token --auth'],
  ['rabbitmqctl+add_user rabbitmqctl+change_password rabbitmqctl+authenticate_user', '#2'],
  ['rabbitmqadmin', '-p --password'],
  ['rclone+obscure', '#1'],
  ['mc+alias+set', '#4'],
  ['hydra', '-p'],
  ['ansible ansible-playbook', '--vault-password --become-password'],
  ['kinit kadmin', '-w --password'],
  ['asadmin wsadmin', '-password --password'],
  ['jmeter', '-a'],
  ['ngrok+authtoken ngrok+config+add-authtoken', '#1'],
  ['tailscale', '--authkey --auth-key'],
  ['databricks', '--token'],
  ['sonar-scanner', '-Dsonar.login -Dsonar.token -Dsonar.password'],
  ['mvn gradle', '-Dpassword -Dgpg.passphrase -Ppassword'],
  ['zabbix_sender', '--tls-psk'],
  ['odbcinst tsql', '-P'],
  ['nikto wpscan sqlmap', '--auth-cred: --passwords --http-auth: -id:'],
  ['qpdf pdftk', '--password input_pw user_pw owner_pw'],
  ['veracrypt cryptsetup', '-p --password'],
  ['borg restic', '--password'],
  ['vncpasswd x11vnc', '-passwd'],
];

/** A stretch of a text. */
interface Stretch {
  readonly start: number;
  readonly end: number;
}

interface Command {
  readonly tool: string;
  readonly subcommand: readonly string[];
  readonly options: readonly string[];
}

const commands = TOOLS.flatMap(([tools, options]) =>
  tools.split(' ').map((words): Command => {
    const [tool = '', ...subcommand] = words.split('+');
    return { tool, subcommand, options: options.split(' ') };
  }),
);
const byTool = new Map<string, Command[]>();
for (const command of commands) {
  const key = command.tool.toLowerCase();
  byTool.set(key, [...(byTool.get(key) ?? []), command]);
}

/** The names of all tools, in lower case. */
const TOOL_NAMES: readonly string[] = [...byTool.keys()];

/** Whether a word names one of these tools, with or without a path. */
export function isTool(word: string): boolean {
  return byTool.has(toolName(word));
}

/** The name of a tool in lower case, without its path and `.exe`. */
function toolName(word: string): string {
  return (/[^/\\]*$/.exec(word)?.[0] ?? '').replace(/\.(?:exe|cmd)$/i, '').toLowerCase();
}

/** The secrets in the words behind a tool's name, in order. */
function secretsOf(tool: string, words: readonly Word[]): Stretch[] {
  const found = new Map<number, Stretch>();
  for (const command of byTool.get(tool) ?? []) {
    const rest = behind(words, command.subcommand);
    if (rest === undefined || !command.options.every((option) => isGiven(option, rest))) continue;
    for (const option of command.options)
      for (const stretch of secretsOfOption(option, rest))
        if (stretch.end > stretch.start) found.set(stretch.start, stretch);
  }
  return [...found.values()].sort((one, other) => one.start - other.start);
}

/** The words behind a subcommand, or undefined if the command is another one. */
function behind(words: readonly Word[], subcommand: readonly string[]): readonly Word[] | undefined {
  let rest = words;
  for (const part of subcommand) {
    const at = rest.findIndex(({ text }) => text.toLowerCase() === part);
    if (at === -1 || rest.slice(0, at).filter((word) => !isOption(word)).length > 1) return undefined;
    rest = rest.slice(at + 1);
  }
  return rest;
}

function isOption({ text }: Word): boolean {
  return text.startsWith('-') || /^\/[A-Za-z]+(?::|$)/.test(text);
}

function isGiven(option: string, words: readonly Word[]): boolean {
  if (!option.startsWith('?')) return true;
  return words.some(({ text }) => new RegExp(`^-[a-zA-Z]*${option.slice(1)}`).test(text));
}

function secretsOfOption(option: string, words: readonly Word[]): Stretch[] {
  if (option.startsWith('?')) return [];
  const [, place, sign = ''] = /^#(-?\d)(\/?)$/.exec(option) ?? [];
  if (place !== undefined) return positional(Number(place), sign, words);
  const [, name = '', how = ''] = /^(.+?)([:%,;*]|=pass)?$/.exec(option) ?? [];
  return words.flatMap((word, index) => {
    const value = valueOf(name, how, word, words[index + 1]);
    return value === undefined ? [] : [secretPart(value, how)];
  });
}

function positional(place: number, sign: string, words: readonly Word[]): Stretch[] {
  const plain = words.filter((word) => !isOption(word));
  const word = plain.at(place > 0 ? place - 1 : place);
  if (word === undefined || /^(?:\\\\|\*$|.*:$)/.test(word.text)) return [];
  return [secretPart(word, sign)];
}

/** The word, or the part of a word, that is an option's value. */
function valueOf(name: string, how: string, word: Word, next: Word | undefined): Word | undefined {
  const { text, start, end } = word;
  if (text === name) {
    if (how === '*' || next === undefined) return undefined;
    return next.text.startsWith('-') && !name.startsWith('/') && next.text.length < 24 ? undefined : next;
  }
  if (!text.startsWith(name)) return undefined;
  const rest = text.slice(name.length);
  const short = /^-[A-Za-z]$/.test(name) || how === '*';
  const signed = /^[=:]/.test(rest);
  if (!signed && !short) return undefined;
  const skipped = name.length + (signed ? 1 : 0);
  if (text.length === skipped) return next?.start === end + 1 ? next : undefined;
  return { text: text.slice(skipped), start: start + skipped, end };
}

/** The secret part of a value, such as what follows the colon in `name:secret`. Empty if the sign is missing. */
function secretPart({ text, start, end }: Word, how: string): Stretch {
  if (how === ';') return text.includes('=') ? { start, end } : { start: end, end };
  if (how === '=pass') return text.startsWith('pass:') ? { start: start + 5, end } : { start: end, end };
  if (how === '' || how === '*') return { start, end };
  const at = text.indexOf(how);
  if (at === -1) return { start: end, end };
  const host = how === '/' ? text.lastIndexOf('@') : -1;
  return { start: start + at + 1, end: host > at ? start + host : end };
}

/** A word of a command line without its quotes, and its place in the text. */
interface Word {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** The most words and characters of one command that are read. */
const MAX_WORDS = 128;
const LONGEST_COMMAND = 8_192;
/** A shell word: quoted, or bare, with backslashes before special characters. */
const WORD =
  /'([^'\n]{0,4096})'|\\?"((?:[^"\\\n]|\\[^"\n]){0,4096})\\?"|((?:[^\s'"`|;&<>()\\]|\\[^\s"]|(?<=[^\s])["'])+)/y;
/** Blanks between words, or an escaped line end. */
const GAP = /(?:[ \t]|\\\r?\n|`\r?\n|\^\r?\n){1,256}/y;

/** The words of a command from `at` to its end: a line end, a pipe, a semicolon, or the quote around the command. */
function commandWords(text: string, at: number): Word[] {
  const words: Word[] = [];
  const ceiling = at + LONGEST_COMMAND;
  for (let place = at; words.length < MAX_WORDS && place < ceiling;) {
    WORD.lastIndex = place;
    const found = WORD.exec(text);
    if (found === null) break;
    const [all, single, double, bare] = found;
    const word = single ?? double ?? bare ?? '';
    const start = place + (bare === undefined ? all.indexOf(word, /^\\/.test(all) ? 2 : 1) : 0);
    words.push({ text: word, start, end: start + word.length });
    GAP.lastIndex = place + all.length;
    if (!GAP.test(text)) {
      // `--user='a b'` and `-p"x"` are one word each: the quoted part is read next.
      const next = text[place + all.length];
      if (bare !== undefined && (next === "'" || next === '"') && /[=a-zA-Z]$/.test(bare)) {
        place += all.length;
        continue;
      }
      break;
    }
    place = GAP.lastIndex;
  }
  return words;
}

// These three begin with literals that are rare and look behind from there. Tried at every character they would cost the most here.

/** A password that `echo` pipes into a tool: `echo x | sudo -S`, `echo user:x | chpasswd`. */
const PIPED =
  /echo(?<=\becho)\s{1,4}(?:-n\s{1,4})?(["']?)([^\s"'|]{1,256})\1\s{0,4}\|\s{0,4}(?:sudo\s{1,4}(?:-\w{1,8}\s{1,4}){0,4}-S|(?:sudo\s{1,4})?chpasswd|docker login|gh (?:secret set|auth login)|passwd|cryptsetup|podman login)/g;
/** IMAP's login (RFC 9051): the name and the password are two words. */
const IMAP_LOGIN = / LOGIN (?<=(?:^|\n)\S{1,8} LOGIN )\S{1,128} ("?[^\s"]{1,256})/g;
/** A line of `.pgpass`: host, port, database, user, password. */
const PGPASS =
  /:(?:\d{2,5}|\*):(?<=(?:^|\n)[\w.*-]{1,128}:(?:\d{2,5}|\*):)[^:\s]{1,64}:[^:\s]{1,64}:([^\s:]{1,256})(?=\r?\n|$)/g;

const endings = TOOL_NAMES.flatMap((name) => [`${name} `, `${name}.exe `]);

/** What a text contains, in either case, if it has a command with a secret. */
export const COMMAND_LITERALS: readonly string[] = [...endings, 'echo ', ' login ', ':5432:', ':*:'];

let tools: Automaton | undefined;

/** Hides the secrets that command-line tools are given, wherever a command occurs in a text. */
export function redactCommands(text: string, context: DetectorContext): string {
  const rewriter = new Rewriter(text, context);
  tools ??= new Automaton(endings);
  let place: Place = { at: 0, state: 0 };
  for (let hit = tools.find(text, place); hit !== undefined; hit = tools.find(text, place)) {
    place = hit;
    const ending = endings[hit.literals[0] ?? 0] ?? '';
    const start = hit.at - ending.length;
    if (start < rewriter.done || !beginsCommand(text, start)) continue;
    const words = commandWords(text, hit.at);
    for (const { start, end } of secretsOf(toolName(ending.trim()), words))
      hideWord(text, start, end, rewriter);
    // The words of a long command are not read again as another command.
    const last = words.at(-1);
    if (last !== undefined && last.end - hit.at > LONG_COMMAND) place = { at: last.end, state: 0 };
  }
  return hidePiped(rewriter.toString(), context);
}

/** A longer command is not searched for others within it, which bounds the work on many names of tools in a row. */
const LONG_COMMAND = 512;

/** The arguments of a tool with the secrets in them replaced, or undefined if there are none. */
export function redactArguments(
  tool: string,
  words: readonly string[],
  hide: DetectorContext['hide'],
): string[] | undefined {
  let at = 0;
  const placed = words.map((text): Word => {
    const start = at;
    at += text.length + 1;
    return { text, start, end: start + text.length };
  });
  const secrets = secretsOf(toolName(tool), placed);
  if (secrets.length === 0) return undefined;
  return placed.map(({ text, start, end }) => {
    const secret = secrets.find((stretch) => stretch.start >= start && stretch.end <= end);
    if (secret === undefined || !mayBeSecret(text.slice(secret.start - start, secret.end - start)))
      return text;
    return `${text.slice(0, secret.start - start)}${hide(text.slice(secret.start - start, secret.end - start))}${text.slice(secret.end - start)}`;
  });
}

/** Whether a tool's name can begin here: a command, or the last part of a path. Within a word it is not a tool. */
function beginsCommand(text: string, start: number): boolean {
  return start === 0 || /[\s/\\"'`|;&($!]/.test(text[start - 1] ?? '');
}

function hideWord(text: string, start: number, end: number, rewriter: Rewriter): void {
  if (start >= rewriter.done && mayBeSecret(text.slice(start, end))) rewriter.hide(start, end);
}

function mayBeSecret(word: string): boolean {
  return (
    word !== '' && !isMarker(word) && !isReference(word, { quoted: true, name: '', code: false, after: '' })
  );
}

function hidePiped(text: string, { hide }: DetectorContext): string {
  const hidden = (secret: string): string => (mayBeSecret(secret) ? hide(secret) : secret);
  return text
    .replace(PIPED, (all, _quote: string, secret: string) => all.replace(secret, () => hidden(secret)))
    .replace(IMAP_LOGIN, (all, secret: string) => all.slice(0, -secret.length) + hidden(secret))
    .replace(PGPASS, (all, secret: string) => all.slice(0, -secret.length) + hidden(secret));
}
