import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { checkAuditOptions, checkKey, otlpProtocol } from '../environment/auditOptions.js';
import { filePath } from '../environment/file.js';
import {
  inTermsOfVariables,
  readEnvironment,
  withPathsFrom,
  type Environment,
  type Variables,
} from '../environment/environment.js';
import { PREFIX, type SinkKind } from '../environment/variables.js';
import { deadlineSignal } from '../internal/duration.js';
import { ConfigError } from '../errors.js';
import { requireOpenable } from '../sinks/file/open.js';
import { requireEndpoint, requireHeaders } from '../sinks/http/options.js';
import { quietly } from '../sinks/sink.js';
import { finding, type DoctorFinding } from './finding.js';

/** How long a receiver may take to answer, in milliseconds. */
const ANSWER_TIMEOUT_MS = 5_000;

/** The bits of a mode that give users other than the owner any access, and those that let them write. */
const OTHERS = 0o077;
const OTHERS_WRITE = 0o022;

/** What the sinks of an application are checked with. */
export interface SinkQuestions {
  readonly cwd: string;
  readonly env: Variables;
  /** Sends no request over the network. */
  readonly offline: boolean;
}

/** Checks whether the sinks that the environment names can take records. Sends no record and makes no file. */
export async function diagnoseSinks({ cwd, env, offline }: SinkQuestions): Promise<DoctorFinding[]> {
  if (!Object.keys(env).some((name) => name.startsWith(PREFIX)))
    return [finding('unconfigured', `no ${PREFIX} variable is set`)];
  try {
    const environment = withPathsFrom(cwd, readEnvironment(env));
    checkAuditOptions(environment, env, cwd);
    checkKey(environment);
    const findings: DoctorFinding[] = [];
    for (const kind of environment.sinks) {
      if (kind === 'file') findings.push(...diagnoseFile(filePath(environment)));
      else if (kind === 'stdout' || kind === 'stderr') findings.push(finding('sink-ok', kind));
      else
        findings.push(await diagnoseReceiver(kind, offline ? undefined : receiverOf(kind, environment, env)));
    }
    return findings;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [finding('config', inTermsOfVariables(error).message)];
  }
}

/** Checks the file that the sink would open, whether or not it is there yet. */
function diagnoseFile(path: string): DoctorFinding[] {
  const findings: DoctorFinding[] = [];
  try {
    requireOpenable(path);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [finding('file-unwritable', error.problem)];
  }
  const folder = nearestFolder(dirname(path));
  const { mode } = statSync(folder);
  // With the sticky bit set, users cannot replace a file of another user.
  if ((mode & OTHERS_WRITE) !== 0 && (mode & 0o1000) === 0)
    findings.push(finding('folder-mode', `${folder} has mode 0${(mode & 0o777).toString(8)}`));
  const file = statSync(path, { throwIfNoEntry: false });
  if (file !== undefined && (file.mode & OTHERS) !== 0)
    findings.push(finding('file-mode', `${path} has mode 0${(file.mode & 0o777).toString(8)}`));
  return findings.length === 0 ? [finding('sink-ok', `file ${path}`)] : findings;
}

/** The folder itself, or the nearest one above it that exists. */
function nearestFolder(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : nearestFolder(dirname(folder));
}

/** The address that a sink would send to, with its headers. */
interface Receiver {
  readonly url: URL;
  readonly headers: Record<string, string>;
}

/** Undefined where a plain request tells nothing: over gRPC, or where the sink has to log in first. */
function receiverOf(kind: SinkKind, environment: Environment, env: Variables): Receiver | undefined {
  if (kind === 'otlp' && otlpProtocol(env) !== 'grpc') return { url: otlpLogsUrl(env), headers: {} };
  if (kind !== 'http') return undefined;
  const { endpoint, headers } = environment.optionsOf('http');
  return {
    url: requireEndpoint('HttpSink.endpoint', endpoint),
    headers: requireHeaders('HttpSink.headers', headers),
  };
}

/** The address that the OpenTelemetry specification gives ("OpenTelemetry Protocol Exporter", Endpoint URLs for OTLP/HTTP). */
function otlpLogsUrl(env: Variables): URL {
  const own = env['OTEL_EXPORTER_OTLP_LOGS_ENDPOINT']?.trim();
  const base = env['OTEL_EXPORTER_OTLP_ENDPOINT']?.trim() || 'http://localhost:4318';
  const text = own || `${base.replace(/\/$/, '')}/v1/logs`;
  if (URL.canParse(text)) return new URL(text);
  throw new ConfigError(`OTEL_EXPORTER_OTLP_${own ? 'LOGS_' : ''}ENDPOINT`, 'got a string that is not a URL');
}

/** `HEAD` sends no record: any answer shows that somebody is there, and some say that a record would be refused. */
async function diagnoseReceiver(kind: SinkKind, receiver: Receiver | undefined): Promise<DoctorFinding> {
  if (receiver === undefined) return finding('sink-unasked', kind);
  const { url, headers } = receiver;
  const where = `${kind} ${url.origin}${url.pathname}`;
  try {
    const signal = deadlineSignal(ANSWER_TIMEOUT_MS);
    const { status } = await quietly(() =>
      fetch(url, { method: 'HEAD', redirect: 'manual', headers, signal }),
    );
    const refuses = (status >= 300 && status < 400) || status === 401 || status === 403;
    return finding(refuses ? 'sink-refuses' : 'sink-ok', `${where} answered ${status} to HEAD`);
  } catch (error) {
    return finding('sink-unreachable', `${where}: ${reason(error)}`);
  }
}

/** The code of a fault, which quotes nothing of an address. */
function reason(error: unknown): string {
  const { code, cause, name } = error as { code?: unknown; cause?: { code?: unknown }; name?: unknown };
  return String(cause?.code ?? (typeof code === 'string' ? code : name));
}
