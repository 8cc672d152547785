import { expect } from 'chai';
import type { Actor } from '../../lib/identity.js';
import { ACTORS_KEY, addDelegation, chainInClaims, chainToSend } from '../../lib/processor/delegation.js';
import type { ChainLink, McpOAuth } from '../../lib/schema/record.js';
import { draftRecord } from '../support/draftRecord.js';

const ISSUER = 'https://issuer.example.com';
// RFC 8693: the examples of sections 4.1 and 4.4.
const ONE_ACTOR = {
  aud: 'https://consumer.example.com',
  iss: ISSUER,
  exp: 1443904177,
  nbf: 1443904077,
  sub: 'user@example.com',
  act: { sub: 'admin@example.com' },
};
const TWO_ACTORS = {
  aud: 'https://service26.example.com',
  iss: ISSUER,
  exp: 1443904100,
  nbf: 1443904000,
  sub: 'user@example.com',
  act: { sub: 'https://service16.example.com', act: { sub: 'https://service77.example.com' } },
};
const MAY_ACT = { ...ONE_ACTOR, act: undefined, may_act: { sub: 'admin@example.com' } };

const byToken = { identity: 'self-reported', issuer: ISSUER, source: 'token' } as const;
const verified = { ...byToken, identity: 'verified' } as const;
const byProgram = { identity: 'self-reported', source: 'program' } as const;
const byCaller = { identity: 'self-reported', source: 'caller' } as const;
const USER: ChainLink = { id: 'user@example.com', type: 'user', ...byToken };

describe('the chain that claims name', () => {
  for (const [what, claims, ids] of [
    ['one actor', ONE_ACTOR, ['admin@example.com', 'user@example.com']],
    [
      'actors before that one, which are nested deeper',
      TWO_ACTORS,
      ['https://service16.example.com', 'https://service77.example.com', 'user@example.com'],
    ],
    ['who might act, and is no part of it', MAY_ACT, ['user@example.com']],
  ] as const)
    it(`has who acts now first and the subject last: ${what}`, () => {
      const chain = chainInClaims(claims, false);
      expect(chain?.links.map(({ id }) => id)).to.deep.equal(ids);
      expect(chain?.total).to.equal(ids.length);
      for (const link of chain!.links) expect(link).to.include(byToken);
    });

  it('is vouched for by the issuer of a token that has been checked', () => {
    for (const link of chainInClaims(TWO_ACTORS, true)!.links) expect(link).to.include(verified);
  });

  it('ends where an actor has no name', () => {
    const act = { sub: 'a', act: { sub: '', act: { sub: 'b' } } };
    expect(chainInClaims({ sub: 'ada', act }, false)?.links.map(({ id }) => id)).to.deep.equal(['a', 'ada']);
  });

  for (const claims of [
    undefined,
    null,
    7,
    'act',
    [],
    {},
    { sub: 7, act: 'x' },
    { sub: ' ', act: { act: {} } },
  ])
    it(`is absent where they name nobody: ${JSON.stringify(claims)}`, () => {
      expect(chainInClaims(claims, true)).to.equal(undefined);
    });

  it('is bounded: the first ones, the subject, and how many there were', () => {
    let act: object | undefined;
    for (let depth = 500; depth > 0; depth--) act = { sub: `agent-${depth}`, act };
    const chain = chainInClaims({ sub: 'ada', act }, false)!;
    const first = Array.from({ length: 9 }, (_, index) => `agent-${index + 1}`);
    expect(chain.links.map(({ id }) => id)).to.deep.equal([...first, 'ada']);
    expect(chain.total).to.equal(501);
    const endless: Record<string, unknown> = { sub: 'a' };
    endless['act'] = endless;
    expect(chainInClaims({ sub: 'ada', act: endless }, false)?.links).to.have.length(10);
  });
});

/** What a record says of an operation's parties. */
function recorded({
  actor,
  option,
  claims,
  meta,
}: {
  actor?: Actor;
  option?: string;
  claims?: object;
  meta?: unknown;
}): { actor_chain?: readonly ChainLink[]; on_behalf_of?: string; truncated?: unknown } {
  const { truncated: _, ...draft } = draftRecord({}, { actor_id: actor?.id ?? 'session' });
  const { sub, iss, act } = (claims ?? {}) as { sub?: string; iss?: string; act?: object };
  const oauth: McpOAuth = { subject: sub!, issuer: iss!, ...(act && { actors: ['x'] }) };
  const connection = {
    connectionId: 'c',
    ...(claims && { oauth, tokenChain: chainInClaims(claims, false) }),
  };
  addDelegation(draft, { connection, callerMeta: { [ACTORS_KEY]: meta } }, actor, option);
  return draft;
}

