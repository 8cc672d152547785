import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { encodeLine } from '../../lib/codecs/json.js';
import { commitmentKey, commitToContent, formatSalt, saltOf } from '../../lib/integrity/contentCommitment.js';
import { newRecordId, newSpanId, newTraceId } from '../../lib/schema/ids.js';
import type { Commitments } from '../../lib/schema/parts.js';
import { builtBinary } from '../../spec/support/builtCli.js';
import { numbered } from '../../spec/support/drafts.js';
import type { Question } from '../harness/question.js';
import { run } from '../tools/command.js';
import { scratch } from '../tools/measure.js';

const BATCH = 5000;
/** One record in so many is missing on the side of the server, and one is changed. */
const FAULT = 10_000;

/** Writes both logs of some calls, with commitments that traveled. */
function makeLogs(folder: string, calls: number): string {
  const paths = ['client', 'server'].map((name) => join(folder, `${name}.jsonl`));
  const [client = 0, server = 0] = paths.map((path) => openSync(path, 'a'));
  const key = commitmentKey(Buffer.alloc(32, 7));
  for (let seq = 0; seq < calls; seq += BATCH) {
    const lines: [string[], string[]] = [[], []];
    for (let index = seq; index < seq + BATCH; index++) {
      const ids = { record_id: newRecordId(), trace_id: newTraceId(), span_id: newSpanId() };
      const salt = saltOf(key, ids.record_id);
      const digest = (part: 'arguments' | 'result') => {
        const made = commitToContent(salt, part, { index });
        return 'digest' in made ? made.digest : formatSalt(salt);
      };
      const commitments: Commitments = {
        key: key.id,
        arguments: digest('arguments'),
        result: digest('result'),
      };
      const mcp = {
        method: 'tools/call',
        tool_name: 'search',
        request_id: String(index),
        answer: 'result' as const,
      };
      lines[0].push(encodeLine(numbered(index, { ...ids, mcp, commitments, duration_ms: 5 })));
      if (index % FAULT === 1) continue;
      const { arguments: given, result } = commitments;
      const caller = {
        record_id: ids.record_id,
        arguments: given!,
        matches: index % FAULT !== 2,
        result: result!,
      };
      lines[1].push(
        encodeLine(
          numbered(index, {
            ...{ trace_id: ids.trace_id, record_id: newRecordId(), span_id: newSpanId(), duration_ms: 4 },
            parent_span_id: ids.span_id,
            mcp: { ...mcp, side: 'server' },
            commitments: { ...commitments, caller },
          }),
        ),
      );
    }
    writeSync(client, `${lines[0].join('\n')}\n`);
    writeSync(server, `${lines[1].join('\n')}\n`);
  }
  [client, server].forEach((file) => closeSync(file));
  return paths.join(' ');
}

/** By processor time, the start of the command included. */
export const reconcile: Question = {
  name: 'reconcile',
  asks: 'How long does `reconcile` take for a million records on each side, and how much memory?',
  rounds: 3,
  quick: false,
  ratios: [
    { name: 'seconds of processor time', of: (round) => round.of('reconcile', 'seconds'), atMost: 120 },
    { name: 'peak memory in MB', of: (round) => round.of('reconcile', 'peak, MB'), atMost: 1000 },
  ],
  prepare: async ({ quick }) => {
    const folder = scratch();
    const logs = makeLogs(folder.path, quick ? 50_000 : 1_000_000);
    return {
      cases: [
        {
          name: 'reconcile',
          measure: async () => {
            const { cpu, peak } = await run(
              `node ${builtBinary()} reconcile ${logs} > /dev/null || test $? = 1`,
            );
            return { seconds: cpu, 'peak, MB': peak / 1e6 };
          },
        },
      ],
      close: () => folder.remove(),
    };
  },
};
