import { accessSync, constants, existsSync, lstatSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { resolveOptions } from '../config.js';
import {
  inTermsOfVariables,
  PREFIX,
  readEnvironment,
  type Environment,
  type Variables,
} from '../environment.js';
import { createSink, filePath } from '../environmentSinks.js';
import { ConfigError } from '../errors.js';
import { resolvePipeline } from '../pipeline/options.js';
import { requireEndpoint, requireHeaders } from '../sinks/endpoint.js';
import { quietly } from '../sinks/emit.js';
import { finding, type Finding } from './finding.js';

/** What may take how long to answer, in milliseconds. */
const ANSWER_TIMEOUT_MS = 5_000;

/** Bits of a mode that give others than the owner anything, and those that let them write. */
const OTHERS = 0o077;
const OTHERS_WRITE = 0o022;

/** What the doctor is to look at. */
export interface SinkQuestions {
  readonly cwd: string;
  readonly env: Variables;
  /** Asks nothing of the network. */
  readonly offline: boolean;
}

/** Whether the sinks that the environment names can take records. No record is sent, and no file is made. */
export async function diagnoseSinks({ cwd, env, offline }: SinkQuestions): Promise<Finding[]> {
  if (!Object.keys(env).some((name) => name.startsWith(PREFIX)))
    return [finding('unconfigured', `no ${PREFIX} variable is set`)];
  try {
    const environment = readEnvironment(env);
    checkOptions(environment, env);
    const findings: Finding[] = [];
    for (const kind of environment.sinks) {
      if (kind === 'file') findings.push(...diagnoseFile(resolve(cwd, filePath(environment))));
      else if (kind !== 'http') findings.push(finding('sink-ok', kind));
      else if (!offline) findings.push(await diagnoseReceiver(environment));
    }
    return findings;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [finding('config', inTermsOfVariables(error).message)];
  }
}

/** Makes all that the zero-code entry would make, but for the file. */
function checkOptions(environment: Environment, env: Variables): void {
  const others = environment.sinks.filter((kind) => kind !== 'file');
  const sinks = others.map((kind) => createSink(kind, environment, env));
  const standIn = { emit: () => undefined };
  resolvePipeline(resolveOptions({ ...environment.audit, sinks: [standIn, ...sinks] }).pipeline);
}

/** A file that the sink would open, made or not. */
export function diagnoseFile(path: string): Finding[] {
  const findings: Finding[] = [];
  try {
    const folder = nearestFolder(dirname(path));
    accessSync(folder, constants.W_OK | constants.X_OK);
    const { mode } = statSync(folder);
    // Where the sticky bit is set, others cannot replace a file that is not theirs.
    if ((mode & OTHERS_WRITE) !== 0 && (mode & 0o1000) === 0)
      findings.push(finding('folder-mode', `${folder} has mode 0${(mode & 0o777).toString(8)}`));
    if (existsSync(path) || isLink(path)) findings.push(...diagnoseExisting(path));
  } catch (error) {
    return [finding('file-unwritable', `${path}: ${reason(error)}`)];
  }
  return findings.length === 0 ? [finding('sink-ok', `file ${path}`)] : findings;
}

function diagnoseExisting(path: string): Finding[] {
  const stats = lstatSync(path);
  if (!stats.isFile()) return [finding('file-unwritable', `${path} is no regular file`)];
  accessSync(path, constants.W_OK);
  if ((stats.mode & OTHERS) === 0) return [];
  return [finding('file-mode', `${path} has mode 0${(stats.mode & 0o777).toString(8)}`)];
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

/** The folder itself, or the one above in which it would be made. */
function nearestFolder(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : nearestFolder(dirname(folder));
}

/** `HEAD` sends no record: any answer shows that somebody is there, and some say that a record would be refused. */
async function diagnoseReceiver(environment: Environment): Promise<Finding> {
  const options = environment.sinkOptions('http');
  const url = requireEndpoint('HttpSink.endpoint', options['endpoint']);
  const headers = requireHeaders('HttpSink.headers', options['headers']);
  const where = `http ${url.origin}${url.pathname}`;
  try {
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
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
