import { expect } from 'chai';
import { withHandOver } from '../../lib/loader/hooks.js';
import { handingOver, onSdkModule, type SdkModule } from '../../lib/loader/sdk.js';
import { sharedName } from '../../lib/internal/shared.js';

const URL_OF_V1 = 'file:///app/node_modules/@modelcontextprotocol/sdk/dist/esm/client/index.js';
const load = (source: string | Uint8Array, url = URL_OF_V1, format = 'module') =>
  withHandOver(url, { format, source }).source;

describe('a module of the SDK under the loader hook', () => {
  it('gets a statement after its last line, once, and nothing before it', () => {
    const source = 'export class Client {}\n//# sourceMappingURL=index.js.map';
    const handed = handingOver(source, URL_OF_V1);
    expect(handed.startsWith(`${source}\n`)).to.equal(true);
    expect(handed.length).to.be.greaterThan(source.length + 1);
    expect(handingOver(handed, URL_OF_V1)).to.equal(handed);
  });

  it('is any that exports a Client, as text or as bytes', () => {
    for (const source of [
      'export class Client extends Protocol {}',
      'export { Client, auth };',
      'export{t as Client}from"./chunk.mjs";',
      'export const Client = make();',
      'export class McpServer {}',
      'export { Server as r, McpServer };',
    ]) {
      expect(load(source), source).not.to.equal(source);
      expect(load(new TextEncoder().encode(source)), source).to.equal(load(source));
    }
  });

  it('stays as it is where it exports none, is no ES module, or belongs to another package', () => {
    const client = 'export class Client {}';
    expect(load('export class ClientError {}')).to.equal('export class ClientError {}');
    expect(load(client, URL_OF_V1, 'commonjs')).to.equal(client);
    expect(load(client, 'file:///app/node_modules/pg/lib/client.js')).to.equal(client);
    expect(load(client, 'file:///app/node_modules/@modelcontextprotocol/express/index.js')).to.equal(client);
    expect(load(client, `${URL_OF_V1}?iitm=true`)).to.equal(client);
    expect(withHandOver(URL_OF_V1, { format: 'module', source: null }).source).to.equal(null);
  });

  it('is shown to those who listen, now and later, and no fault of theirs reaches it', () => {
    const name = Symbol.for(sharedName('sdkModules'));
    const { take } = Reflect.get(globalThis, name) as { take(exports: unknown, url: string): void };
    const seen: SdkModule[] = [];
    onSdkModule(() => {
      throw new Error('a fault');
    });
    const before = { exports: {}, url: 'file:///none/before.js' };
    take(before.exports, before.url);
    const listener = (module: SdkModule) => void seen.push(module);
    onSdkModule(listener);
    onSdkModule(listener);
    take({}, 'file:///none/after.js');
    expect(seen.map(({ url }) => url).slice(-2)).to.deep.equal([before.url, 'file:///none/after.js']);
  });
});
