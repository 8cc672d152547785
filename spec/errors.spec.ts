import { expect } from 'chai';
import * as errors from '../lib/errors.js';

type Errors = typeof errors;

/** One error of each class, as a copy of the package makes it. */
const examples = (from: Errors): [keyof Errors, Error][] => [
  ['ConfigError', new from.ConfigError('sink', 'must be a sink, not a string')],
  ['SinkError', new from.SinkError('file', 'the disk is full')],
  ['AuditUnavailableError', new from.AuditUnavailableError('nothing was sent')],
  ['IntegrityError', new from.IntegrityError('the tree has another root')],
  ['RefusedError', new from.RefusedError('actor_required', 'the actor is not known')],
];

describe('errors across two installed copies of the package', () => {
  let other: Errors;
  before(async () => {
    // The query makes it another module, as another folder would.
    const copy = './errors.js?another-copy';
    other = (await import(new URL(copy, new URL('../lib/', import.meta.url)).href)) as Errors;
    expect(other.SinkError).not.to.equal(errors.SinkError);
  });

  it('are instances of their own class, and of no other, in either copy', () => {
    for (const [name, error] of [...examples(errors), ...examples(other)]) {
      for (const copy of [errors, other]) {
        expect(error, name).to.be.instanceOf(copy.AuditError);
        const classes = examples(copy).map(([each]) => each);
        const fitting = classes.filter((each) => error instanceof (copy[each] as unknown as typeof Error));
        expect(fitting, name).to.deep.equal([name]);
      }
    }
  });

  it('have stable codes', () => {
    const codes = examples(other).map(([, error]) => (error as errors.AuditError).code);
    expect(codes).to.deep.equal([
      'MCP_LOG_ERR_CONFIG',
      'MCP_LOG_ERR_SINK',
      'MCP_LOG_ERR_UNAVAILABLE',
      'MCP_LOG_ERR_INTEGRITY',
      'MCP_LOG_ERR_ACTOR_REQUIRED',
    ]);
    expect(new other.SinkError('file', 'late', { code: 'MCP_LOG_ERR_SINK_TIMEOUT' }).code).to.equal(
      'MCP_LOG_ERR_SINK_TIMEOUT',
    );
  });

  it('claim nothing of values that are no errors, a hostile one too', () => {
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error('trap');
        },
      },
    );
    for (const value of [null, undefined, 'MCP_LOG_ERR_SINK', {}, new Error('other'), hostile])
      expect((value as unknown) instanceof errors.AuditError).to.equal(false);
  });
});
