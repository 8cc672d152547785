import { expect } from 'chai';
import { SinkError } from '../../lib/errors.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import type { Sink, SinkResult } from '../../lib/sinks/sink.js';
import { sampleRecord, sampleRecords } from '../support/sampleRecords.js';

/** A sink under test and its other end. */
export interface SinkUnderTest {
  sink: Sink;
  /** The records that have arrived, decoded, in the order of arrival. Asked once, at the end. */
  received(): Promise<AuditRecord[]> | AuditRecord[];
  /** For sinks that write text: the lines that have arrived, without their ends. */
  lines?(): Promise<string[]> | string[];
  /** Makes the other end fail from now on. */
  breakReceiver(): Promise<void> | void;
  /** Removes what the test made; the sink is closed by then. */
  dispose?(): Promise<void> | void;
}

/** Ends a line, drives a terminal or reverses a text. */
const RAW_HARM = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

/** A record that no encoding can hold, as a bug upstream would make one. */
const impossible = (): AuditRecord => sampleRecord(0, { data: { big: 1n } });

/**
 * The tests that every sink passes.
 *
 * @param make gives a fresh sink with a fresh other end
 * @param writesLines whether {@link SinkUnderTest.lines} is there
 */
export function sinkContract(
  name: string,
  make: () => Promise<SinkUnderTest> | SinkUnderTest,
  { writesLines = false }: { writesLines?: boolean } = {},
): void {
  describe(`${name} keeps the sink contract`, () => {
    let test: SinkUnderTest;
    beforeEach(async () => {
      test = await make();
    });
    afterEach(async () => {
      await test.sink.close?.();
      await test.dispose?.();
    });
    const use = (): SinkUnderTest => test;
    deliveryTests(use);
    endOfLifeTests(use);
    failureTests(use);
    if (writesLines) lineTest(use);
  });
}

function deliveryTests(use: () => SinkUnderTest): void {
  it('delivers records of every kind, unchanged and in order', async () => {
    const { sink, received } = use();
    const records = sampleRecords();
    const before = structuredClone(records);
    expect(await sink.emit(records.slice(0, 2))).to.have.property('status', 'delivered');
    expect(await sink.emit(records.slice(2))).to.have.property('status', 'delivered');
    await sink.flush?.();
    expect(await received()).to.deep.equal(records);
    expect(records).to.deep.equal(before);
  });

  it('keeps the order of calls that do not wait for each other', async () => {
    const { sink, received } = use();
    const records = Array.from({ length: 20 }, (_, index) => sampleRecord(index));
    await Promise.all(records.map(async (record) => sink.emit([record])));
    await sink.flush?.();
    expect((await received()).map(({ seq }) => seq)).to.deep.equal(records.map(({ seq }) => seq));
  });

  it('takes an empty batch', async () => {
    const { sink, received } = use();
    expect(await sink.emit([])).to.have.property('status', 'delivered');
    await sink.flush?.();
    expect(await received()).to.deep.equal([]);
  });
}

function endOfLifeTests(use: () => SinkUnderTest): void {
  it('can be flushed and closed any number of times', async () => {
    const { sink, received } = use();
    await sink.flush?.();
    await sink.emit([sampleRecord()]);
    await sink.flush?.();
    await sink.flush?.();
    await sink.close?.();
    await sink.close?.();
    await sink.flush?.();
    expect(await received()).to.have.length(1);
  });

  it('has delivered, when it is closed, what was given before', async () => {
    const { sink, received } = use();
    const emitted = Promise.resolve(sink.emit([sampleRecord()]));
    await sink.close?.();
    expect(await emitted).to.have.property('status', 'delivered');
    expect(await received()).to.have.length(1);
  });

  it('refuses a record after close, for good', async () => {
    const { sink, received } = use();
    await sink.close?.();
    const error = expectFailure(await sink.emit([sampleRecord()]), 'permanent');
    expect(error).to.have.property('code', 'MCP_LOG_ERR_SHUTDOWN');
    expect(await received()).to.deep.equal([]);
  });
}

function failureTests(use: () => SinkUnderTest): void {
  it('answers a record that cannot be encoded with a result, and goes on', async () => {
    const { sink, received } = use();
    expect(refusedOf(await sink.emit([impossible()]), 1)).to.deep.equal([0]);
    expect(await sink.emit([sampleRecord(7)])).to.have.property('status', 'delivered');
    await sink.flush?.();
    expect((await received()).map(({ seq }) => seq)).to.deep.equal([7]);
  });

  it('does not let one record that cannot be encoded take the rest of its batch with it', async () => {
    const { sink, received } = use();
    const batch = [sampleRecord(1), impossible(), sampleRecord(2), sampleRecord(3)];
    expect(refusedOf(await sink.emit(batch), 4)).to.deep.equal([1]);
    await sink.flush?.();
    expect((await received()).map(({ seq }) => seq)).to.deep.equal([1, 2, 3]);
  });

  it('answers a failing receiver with a result that names the sink', async () => {
    const { sink, breakReceiver } = use();
    await breakReceiver();
    const error = expectFailure(await sink.emit([sampleRecord()]));
    expect(error.sink).to.equal(sink.name);
    await sink.flush?.();
  });
}

function lineTest(use: () => SinkUnderTest): void {
  it('keeps every record on one harmless line, whatever the text in it', async () => {
    const { sink, lines } = use();
    const records = sampleRecords();
    await sink.emit(records);
    await sink.flush?.();
    const written = (await lines?.()) ?? [];
    expect(written).to.have.length(records.length);
    for (const line of written) expect(line).not.to.match(RAW_HARM);
  });
}

/** The places in a batch of the records that a sink will never take. */
function refusedOf(result: SinkResult | void, count: number): number[] {
  if (!result) return [];
  if (result.status === 'permanent') return Array.from({ length: count }, (_, index) => index);
  return (result.rejected ?? []).map(({ index }) => index);
}

/** The error of a result that must be a failure. */
export function expectFailure(result: SinkResult | void, status?: 'retryable' | 'permanent'): SinkError {
  if (!result || result.status === 'delivered') return expect.fail('expected a failure, got a delivery');
  if (status) expect(result.status).to.equal(status);
  expect(result.error).to.be.instanceOf(SinkError);
  return result.error as SinkError;
}
