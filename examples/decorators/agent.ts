// An agent that checks, decides, asks a model and delegates, all of it on record: `node --import tsx examples/decorators/agent.ts`
import { audit, audited, AuditSpanProcessor, StdoutSink, type AuditedCall } from 'otel-mcp-log';

interface Completion {
  readonly text: string;
  readonly tokens: number;
}

class Agent {
  @audited({
    eventType: 'EVENT_GUARDRAIL_CHECK',
    resource: 'guardrails/no-addresses',
    // The check itself succeeds; what it says of the text is the outcome that auditors ask for.
    outcome: ({ result }) => (result === false ? 'OUTCOME_FAILURE_DENIED' : undefined),
  })
  #isAllowed(text: string): boolean {
    return !text.includes('@');
  }

  @audited({
    eventType: 'EVENT_MODEL_INFERENCE',
    resource: (model: string) => `models/${model}`,
    sensitivity: 'SENSITIVITY_CONFIDENTIAL',
    data: ({ result }: AuditedCall<[string], Completion>) => ({ tokens: result?.tokens }),
  })
  async complete(model: string, prompt: string): Promise<Completion> {
    return { text: `an answer to ${prompt}`, tokens: prompt.length };
  }

  @audited({ eventType: 'EVENT_AGENT_DECISION', resource: 'decisions/answer', message: 'Decided what to do' })
  async answer(question: string): Promise<string> {
    if (!this.#isAllowed(question)) return delegate({ agent: 'human', question });
    return (await this.complete('small', question)).text;
  }
}

const delegate = audit(
  { eventType: 'EVENT_DELEGATION', resource: ({ agent }) => `agents/${agent}`, policyTags: ['escalation'] },
  async (task: { readonly agent: string; readonly question: string }) => `${task.agent} will answer`,
);

const processor = new AuditSpanProcessor({
  environment: 'example',
  actorId: 'agent-7',
  sink: new StdoutSink(),
});
const agent = new Agent();
await agent.answer('What is the time?');
await agent.answer('Who is ann@example.org?');
await processor.shutdown();
