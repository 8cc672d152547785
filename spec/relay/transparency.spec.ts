import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { runCli } from '../support/builtCli.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { startProxy } from './overHttp.js';
import { dialogue, lines, streamOf, withoutTrace } from './programs.js';
import { send, startRaw } from './rawHttpServer.js';
import { Relaying } from './relaying.js';

const SERVER = fileURLToPath(new URL('fixtures/scriptedServer.mjs', import.meta.url));

describe('what passes a relay', () => {
  for (const propagate of [true, false])
    it(`is what was sent, byte for byte${propagate ? ' but for the trace context' : ', where nothing is propagated'}`, async () => {
      await fc.assert(
        fc.asyncProperty(dialogue, async (steps) => {
          const relay = new Relaying({ propagate, mode: 'batch' });
          for (const { by, line } of steps) {
            const said = line.toString('latin1');
            if (by === 'server') {
              expect((await relay.bytesFromServer(line))?.toString('latin1')).to.equal(said);
              continue;
            }
            const passed = (await relay.bytesFromClient(line))?.toString('latin1') ?? '';
            expect(propagate ? withoutTrace(passed) : passed).to.equal(said);
          }
          await relay.client.end();
          await relay.close();
        }),
        { numRuns: 150 },
      );
    });

  it('is on record once for each request, whatever becomes of it', async () => {
    await fc.assert(
      fc.asyncProperty(dialogue, async (steps) => {
        const relay = new Relaying();
        let requests = 0;
        for (const { by, line } of steps) {
          if (by === 'server') await relay.bytesFromServer(line);
          else {
            await relay.bytesFromClient(line);
            requests += requestsIn(line);
          }
        }
        await relay.client.end();
        await relay.close();
        const records = relay.sink.records.filter(
          ({ mcp }) => !['close', 'unreadable'].includes(mcp!.method) && mcp!.requested_by === undefined,
        );
        expect(records).to.have.length(requests);
      }),
      { numRuns: 150 },
    );
  });

  it('is what was sent over HTTP as well, in bodies and in streams of events', async () => {
    let told: Buffer = Buffer.alloc(0);
    let type = '';
    let isPacked = false;
    const server = await startRaw((_, response) => {
      response.writeHead(200, { 'content-type': type, ...(isPacked && { 'content-encoding': 'gzip' }) });
      response.end(isPacked ? gzipSync(told) : told);
    });
    const relay = await startProxy(server.url, { mode: 'batch' });
    try {
      await fc.assert(
        fc.asyncProperty(
          lines,
          fc.oneof(
            lines.map((each) => ({ kind: 'application/json', bytes: Buffer.concat(each) })),
            lines.chain(streamOf).map((bytes) => ({ kind: 'text/event-stream', bytes })),
          ),
          fc.boolean(),
          fc.constantFrom(undefined, 's1', 's2'),
          async (said, { kind, bytes }, packed, session) => {
            [told, type, isPacked] = [bytes, kind, packed];
            server.got.length = 0;
            const headers = session === undefined ? {} : { 'mcp-session-id': session };
            for (const body of said) {
              const answer = await send(relay.url, { body, headers });
              const heard = packed ? gunzipSync(answer.body) : answer.body;
              expect(heard.toString('latin1')).to.equal(told.toString('latin1'));
            }
            expect(server.got.map(({ body }) => withoutTrace(body.toString('latin1')))).to.deep.equal(
              said.map((body) => body.toString('latin1')),
            );
          },
        ),
        { numRuns: 25 },
      );
    } finally {
      await relay.close();
      await server.close();
    }
  });

  it('is in order through real processes, however the bytes are cut @slow', async () => {
    const folder = temporaryFolder();
    const [heard, script, log] = ['heard', 'script', 'audit.jsonl'].map((name) => join(folder.path, name));
    try {
      await fc.assert(
        fc.asyncProperty(
          lines,
          lines,
          fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 4 }),
          async (client, server, sizes) => {
            const said = Buffer.concat(server);
            writeFileSync(script!, said);
            const args = ['relay', '--environment=test', `--log=${log}`, '--no-propagate', '--'];
            const { code, bytes } = await runCli(
              [...args, process.execPath, SERVER, heard!, script!, JSON.stringify(sizes)],
              { stdin: Buffer.concat(client), env: { OTEL_MCP_LOG_MODE: 'batch' } },
            );
            expect(code).to.equal(0);
            expect(bytes.equals(said)).to.equal(true);
            expect(readFileSync(heard!).equals(Buffer.concat(client))).to.equal(true);
          },
        ),
        { numRuns: 15 },
      );
    } finally {
      folder.remove();
    }
  });
});

function requestsIn(line: Buffer): number {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(line));
  } catch {
    return 0;
  }
  return [parsed].flat().filter((each) => {
    const { id, method } = (each ?? {}) as { id?: unknown; method?: unknown };
    return id !== undefined && method !== undefined;
  }).length;
}
