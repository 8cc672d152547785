import { text as readAll } from 'node:stream/consumers';
import { join } from 'node:path';
import { hostname } from 'node:os';
import type { KeyFolder } from '../../erasure/keyFolder.js';
import { printable } from '../../internal/text.js';
import { LogOrigin } from '../../origin.js';
import { createRedactor } from '../../redaction/createRedactor.js';
import { newRecordId, newSpanId, newTraceId } from '../../schema/ids.js';
import type { DraftRecord } from '../../schema/record.js';
import { EVENT_TYPES } from '../../schema/tables.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../../version.js';
import { userName } from '../access/record.js';
import { writeSealed } from '../access/begin.js';
import { keyFolderOf, KEY_OPTIONS } from '../input/unlocked.js';
import { ExitCode, CliFailure, systemReason, usageFailure, type CommandIo } from '../shared/command.js';
import { defineCommand, type OptionValues } from '../shared/define.js';

const OPTIONS = {
  ...KEY_OPTIONS,
  keys: { ...KEY_OPTIONS.keys, help: 'the folder of keys' },
  subject: {
    type: 'string',
    multiple: true,
    value: 'ID',
    help: "the person, by the id that the option 'subject' gave; '-' reads ids from\nstandard input, one a line",
  },
  'key-id': { type: 'string', multiple: true, value: 'ID', help: "the person, by the 'key_id' of a record" },
  reason: { type: 'string', value: 'TEXT', help: 'goes on record; must not name the person' },
  json: { type: 'boolean', help: 'the result as JSON, one line for each person' },
} as const;

type EraseOptions = OptionValues<typeof OPTIONS>;

/** What became of one request. */
interface Outcome {
  readonly key_id?: string;
  readonly result: 'erased' | 'was erased' | 'unknown';
  /** When the key was destroyed. */
  readonly time?: string;
}

/** `otel-mcp-log erase`: destroys the key of a person. */
export const command = defineCommand({
  name: 'erase',
  summary: 'Erase a person from all logs and their copies, by destroying the key of their values',
  usage: '--keys DIR (--subject ID | --key-id ID)… [--reason TEXT]',
  about: `
Destroys the key that a person's values are encrypted with. The logs stay as they are, and 'verify' holds; the
values cannot be read any more, in any copy. What was erased is recorded in DIR/erasures.jsonl, a sealed
log that does not name the person. This cannot be undone. A call that was interrupted can be repeated.`,
  options: OPTIONS,
  examples: [
    ['otel-mcp-log erase --keys keys --subject u-4711 --reason "request of 2 March"', 'one person'],
    ['otel-mcp-log erase --keys keys --subject - < ids.txt', 'without ids in the list of processes'],
  ],
  exits: [
    [0, 'the keys are destroyed, and it is on record'],
    [1, 'there never was a key of one of them: nothing of theirs is encrypted with this folder'],
    [3, 'a key could not be destroyed, or that could not be recorded: repeat the call'],
  ],
  async run({ options, operands, io }) {
    if (operands.length > 0) throw usageFailure('erase takes no files: the logs stay as they are');
    const folder = keyFolderOf(options);
    if (folder === undefined) throw usageFailure('no folder of keys is given (--keys DIR)');
    const ids = await keyIdsOf(options, folder, io);
    if (ids.length === 0) throw usageFailure('no person is given (--subject ID or --key-id ID)');
    let unknown = 0;
    for (const id of ids) {
      const outcome = await erase(id, folder, options.reason, io);
      if (outcome.result === 'unknown') unknown++;
      io.stdout.write(options.json === true ? `${JSON.stringify(outcome)}\n` : sentence(outcome));
    }
    return unknown > 0 ? ExitCode.finding : ExitCode.ok;
  },
});

