import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { copyOf, isSupported, SDK_V1, SDK_V2 } from '../../lib/loader/sdk.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

describe('which copies of the SDK can be patched', () => {
  const versions: [name: string, supported: string[], unsupported: string[]][] = [
    [
      SDK_V1,
      [
        '1.10.0',
        '1.32.2',
        '1.33.0-beta.1',
        '1.32.2+build.7',
        '1.33.0-rc.0+sha.5114f85',
        'v1.32.2',
        ' 1.32.2 ',
      ],
      ['1.9.9', '1.9.0-beta.1', '0.7.0', '2.0.0-alpha.1', '2.0.0', '99.0.0', '11.10.0', '1.10', 'next', ''],
    ],
    [
      SDK_V2,
      ['2.0.0-alpha.2', '2.0.0', '2.5.0-beta.1', '2.4.0+build'],
      ['1.32.2', '3.0.0-beta.0', '3.0.0', '20.0.0', '2', 'workspace:*'],
    ],
  ];
  for (const [name, supported, unsupported] of versions)
    it(`${name}: pre-releases and build metadata of the supported lines, and nothing beyond`, () => {
      expect(supported.filter((version) => !isSupported(name, version))).to.deep.equal([]);
      expect(unsupported.filter((version) => isSupported(name, version))).to.deep.equal([]);
    });

  it('a copy that does not say its version is judged by what it exports', () => {
    expect(isSupported(SDK_V1, undefined)).to.equal(true);
  });

  describe('the copy that a file belongs to', () => {
    let folder: ReturnType<typeof temporaryFolder>;
    beforeEach(() => (folder = temporaryFolder()));
    afterEach(() => folder.remove());

    const write = (path: string, manifest: object) => {
      mkdirSync(join(folder.path, path), { recursive: true });
      writeFileSync(join(folder.path, path, 'package.json'), JSON.stringify(manifest));
    };

    it('is found above manifests without a name, by path and by URL', () => {
      write('sdk', { name: SDK_V1, version: '1.32.2' });
      write('sdk/dist/esm', { type: 'module' });
      const file = join(folder.path, 'sdk', 'dist', 'esm', 'client', 'index.js');
      const copy = { name: SDK_V1, version: '1.32.2', path: join(folder.path, 'sdk') };
      expect(copyOf(file)).to.deep.equal(copy);
      expect(copyOf(pathToFileURL(file).href)).to.deep.equal(copy);
    });

    it('has no version where its manifest has none', () => {
      write('sdk', { name: SDK_V2, version: 7 });
      expect(copyOf(join(folder.path, 'sdk', 'index.mjs'))).to.have.property('version', undefined);
    });

    it('is none for a file of another package, and for what is no file', () => {
      write('other', { name: 'other', version: '1.0.0' });
      expect(copyOf(join(folder.path, 'other', 'client.js'))).to.equal(undefined);
      expect(copyOf('file://nowhere.example/%2f')).to.equal(undefined);
    });
  });
});
