// Values that would break a line, a process or a secret.
import { createHash } from 'node:crypto';
import { decodeProtobuf } from '../../../../lib/codecs/protobuf.js';
import { broken, together, type Attack, type Try } from '../attack.js';
import { TAKEN } from '../inbox.js';
import { readLog } from '../judge.js';
import { argumentsOf, bytesOf, call, calls, callsOf, judgeCalls, keysOf, type Step } from './calling.js';
import { receiving } from './sending.js';
import { logOf, named } from './writing.js';

const CONTROLS = {
  'CR and LF': '\r\n',
  'other C0': '\0\b\t\v\f\u001b\u001f',
  DEL: '\u007f',
  NEL: '\u0085',
  CSI: '\u009b',
  'other C1': '\u0080\u009f',
  'line separators': '\u2028\u2029',
  'bidi embeddings': '\u202a\u202e',
  'bidi isolates': '\u2066\u2069',
  marks: '\u200e\u200f\u061c',
};
const RAW = /[\0-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

function control(name: keyof typeof CONTROLS): Try {
  const text = `a${CONTROLS[name]}b{"seq":0}`;
  const steps: Step[] = [
    { call: 'echo', arguments: { text, [text]: 1 } },
    { call: 'echo', name: `tool ${text}`.slice(0, 60) },
    { call: 'rpcError', arguments: { text } },
    { call: 'toolError', arguments: { text } },
  ];
  return calls({ steps, log: { actorId: `actor ${text}`, includeOutputs: true } }, (scene) =>
    broken(
      [!RAW.test(bytesOf(scene)), 'a control character stands raw in the file'],
      [argumentsOf(scene)['text'] === text, 'the text is not what it was'],
    ),
  );
}

const SURROGATES = [
  '\ud800',
  '\udfff',
  'a\ud83d',
  '\ude00b',
  '\udc00\ud800',
  '\ud83d\ude00',
  '\\ud800',
  '\ud800\\udc00',
];

/** JSON and protobuf say the same, and both are well-formed. */
const surrogate =
  (text: string): Try =>
  (scene) =>
    receiving(
      () => TAKEN,
      async (inbox) => {
        const steps = [{ call: 'echo', arguments: { text, [text]: text } }];
        const { said } = await call(scene, { steps, http: { endpoint: inbox.url, format: 'protobuf' } });
        const far = inbox.requests
          .map(({ body }) => decodeProtobuf(body))
          .find(({ mcp }) => mcp?.method === 'tools/call');
        const near = callsOf(scene)[0];
        const kept = argumentsOf(scene)['text'];
        return together(
          judgeCalls(scene, said, steps),
          broken(
            [
              JSON.stringify(far?.mcp?.tool_arguments) === JSON.stringify(near?.mcp?.tool_arguments),
              'JSON and protobuf differ',
            ],
            [kept === text.replace(/\p{Surrogate}/gu, '\ufffd'), `it became ${JSON.stringify(kept)}`],
            [!/\\ud[89a-f]/.test(bytesOf(scene).replaceAll('\\\\', '')), 'a half of a pair is escaped'],
          ),
        );
      },
    );

const hostile: Try = async (scene) => {
  const { said, stderr } = await scene.run('values.mjs', { what: 'hostile', path: logOf(scene) });
  const facts = said.filter(({ fact }) => fact !== undefined);
  const { records } = readLog(logOf(scene));
  const wrong = facts.flatMap(({ fact, value }) => {
    const { marker, returned } = value as { marker: string; returned: unknown };
    const record = records.find(({ resource }) => resource === `hostile/${fact}`);
    if (record === undefined) return [`${fact} has no record`];
    if (returned !== fact) return [`${fact} changed the result: ${String(returned)}`];
    return JSON.stringify(record.data).includes(marker)
      ? []
      : [`${fact} is ${JSON.stringify(record.data).slice(0, 80)}`];
  });
  return {
    lost: wrong.filter((each) => each.endsWith('no record')),
    broken: [...wrong, ...(facts.length === 18 ? [] : [`it ended early: ${stderr}`])],
  };
};

/** A large argument: the record stays small, keeps its metadata, and says how much there was. */
const large =
  (bytes: number): Try =>
  async (scene) => {
    const { said } = await call(
      scene,
      { steps: [{ call: 'echo', bytes }] },
      { node: ['--max-old-space-size=400'] },
    );
    const [record] = callsOf(scene);
    const cut = record?.truncated?.find(({ path }) => path.endsWith('filling'));
    const sha256 = createHash('sha256').update('x'.repeat(bytes)).digest('hex');
    const line =
      bytesOf(scene)
        .split('\n')
        .find((each) => each.includes('"tools/call"')) ?? '';
    const rss =
      (said.find(({ fact }) => fact === 'done')?.value as { rss: number } | undefined)?.rss ?? Infinity;
    return {
      lost: record === undefined ? ['the call'] : [],
      untrue: record === undefined || record.outcome === 'OUTCOME_SUCCESS' ? [] : [record.outcome],
      ...broken(
        [Buffer.byteLength(line) <= 65_536, `the line has ${line.length} bytes`],
        [cut?.original_bytes === bytes && cut.sha256 === sha256, `the cut is told as ${JSON.stringify(cut)}`],
        [record?.mcp?.tool_name === 'echo', 'the metadata is gone'],
        [rss * 1024 < 250e6 + 10 * bytes, `the process grew to ${rss} KB`],
      ),
    };
  };

const PATHS = [
  '__proto__',
  '__proto__.x',
  'data.__proto__.polluted',
  'constructor.prototype.x',
  'data.constructor.prototype.polluted',
  '**.__proto__',
  'mcp.tool_arguments.constructor',
  'data["__proto__"]',
];
const SAFE = ['token$', '(a|a)*$', '(a|aa)+$', 'a*a*a*b', '.*a.*a.*b', '[\\w.+-]+@[\\w-]+', '^.*secret.*$'];
const UNSAFE = [
  '^(a+)+$',
  '(a*)*b',
  '(\\w+)*x',
  '([^,]+){2,}',
  '(?:.*)+',
  '(?=a)b',
  '(?<!x)y',
  '(a)\\1',
  '(a{1,200}){1,100}',
];

/** One fact of a script, as it should be. */
const fact =
  (plan: object, is: (value: unknown) => boolean, count: number): Try =>
  async (scene) => {
    const { said, stderr } = await scene.run('values.mjs', plan);
    const facts = said.filter((each) => each.fact !== undefined);
    const wrong = facts
      .filter(({ value }) => !is(value))
      .map((each) => `${each.fact}: ${JSON.stringify(each.value)}`);
    return { broken: facts.length === count ? wrong : [`${facts.length} facts: ${stderr}`] };
  };

/** ATTACKS 9 to 14. */
export const valueAttacks: readonly Attack[] = [
  {
    item: 9,
    title: 'control and direction characters are escaped; one line per record',
    tries: named(keysOf(CONTROLS), String, control),
  },
  {
    item: 10,
    title: 'lone surrogates are made well-formed; JSON and protobuf agree',
    tries: named(SURROGATES, (text) => JSON.stringify(text), surrogate),
  },
  {
    item: 11,
    title: 'values that throw, or that JSON has no word for: a marker, never an exception',
    tries: { '18 values': hostile },
  },
  {
    item: 12,
    title: 'a 50 MB argument: bounded, measured and hashed',
    tries: named([100_000, 5_000_000, 50_000_000], (bytes) => `${bytes} bytes`, large),
  },
  {
    item: 13,
    title: 'paths to prototypes change none',
    tries: named(PATHS, String, (path) =>
      fact({ what: 'prototypes', paths: [path] }, (value) => value !== 'polluted', 1),
    ),
  },
  {
    item: 14,
    title: 'patterns take linear time; unsafe ones are refused',
    tries: {
      'all patterns': fact(
        { what: 'patterns', safe: SAFE, unsafe: UNSAFE },
        (ms) => typeof ms === 'number' && ms < 50,
        2 + SAFE.length + 2 * UNSAFE.length,
      ),
    },
  },
];
