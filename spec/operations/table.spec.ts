import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { OPERATIONS, operationFor } from '../../lib/operations/table.js';

interface Profile {
  operations: Record<string, [event: string, resource: string]>;
}

const schema = JSON.parse(
  readFileSync(new URL('../../lib/schema/compliance-log-schema.json', import.meta.url), 'utf8'),
) as { profiles: Record<'documented' | '0.2', Profile> };

describe('the table of operations', () => {
  for (const profile of ['documented', '0.2'] as const) {
    for (const [method, [event, resource]] of Object.entries(schema.profiles[profile].operations)) {
      it(`maps ${method} to ${event} and ${resource} (${profile})`, () => {
        const operation = operationFor(method);
        const subject = { toolName: '{name}', uri: '{uri}' };
        expect(operation.event[profile]).to.equal(event);
        expect(operation.resource(subject)).to.equal(resource);
      });
    }
  }

  it('names methods of the client', () => {
    expect([...OPERATIONS.keys()]).to.include.members([
      'connect',
      'listTools',
      'callTool',
      'listResources',
      'readResource',
      'listPrompts',
      'getPrompt',
      'close',
    ]);
  });

  it('gives any other method an operation of its own', () => {
    const operation = operationFor('x/secret');
    expect(operation.event.documented).to.equal('EVENT_RESOURCE_ACCESS');
    expect(operation.resource({})).to.equal('x/secret');
  });

  it('reads parameters of any kind without throwing', () => {
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error('no');
        },
      },
    );
    for (const params of [undefined, null, 7, 'text', hostile, { name: 7 }]) {
      expect(operationFor('tools/call').subject(params)).to.satisfy(
        (subject: { toolName?: string }) => !subject.toolName,
      );
    }
  });

  it('says in the resource when a name is not known', () => {
    expect(operationFor('tools/call').resource({})).to.equal('tools/unknown name');
  });
});
