import { expect } from 'chai';
import { ResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { audited, rejection, settled } from '../support/audited.js';
import { fullPairV1 } from '../support/fullServerV1.js';

async function read(stream: AsyncIterable<{ type: string }>): Promise<string[]> {
  const types: string[] = [];
  for await (const { type } of stream) types.push(type);
  return types;
}

describe('task streams of SDK v1', () => {
  const start = async () => {
    const { client, transport, connect } = fullPairV1();
    const sink = audited(client);
    await connect();
    await client.listTools();
    sink.records.length = 0;
    return { client, transport, sink, tasks: client.experimental.tasks };
  };

  it('are one record each, with the requests that look after the task as legs', async () => {
    const { sink, tasks } = await start();
    const types = await read(tasks.callToolStream({ name: 'task' }));
    expect(types).to.deep.equal(['taskCreated', 'taskStatus', 'result']);
    expect(sink.records).to.have.length(1);
    const record = sink.only('tools/call');
    expect(record).to.include({ resource: 'tools/task', outcome: 'OUTCOME_SUCCESS' });
    expect(record.mcp?.legs?.map(({ method }) => method)).to.deep.equal([
      'tools/call',
      'tasks/get',
      'tasks/result',
    ]);
  });

  it('are one record where no task comes of them', async () => {
    const { sink, tasks } = await start();
    expect(await read(tasks.callToolStream({ name: 'echo' }))).to.deep.equal(['result']);
    expect(sink.records.map(({ resource, outcome }) => [resource, outcome])).to.deep.equal([
      ['tools/echo', 'OUTCOME_SUCCESS'],
    ]);
  });

  it('are one record of requestStream, whatever its method', async () => {
    const { sink, tasks } = await start();
    await read(tasks.requestStream({ method: 'resources/list' }, ResultSchema));
    await read(tasks.requestStream({ method: 'x/unheard' } as never, ResultSchema));
    expect(sink.records.map(({ resource, error }) => [resource, error?.type])).to.deep.equal([
      ['resources/list', undefined],
      ['x/unheard', '-32601'],
    ]);
  });

  it('fail with the tool, and with an answer that the SDK does not accept', async () => {
    const { sink, tasks } = await start();
    await read(tasks.callToolStream({ name: 'broken' }));
    expect(await read(tasks.callToolStream({ name: 'typed' }))).to.deep.equal(['error']);
    expect(sink.records.map(({ outcome, error }) => [outcome, error?.type])).to.deep.equal([
      ['OUTCOME_FAILURE_ERROR', 'tool_error'],
      ['OUTCOME_FAILURE_ERROR', 'invalid_result'],
    ]);
  });

  it('are PARTIAL where the caller stops reading, and whole where it stops at the result', async () => {
    const { sink, tasks } = await start();
    for await (const { type } of tasks.callToolStream({ name: 'task' })) if (type === 'taskStatus') break;
    for await (const { type } of tasks.callToolStream({ name: 'task' })) if (type === 'result') break;
    const thrown = tasks.callToolStream({ name: 'task' });
    await thrown.next();
    expect(await rejection(thrown.throw(new Error('enough')))).to.have.property('message', 'enough');
    expect(sink.records.map(({ outcome, error }) => [outcome, error?.type])).to.deep.equal([
      ['OUTCOME_PARTIAL', 'abandoned'],
      ['OUTCOME_SUCCESS', undefined],
      ['OUTCOME_PARTIAL', 'abandoned'],
    ]);
  });

  it('are no operation before they are read, and the very generators of the SDK', async () => {
    const { sink, tasks } = await start();
    const stream = tasks.callToolStream({ name: 'task' });
    expect(Object.prototype.toString.call(stream)).to.equal('[object AsyncGenerator]');
    expect(stream[Symbol.asyncIterator]()).to.equal(stream);
    expect(Object.keys(stream)).to.deep.equal([]);
    await stream.return(undefined);
    expect(await stream.next()).to.deep.equal({ done: true, value: undefined });
    await settled();
    expect(sink.records).to.have.length(0);
  });

  it('leave calls that are made while they are read alone', async () => {
    const { client, sink, tasks } = await start();
    for await (const message of tasks.callToolStream({ name: 'task' })) {
      if (message.type === 'taskCreated') await tasks.getTask(message.task.taskId);
      if (message.type === 'taskStatus') await client.callTool({ name: 'echo' });
    }
    expect(sink.records.map(({ mcp, resource }) => [mcp?.method, resource.split('/')[0]])).to.deep.equal([
      ['tasks/get', 'tasks'],
      ['tools/call', 'tools'],
      ['tools/call', 'tools'],
    ]);
  });

  it('end with the connection where nobody reads on', async () => {
    const { sink, tasks, transport } = await start();
    const stream = tasks.callToolStream({ name: 'endless' }, undefined, { task: {} });
    await stream.next();
    await transport.close();
    await settled();
    expect(sink.only('tools/call').error?.type).to.equal('connection_closed');
    await stream.next();
    expect(sink.of('tools/call')).to.have.length(1);
  });
});
