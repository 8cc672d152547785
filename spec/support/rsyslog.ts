import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeAuthority } from './certificates.js';
import { freePort } from './freePort.js';
import { temporaryFolder } from './temporaryFolder.js';

/** Whether rsyslog and its driver for TLS are installed. */
export const rsyslogIsHere =
  spawnSync('rsyslogd', ['-v']).status === 0 &&
  ['/usr/lib', '/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu'].some((lib) =>
    existsSync(`${lib}/rsyslog/lmnsd_gtls.so`),
  );

/** rsyslog on loopback, over TLS, with a file that gets the text of each message. */
export interface Rsyslog {
  readonly url: string;
  /** The certificate of its authority. */
  readonly ca: string;
  /** Each message: its parsed fields, and its text. */
  messages(): RsyslogMessage[];
  /** Resolves when it has written so many different texts. */
  wrote(texts: number): Promise<RsyslogMessage[]>;
  /** Ends the process, as a crash would with `SIGKILL`. */
  end(signal: NodeJS.Signals): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

/** What rsyslog made of a message. */
interface RsyslogMessage {
  readonly facility: string;
  readonly severity: string;
  readonly time: string;
  readonly app: string;
  readonly process: string;
  readonly id: string;
  readonly structured: string;
  readonly text: string;
}

/** Starts rsyslog with the configuration that docs/destinations.md shows, in a folder of its own. */
export async function startRsyslog(documented: string): Promise<Rsyslog> {
  const folder = temporaryFolder();
  const path = (name: string) => join(folder.path, name);
  const authority = makeAuthority();
  const { cert, key } = authority.issue('localhost');
  writeFileSync(path('ca.pem'), authority.ca);
  writeFileSync(path('server.pem'), cert);
  writeFileSync(path('server-key.pem'), key);
  const port = await freePort();
  const fields = [
    'syslogfacility-text',
    'syslogseverity-text',
    'timereported:::date-rfc3339',
    'app-name',
    'procid',
    'msgid',
    'structured-data',
    'msg',
  ];
  const conf = documented
    .replaceAll('/etc/rsyslog/tls', folder.path)
    .replaceAll('/var/log/mcp-audit.jsonl', path('out'))
    .replace('6514', String(port))
    .replace('%msg%', fields.map((name) => `%${name}%`).join('\\t'));
  writeFileSync(path('rsyslog.conf'), conf);
  let process: ChildProcess | undefined;
  const start = async () => {
    process = spawn('rsyslogd', ['-n', '-f', path('rsyslog.conf'), '-i', path('pid')], { stdio: 'ignore' });
    while (!(await accepts(port))) {
      if (process.exitCode !== null) throw new Error(`rsyslogd ended with ${process.exitCode}`);
      await sleep(30);
    }
  };
  const end = async (signal: NodeJS.Signals) => {
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) return;
    const ended = once(process, 'exit');
    process.kill(signal);
    await ended;
  };
  const messages = () =>
    (existsSync(path('out')) ? readFileSync(path('out'), 'utf8') : '')
      .split('\n')
      .slice(0, -1)
      .map(toMessage);
  await start();
  return {
    url: `tls://localhost:${port}`,
    ca: authority.ca,
    messages,
    start,
    end,
    wrote: async (texts) => {
      for (;;) {
        const written = messages();
        if (new Set(written.map(({ text }) => text)).size >= texts) return written;
        await sleep(30);
      }
    },
    close: async () => {
      await end('SIGKILL');
      folder.remove();
    },
  };
}

function toMessage(line: string): RsyslogMessage {
  const [facility = '', severity = '', time = '', app = '', process = '', id = '', structured = '', ...text] =
    line.split('\t');
  return { facility, severity, time, app, process, id, structured, text: text.join('\t') };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => (socket.destroy(), resolve(true)));
    socket.once('error', () => resolve(false));
  });
}