describe('the chain on record', () => {
  it('is absent where no more is known than who acts', () => {
    for (const given of [
      {},
      { actor: { id: 'robot', type: 'agent' } as const },
      { meta: [] },
      { meta: 'ada' },
    ])
      expect(recorded(given)).not.to.have.any.keys('actor_chain', 'on_behalf_of', 'truncated');
  });

  it('goes from who acts over those behind it to whom they all act for', () => {
    const actor: Actor = {
      id: 'sub-agent',
      type: 'agent',
      chain: [
        { id: 'agent', type: 'agent' },
        { id: 'ada', type: 'user', verifiedBy: ISSUER },
      ],
    };
    expect(recorded({ actor })).to.deep.include({
      on_behalf_of: 'ada',
      actor_chain: [
        { id: 'sub-agent', type: 'agent', ...byProgram },
        { id: 'agent', type: 'agent', ...byProgram },
        { id: 'ada', type: 'user', ...byProgram, identity: 'verified', issuer: ISSUER },
      ],
    });
  });

  it('is there wherever the program says for whom it acts', () => {
    const chain = [
      { id: 'robot', ...byProgram },
      { id: 'ada', ...byProgram },
    ];
    for (const given of [
      { actor: { id: 'robot', onBehalfOf: 'ada' } },
      { actor: { id: 'robot' }, option: 'ada' },
    ])
      expect(recorded(given)).to.deep.include({ on_behalf_of: 'ada', actor_chain: chain });
  });

  it('goes on with the parties of the token', () => {
    expect(recorded({ actor: { id: 'robot' }, claims: TWO_ACTORS })).to.deep.include({
      on_behalf_of: 'user@example.com',
      actor_chain: [
        { id: 'robot', ...byProgram },
        { id: 'https://service16.example.com', ...byToken },
        { id: 'https://service77.example.com', ...byToken },
        USER,
      ],
    });
  });

  it('names a party once, with the best that is said for it', () => {
    const actor: Actor = { id: 'admin@example.com', type: 'agent', onBehalfOf: 'user@example.com' };
    expect(recorded({ actor, claims: ONE_ACTOR }).actor_chain).to.deep.equal([
      { id: 'admin@example.com', type: 'agent', ...byToken },
      USER,
    ]);
    const checked: Actor = {
      id: 'admin@example.com',
      chain: [{ id: 'user@example.com', verifiedBy: ISSUER }],
    };
    expect(recorded({ actor: checked, claims: ONE_ACTOR }).actor_chain?.[1]).to.deep.equal({
      ...{ id: 'user@example.com', type: 'user', identity: 'verified', issuer: ISSUER, source: 'program' },
    });
  });

  it('keeps one name apart that two issuers vouch for', () => {
    const actor: Actor = {
      id: 'robot',
      chain: [{ id: 'user@example.com', verifiedBy: 'https://other.example' }],
    };
    const names = recorded({ actor, claims: ONE_ACTOR }).actor_chain?.map(({ id }) => id);
    expect(names).to.deep.equal(['robot', 'user@example.com', 'admin@example.com', 'user@example.com']);
  });

  it('keeps a party in both places where one token names it twice', () => {
    const act = { sub: 'a', act: { sub: 'b', act: { sub: 'a' } } };
    const names = recorded({ claims: { sub: 'ada', act } }).actor_chain?.map(({ id }) => id);
    expect(names).to.deep.equal(['a', 'b', 'a', 'ada']);
  });

  it("begins with the caller's own word, which names no actor and no principal, and takes no place from a token", () => {
    const meta = [
      { id: 'sub-agent', type: 'agent', verifiedBy: ISSUER, identity: 'verified' },
      { id: 'ada' },
    ];
    const links = [
      { id: 'sub-agent', type: 'agent', ...byCaller },
      { id: 'ada', ...byCaller },
    ];
    expect(recorded({ meta })).to.deep.include({ actor_id: 'session', actor_chain: links });
    expect(recorded({ meta })).not.to.have.property('on_behalf_of');
    const claimed = [...meta, { id: 'user@example.com', type: 'service' }];
    expect(recorded({ meta: claimed, claims: ONE_ACTOR }).actor_chain).to.deep.equal([
      ...links,
      { id: 'admin@example.com', ...byToken },
      USER,
    ]);
  });

  it('keeps who acts, by the word of the program, behind the caller and before the token', () => {
    const actor: Actor = { id: 'admin@example.com' };
    const meta = [{ id: 'user@example.com' }, { id: 'sub-agent' }];
    const names = recorded({ actor, meta, claims: ONE_ACTOR }).actor_chain?.map(({ id }) => id);
    expect(names).to.deep.equal(['sub-agent', 'admin@example.com', 'user@example.com']);
  });

  for (const meta of [7, {}, [7, null], [{ id: 7 }], [{ id: ' ' }], [[]], { length: 1e9 }])
    it(`leaves out what a caller sends and names nobody: ${JSON.stringify(meta)}`, () => {
      expect(recorded({ meta })).not.to.have.property('actor_chain');
    });

  it('is bounded, whatever a caller sends, and says how many there were', () => {
    const meta = Array.from({ length: 100_000 }, (_, index) => ({ id: `x${index}`, type: 'robot' }));
    const record = recorded({ meta, claims: TWO_ACTORS });
    expect(record.actor_chain?.filter(({ source }) => source === 'caller')).to.have.length(7);
    expect(record.actor_chain?.slice(7).map(({ id }) => id)).to.deep.equal([
      ...['https://service16.example.com', 'https://service77.example.com', 'user@example.com'],
    ]);
    expect(record.truncated).to.deep.equal([{ path: 'actor_chain', original_entries: 100_003 }]);
  });

  it('goes to a server as names and kinds alone', () => {
    const actor: Actor = {
      id: 'robot',
      type: 'agent',
      tenantId: 't',
      chain: [{ id: 'ada', verifiedBy: ISSUER }],
    };
    expect(chainToSend(actor, 'the house')).to.deep.equal([{ id: 'robot', type: 'agent' }, { id: 'ada' }]);
    expect(chainToSend(undefined, 'the house')).to.deep.equal([{ id: 'the house' }]);
    expect(chainToSend(undefined, undefined)).to.equal(undefined);
  });
});
