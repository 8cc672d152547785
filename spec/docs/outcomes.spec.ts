import { readFileSync } from 'node:fs';
import { SdkError, SdkErrorCode, SdkHttpError } from '@modelcontextprotocol/client';
import { expect } from 'chai';
import { judgeError, type Judgement } from '../../lib/processor/outcome.js';

/** What the page says of a code: its `error.type` and its outcome. */
const rows = new Map(
  readFileSync(new URL('../../docs/outcomes.md', import.meta.url), 'utf8')
    .split('## The codes of v2')[1]!
    .split('\n## ')[0]!
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter((cells) => cells.length > 3)
    .map(([, code = '', type = '', outcome = '']) => [
      /`(\w+)`/.exec(code)?.[1] ?? '',
      [type, outcome] as const,
    ]),
);

const HTTP_STATUS: Readonly<Record<string, number>> = {
  CLIENT_HTTP_AUTHENTICATION: 401,
  CLIENT_HTTP_FORBIDDEN: 403,
};

/** What becomes of a call whose result the client refuses, or that fails, with that code. */
function judged(code: SdkErrorCode): Judgement {
  const status = HTTP_STATUS[code];
  const error =
    status === undefined ? new SdkError(code, 'it failed') : new SdkHttpError(code, 'it failed', { status });
  const answer = code === SdkErrorCode.InvalidResult ? ({ kind: 'result' } as const) : undefined;
  return judgeError(error, { aborted: false, method: 'tools/call', answer });
}

describe('docs/outcomes.md on the codes of v2', () => {
  for (const code of Object.values(SdkErrorCode))
    it(`says what error.type and outcome come of ${code}`, () => {
      const [type = '', outcome = ''] = rows.get(code) ?? rows.get('SEND_FAILED') ?? [];
      const { error, outcome: own } = judged(code);
      expect(error).to.include({ type: type === 'the code' ? code : type.replaceAll('`', ''), code });
      expect(outcome).to.match(new RegExp(`^\`${own}\``));
    });
});
