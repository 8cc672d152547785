import { inspect } from 'node:util';
import { expect } from 'chai';
import type { Client as ClientV2 } from '@modelcontextprotocol/client';
import type { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { instrumentClient } from '../../lib/capture/instrumentation.js';
import { defaultSource, disableSource } from '../../lib/capture/tracing.js';
import { withLogging } from '../../lib/withLogging.js';
import { MemorySink } from '../support/memorySink.js';
import { copyOfSdk, exercise, EXERCISED, type SdkCopy } from '../support/sdkCopy.js';

const INFO = { name: 'agent', version: '1.0.0' };

/** Everything about the members of an object but what its functions do. */
function shapeOf(object: object): unknown[] {
  return Reflect.ownKeys(object).map((key) => {
    const { value, get, set, ...flags } = Object.getOwnPropertyDescriptor(object, key) as PropertyDescriptor;
    return [key, typeof value, functionShape(value), functionShape(get), functionShape(set), flags];
  });
}

/** The shape of every member that can be reached from an object, by the name that it is reached by. */
function membersOf(object: object): Map<unknown, unknown> {
  const members = new Map<unknown, unknown>();
  for (let link: object | null = object; link !== null; link = Object.getPrototypeOf(link) as object | null)
    for (const [key, ...shape] of shapeOf(link) as [unknown, ...unknown[]][])
      if (!members.has(key)) members.set(key, shape);
  return members;
}

function functionShape(value: unknown): unknown {
  if (typeof value !== 'function') return undefined;
  return [value.name, value.length, Object.prototype.toString.call(value), inspect(value.constructor)];
}

/** What an object says of itself, or why it cannot. */
function attempt(run: () => unknown): string {
  try {
    return inspect(run(), { depth: 1 });
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}

/** How a method fails that is called for nobody: whether at once, and with what. */
async function tornOff(
  { Client }: SdkCopy,
  name: keyof InstanceType<SdkCopy['Client']> & string,
  nobody: unknown,
): Promise<string> {
  let promise: unknown;
  try {
    promise = Reflect.apply(Client.prototype[name] as () => unknown, nobody, []);
  } catch (error) {
    return `throws ${String(error)}`;
  }
  return Promise.resolve(promise).then(String, (error: unknown) => `rejects with ${String(error)}`);
}

for (const version of ['v1', 'v2'] as const) {
  describe(`the class and the clients of ${version}, once audited`, () => {
    let bare: SdkCopy;
    let patched: SdkCopy;
    let sink: MemorySink;
    const made = (sdk: SdkCopy) => new sdk.Client(INFO);
    const wrapped = () => withLogging(made(patched), { sink, environment: 'test' });

    before(() => {
      bare = copyOfSdk(version);
      patched = copyOfSdk(version);
      instrumentClient(patched.Client);
    });
    beforeEach(() => (sink = new MemorySink()));
    after(() => {
      disableSource(defaultSource);
      bare.remove();
      patched.remove();
    });

    it('have the same members, with the same names, lengths and flags', () => {
      expect(membersOf(patched.Client.prototype)).to.deep.equal(membersOf(bare.Client.prototype));
      expect(shapeOf(patched.Client)).to.deep.equal(shapeOf(bare.Client));
      expect(shapeOf(wrapped())).to.deep.equal(shapeOf(made(bare)));
    });

    it('have no member of their own but those that they had or inherited', () => {
      const own = (sdk: SdkCopy) => Reflect.ownKeys(sdk.Client.prototype);
      const inherited = Reflect.ownKeys(Object.getPrototypeOf(bare.Client.prototype) as object);
      expect(own(patched).slice(0, own(bare).length)).to.deep.equal(own(bare));
      expect(inherited).to.include.members(own(patched).slice(own(bare).length));
      expect(Object.keys(patched.Client.prototype)).to.deep.equal([]);
    });

    it('look the same when they are printed, copied and turned into JSON', () => {
      const [ours, theirs] = [wrapped(), made(bare)];
      const shown = { depth: 3, showHidden: true, getters: false, maxArrayLength: null } as const;
      expect(inspect(ours, shown)).to.equal(inspect(theirs, shown));
      const uses: ((client: object) => unknown)[] = [structuredClone, JSON.stringify, String, Object.entries];
      for (const use of uses) expect(attempt(() => use(ours))).to.equal(attempt(() => use(theirs)));
    });

    it('are instances of their class, and so are those of subclasses, which call it as before', async () => {
      const heard: string[] = [];
      class Mine extends patched.Client {
        override callTool(...args: Parameters<InstanceType<SdkCopy['Client']>['callTool']>) {
          heard.push(args[0].name);
          return super.callTool(...args);
        }
      }
      const audited = class extends Mine {
        constructor() {
          super(INFO);
          withLogging(this, { sink, environment: 'test' });
        }
      };
      expect(new audited()).to.be.instanceOf(Mine).and.instanceOf(patched.Client);
      const said = await exercise({ ...patched, Client: audited as never });
      expect(said).to.deep.equal([{ type: 'text', text: 'hello' }]);
      expect(heard).to.deep.equal(['echo']);
      expect(sink.records.map(({ resource }) => resource)).to.deep.equal(EXERCISED);
    });

    it('keep their methods stable, replaceable and bound to nobody', async () => {
      const client = wrapped();
      expect(client.callTool).to.equal(client.callTool);
      client.callTool = (() => Promise.resolve('mine')) as never;
      expect(await client.callTool({ name: 'any' })).to.equal('mine');
      Reflect.deleteProperty(client, 'callTool');
      expect(client.callTool).to.equal(patched.Client.prototype.callTool);
      for (const name of ['callTool', 'listTools', 'close', 'connect'] as const)
        for (const nobody of [undefined, null])
          expect(await tornOff(patched, name, nobody), name).to.equal(await tornOff(bare, name, nobody));
    });
  });
}

describe('the types of what is audited', () => {
  type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

  it('are those that went in, which the compiler checks', () => {
    type Wrapped<T extends Parameters<typeof withLogging>[0]> = ReturnType<typeof withLogging<T>>;
    class Mine extends (Object as unknown as typeof ClientV1) {
      readonly own = 1;
    }
    const same: [
      Same<Wrapped<ClientV1>, ClientV1>,
      Same<Wrapped<ClientV2>, ClientV2>,
      Same<Wrapped<Mine>, Mine>,
      Same<ReturnType<typeof instrumentClient<typeof ClientV1>>, typeof ClientV1>,
      Same<ReturnType<typeof instrumentClient<typeof ClientV2>>, typeof ClientV2>,
    ] = [true, true, true, true, true];
    expect(same).not.to.include(false);
  });
});
