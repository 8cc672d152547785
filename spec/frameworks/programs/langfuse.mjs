import { LangfuseSpanProcessor } from '@langfuse/otel';
import { startActiveObservation } from '@langfuse/tracing';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { args, command, ECHO, print, REFUSED, show } from './server.mjs';

// Spans are kept, and sent to nobody.
const spans = [];
const exporter = {
  export: (batch, done) => {
    spans.push(...batch);
    done({ code: 0 });
  },
  shutdown: async () => undefined,
};
const sdk = new NodeSDK({
  spanProcessors: [
    new LangfuseSpanProcessor({ publicKey: 'pk', secretKey: 'sk', baseUrl: 'http://127.0.0.1:9', exporter }),
  ],
});
sdk.start();
const client = new Client({ name: 'langfuse', version: '1.0.0' });
await startActiveObservation('turn', async () => {
  await client.connect(new StdioClientTransport({ command, args, stderr: 'ignore' }));
  const { tools } = await client.listTools();
  print(
    'tools',
    tools.map(({ name }) => name),
  );
  await show('echo', () => client.callTool({ name: 'echo', arguments: ECHO }));
  await show('get-resource-reference', () =>
    client.callTool({ name: 'get-resource-reference', arguments: REFUSED }),
  );
  await client.close();
});
await sdk.shutdown();
print('observations', spans.filter(({ name }) => name === 'turn').length);
