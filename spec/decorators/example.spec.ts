import { expect } from 'chai';
import type { AuditRecord } from '../../lib/schema/record.js';
import { runNode } from '../support/node.js';

describe('the example of audited code', () => {
  it('runs, and has each step on record under the decision that caused it', async () => {
    const { code, stdout, stderr } = await runNode(['--import', 'tsx', 'examples/decorators/agent.ts']);
    expect(code, stderr).to.equal(0);
    const records = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditRecord);
    const decisions = records.filter(({ event_type }) => event_type === 'EVENT_AGENT_DECISION');
    const steps = decisions.map((decision) =>
      records
        .filter(({ parent_span_id }) => parent_span_id === decision.span_id)
        .map(({ resource, outcome }) => [resource, outcome]),
    );
    expect(steps).to.deep.equal([
      [
        ['guardrails/no-addresses', 'OUTCOME_SUCCESS'],
        ['models/small', 'OUTCOME_SUCCESS'],
      ],
      [
        ['guardrails/no-addresses', 'OUTCOME_FAILURE_DENIED'],
        ['agents/human', 'OUTCOME_SUCCESS'],
      ],
    ]);
    expect(stdout).not.to.include('ann@example.org');
  }).timeout(60_000);
});
