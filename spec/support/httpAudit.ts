import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { AuditOptions } from '../../lib/config.js';
import { AuditSpanProcessor } from '../../lib/processor/processor.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { settled } from './audited.js';
import { until } from './builtCli.js';
import { MemorySink } from './memorySink.js';

/** A log for each test, and HTTP servers that end with it. */
export interface HttpAudit {
  readonly sink: MemorySink;
  /** Opens another log in place of this one. */
  open(options: Partial<AuditOptions>): Promise<void>;
  /** Starts a server, and gives its address. */
  start(handler: RequestListener): Promise<string>;
  /** Ends something with the test. */
  closing(close: () => Promise<void>): void;
  /** The records, once there are so many; there must not be more. */
  recorded(count: number): Promise<readonly AuditRecord[]>;
}

/** Registers what a suite needs before and after each of its tests. */
export function httpAudit(): HttpAudit {
  let sink: MemorySink;
  let processor: AuditSpanProcessor | undefined;
  const closers: (() => Promise<void>)[] = [];
  const open = async (options: Partial<AuditOptions>): Promise<void> => {
    await processor?.shutdown();
    sink = new MemorySink();
    processor = new AuditSpanProcessor({ sink, environment: 'test', ...options });
  };
  beforeEach(() => open({}));
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
    await processor?.shutdown();
    processor = undefined;
  });
  return {
    get sink() {
      return sink;
    },
    open,
    async start(handler) {
      const server = createServer(handler);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      closers.push(
        () =>
          new Promise((resolve) => {
            server.close(() => resolve());
            server.closeAllConnections();
          }),
      );
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    },
    closing: (close) => void closers.push(close),
    async recorded(count) {
      await until(() => sink.records.length >= count);
      await settled();
      expect(sink.records).to.have.length(count);
      return sink.records;
    },
  };
}
