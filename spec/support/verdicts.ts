import type { AuditRecord } from '../../lib/schema/record.js';
import { modern, type RawAnswer, type RawRequest } from './rawServer.js';

const OUTPUT = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] };
const TOOLS = [
  { name: 'typed', inputSchema: { type: 'object' }, outputSchema: OUTPUT },
  { name: 'plain', inputSchema: { type: 'object' } },
];

/** Answers `tools/list`, and calls with what is given; the last one again and again. */
export function answering(...answers: RawAnswer[]): (request: RawRequest) => RawAnswer {
  let calls = 0;
  return ({ method }) => {
    if (method === 'tools/list') return { result: modern({ tools: TOOLS }) };
    if (method !== 'tools/call') return undefined;
    return answers[Math.min(calls++, answers.length - 1)];
  };
}

/** A result of a tool. */
export const ok = (result: object): RawAnswer => ({ result: modern({ content: [], ...result }) });
/** A JSON-RPC error. */
export const refused = (code: number, message: string): RawAnswer => ({ error: { code, message } });

/** What a record says of how a call ended. */
export function verdict({ outcome, error, mcp }: AuditRecord): object {
  const { answer, answer_refused, caller_saw, served_from, task_id, task_status } = mcp ?? {};
  const said = {
    outcome: outcome.replace('OUTCOME_', ''),
    type: error?.type,
    answer,
    answer_refused,
    caller_saw,
  };
  const all = { ...said, served_from, task_id, task_status };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