/** The ids of the keys that are asked for; undefined for a person who has none. */
async function keyIdsOf(
  options: EraseOptions,
  folder: KeyFolder,
  io: CommandIo,
): Promise<(string | undefined)[]> {
  const subjects: string[] = [];
  for (const subject of options.subject ?? []) {
    if (subject !== '-') subjects.push(subject);
    else subjects.push(...(await readAll(io.stdin)).split(/\r?\n/).filter((line) => line !== ''));
  }
  if (subjects.includes('')) throw usageFailure('--subject is empty');
  return [...subjects.map((subject) => folder.idOf(subject)), ...(options['key-id'] ?? [])];
}

async function erase(
  id: string | undefined,
  folder: KeyFolder,
  reason: string | undefined,
  io: CommandIo,
): Promise<Outcome> {
  if (id === undefined || folder.stateOf(id) === 'unknown')
    return { ...(id && { key_id: id }), result: 'unknown' };
  const isDone = folder.erase(id);
  const erasure = folder.erasureOf(id);
  if (erasure === undefined) return { key_id: id, result: 'unknown' };
  const { time } = erasure;
  if (erasure.record_id !== undefined && !isDone) return { key_id: id, result: 'was erased', time };
  await record(folder, { key_id: id, erased_at: time, ...(reason !== undefined && { reason }) }, io);
  return { key_id: id, result: 'erased', time };
}

async function record(
  folder: KeyFolder,
  data: { key_id: string; erased_at: string; reason?: string },
  io: CommandIo,
): Promise<void> {
  const path = join(folder.path, 'erasures.jsonl');
  const draft = erasureRecord(data);
  try {
    const key = { generate: join(folder.path, 'erasures.pem') };
    const onNotice = ({
      kind,
      detail = '',
    }: {
      readonly kind: string;
      readonly detail?: string | undefined;
    }) => {
      if (kind === 'key-generated')
        io.stderr.write(`${printable(path)}: made a key; its verifier key is ${printable(detail)}\n`);
    };
    await writeSealed({ path, key, onNotice }, draft);
  } catch (error) {
    const why = systemReason(error) ?? (error instanceof Error ? error.message : 'unknown reason');
    throw new CliFailure(
      ExitCode.input,
      `the key ${data.key_id} is destroyed, but that is not on record: ${why}`,
      {
        hint: 'Repeat the call once this is mended: it records the erasure.',
        cause: error,
      },
    );
  }
  folder.noteRecord(data.key_id, draft.record_id);
}

/** The record of an erasure: who destroyed which key, when, and why. It does not name the person. */
function erasureRecord(data: object): DraftRecord {
  const eventType = 'EVENT_CONFIG_CHANGE';
  const traceId = newTraceId();
  const { ocsf_class_uid, ocsf_activity_id } = EVENT_TYPES[eventType];
  return createRedactor().record({
    record_id: newRecordId(),
    time: new Date().toISOString(),
    duration_ms: 0,
    event_type: eventType,
    outcome: 'OUTCOME_SUCCESS',
    severity: 'SEVERITY_NOTICE',
    sensitivity: 'SENSITIVITY_CONFIDENTIAL',
    actor_id: userName(),
    actor_type: 'user',
    component: PACKAGE_NAME,
    environment: 'unknown',
    resource: 'audit/erasure',
    message: "The key of a person's values was destroyed.",
    correlation_id: traceId,
    trace_id: traceId,
    span_id: newSpanId(),
    session_id: newRecordId(),
    ocsf_class_uid,
    ocsf_activity_id,
    data: { ...data, host: hostname(), pid: process.pid },
    metadata: {
      schema_version: 'documented',
      product_name: PACKAGE_NAME,
      product_version: PACKAGE_VERSION,
      vendor_name: PACKAGE_NAME,
    },
    otel_resource: new LogOrigin(PACKAGE_NAME).current,
  });
}

function sentence({ key_id: id = '', result, time = '' }: Outcome): string {
  if (result === 'unknown')
    return `${id === '' ? 'a person' : printable(id)}: there is no key, so nothing is encrypted for them with this folder\n`;
  return `${printable(id)}: ${result === 'erased' ? 'erased' : `was erased already, at ${time}`}\n`;
}
