import { MessageChannel } from 'node:worker_threads';
import { expect } from 'chai';
import { AskedModules } from '../../lib/loader/hooks.js';

const MODULE = (path: string) => `file:///app/node_modules/${path}`;

describe('what instrumentations have asked for', () => {
  it('is nothing where none has', () => {
    expect(new AskedModules().includes('node:http', 'http')).to.equal(false);
  });

  it('is a package with all its files, and no package of a similar name or above it', () => {
    const asked = new AskedModules(['express', '@scope/pkg']);
    expect(asked.includes(MODULE('express/index.js'), 'express')).to.equal(true);
    expect(asked.includes(MODULE('express/lib/view.js'), './view.js')).to.equal(true);
    expect(asked.includes(MODULE('a/node_modules/express/index.js'), 'express')).to.equal(true);
    expect(asked.includes(MODULE('@scope/pkg/x.js'), './x.js')).to.equal(true);
    expect(asked.includes(MODULE('express/node_modules/qs/index.js'), 'qs')).to.equal(false);
    expect(asked.includes(MODULE('expression/index.js'), './index.js')).to.equal(false);
    expect(asked.includes(MODULE('@scope/other/x.js'), './x.js')).to.equal(false);
    expect(asked.includes('file:///app/express/index.js', './express/index.js')).to.equal(false);
  });

  it('is a module of Node under either of its names, a specifier as it is written, a file by its path', () => {
    const asked = new AskedModules(['http', 'node:test', 'pkg/sub', '/app/own file.js']);
    for (const [url, specifier] of [
      ['node:http', 'http'],
      ['node:http', 'node:http'],
      ['node:test', 'node:test'],
      ['file:///elsewhere/sub.js', 'pkg/sub'],
      ['file:///app/own%20file.js', './own file.js'],
    ] as const)
      expect(asked.includes(url, specifier), specifier).to.equal(true);
    expect(asked.includes('node:https', 'https')).to.equal(false);
    expect(asked.includes('data:text/javascript,1', 'data:text/javascript,1')).to.equal(false);
  });

  it('is known at once where it was sent a moment ago, without an event', () => {
    const { port1, port2 } = new MessageChannel();
    const asked = new AskedModules();
    asked.listenTo(port2, ['redis']);
    port1.postMessage(['express']);
    port1.postMessage('no list');
    port1.postMessage(['http', 7]);
    expect(asked.includes('node:http', 'http')).to.equal(true);
    expect(asked.includes(MODULE('express/index.js'), 'express')).to.equal(true);
    expect(asked.includes(MODULE('redis/index.js'), 'redis')).to.equal(true);
    port1.close();
  });
});
