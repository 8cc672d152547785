import { expect } from 'chai';
import { commandLine } from '../../lib/redaction/commandLine.js';
import { createRedactor } from '../../lib/redaction/createRedactor.js';

const shown = (...command: string[]) => commandLine(command, createRedactor());

describe('a command that was dialled', () => {
  const kept: string[][] = [
    ['npx', '-y', '@modelcontextprotocol/server-filesystem', '/srv/data'],
    ['node', '--import', 'tsx', 'server.ts', '--port=8080'],
    ['docker', 'run', '-i', '--rm', '-e', 'LOG_LEVEL=debug', 'mcp/server'],
  ];
  for (const command of kept) {
    it(`is shown as it is: ${command.join(' ')}`, () => {
      expect(shown(...command)).to.equal(command.join(' '));
    });
  }

  const hidden: string[][] = [
    ['server', '--api-key', 'canary'],
    ['server', '--api-key=canary'],
    ['server', '-token', 'canary', 'stdio'],
    ['docker', 'run', '-e', 'API_KEY=canary', 'mcp/server'],
    ['docker', 'run', '--env=API_KEY=canary', 'mcp/server'],
    ['npx', 'mcp-remote', 'https://user:canary@host.example/mcp', '--header', 'Authorization: Bearer canary'],
    ['npx', 'mcp-remote', 'https://host.example/mcp?api_key=canary'],
    ['server', '--url=https://user:canary@host.example/'],
    ['server', 'X-Api-Key: canary'],
  ];
  for (const command of hidden) {
    it(`hides the secret in ${command.join(' ')}`, () => {
      const line = shown(...command);
      expect(line).not.to.include('canary');
      expect(line.split(' ')[0]).to.equal(command[0]);
    });
  }

  it('names a secret that is left out, so that the words keep their places', () => {
    const dropping = createRedactor({ replacement: 'drop' });
    expect(commandLine(['run', '--token', 'canary', 'x'], dropping)).to.equal('run --token [REDACTED] x');
    expect(commandLine(['run', 'TOKEN=canary'], dropping)).to.equal('run TOKEN=[REDACTED]');
  });

  it('judges a value whose name is no secret by itself', () => {
    expect(shown('run', '--env', 'TOKEN=canary', '--level', 'x')).to.equal(
      'run --env TOKEN=[REDACTED] --level x',
    );
    expect(shown('run', '/token', 'canary', '/v')).to.equal('run /token [REDACTED] /v');
  });

  it('quotes what holds spaces', () => {
    expect(shown('my server', '', 'a"b')).to.equal('"my server" "" "a\\"b"');
  });
});
