import { userInfo } from 'node:os';
import { resolveOptions } from '../config.js';
import { auditOptions } from '../environment/auditOptions.js';
import {
  inTermsOfVariables,
  onConfigError,
  readEnvironment,
  type Variables,
} from '../environment/environment.js';
import { PREFIX } from '../environment/variables.js';
import { ConfigError } from '../errors.js';
import { say } from '../internal/stderr.js';
import type { ActorResolver } from '../identity.js';
import type { Ending } from '../pipeline/lifecycle.js';
import { createAuditLog, expectRecords } from '../processor/auditLog.js';
import { noteRelay } from '../processor/logRecords.js';
import type { OperationRecorder } from '../processor/operation.js';

/** The log of a relay. */
export interface RelayLog {
  readonly recorder: OperationRecorder;
  /** Whether requests are refused whose actor is not known. */
  readonly requiresActor: boolean;
  /** Delivers what is left, and closes the sinks; its last record says why. No failure of a sink keeps the relay from ending. */
  close(ending: Ending): Promise<void>;
}

/** What a relay asks of its log. */
export interface LogNeeds {
  /** What speaks with the client: over stdio our standard output carries the protocol, and no sink may write there. */
  readonly client: 'stdio' | 'http';
  readonly server: 'stdio' | 'http';
  /** Who acts, where no variable says so. */
  readonly actor?: ActorResolver;
}

/**
 * Opens the log that the environment asks for, as `otel-mcp-log/register` does.
 *
 * @returns undefined where it is switched off, or where a bad variable is to be warned of only.
 * @throws ConfigError in the words of the variables.
 */
export function openRelayLog(env: Variables, needs: LogNeeds): RelayLog | undefined {
  try {
    return open(env, needs);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const told = inTermsOfVariables(error);
    if (!onlyWarns(env)) throw told;
    say(`${told.message}; going on WITHOUT AUDITING`);
    return undefined;
  }
}

function onlyWarns(env: Variables): boolean {
  try {
    return onConfigError(env) === 'warn';
  } catch {
    return false;
  }
}

function open(env: Variables, { client, server, actor = osUser }: LogNeeds): RelayLog | undefined {
  onConfigError(env);
  const environment = readEnvironment(env);
  if (environment.disabled) return undefined;
  if (client === 'stdio' && environment.sinks.includes('stdout'))
    throw new ConfigError(`${PREFIX}SINKS`, "names 'stdout', which carries the protocol here; take stderr");
  // Its first record says who started the relay and where, which no other record does: a collector needs it as much as a file.
  const options = resolveOptions({ actorId: actor, startRecord: true, ...auditOptions(environment, env) });
  const { recording, close } = createAuditLog(options, 'clients');
  noteRelay({ client, server, cwd: process.cwd(), user: userName() });
  expectRecords();
  return {
    recorder: recording,
    requiresActor: options.requireActor,
    close: (ending) =>
      close(ending).catch((error: unknown) => say(error instanceof Error ? error.message : String(error))),
  };
}

/** Whoever runs the relay, as the operating system knows them; a container may have no name for its user. */
const osUser: ActorResolver = () => {
  const id = userName();
  return id === undefined ? undefined : { id, type: 'user' };
};

function userName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}
