import { peek, peekText } from '../internal/peek.js';

/** Where a request that needs no handshake says its revision of the protocol. */
const REVISION = 'io.modelcontextprotocol/protocolVersion';

/** What `Mcp-Name` repeats, by method (revision 2026-07-28, transports: standard request headers). */
const NAMED: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
};

/**
 * What HTTP says of a message beside its body. Since revision 2026-07-28 each request names its revision, and its headers repeat that,
 * its method and what it is about; a request of before has the revision that the handshake has agreed on.
 */
export function messageHeaders(message: object | undefined, agreed: string | undefined): string[] {
  const params = peek(message, 'params');
  const revision = peekText(peek(params, '_meta'), REVISION);
  if (revision === undefined) return agreed === undefined ? [] : ['MCP-Protocol-Version', agreed];
  const method = peekText(message, 'method') ?? '';
  const field = Object.hasOwn(NAMED, method) ? NAMED[method] : undefined;
  const name = field === undefined ? undefined : peek(params, field);
  return [
    ...['MCP-Protocol-Version', fieldValue(revision), 'Mcp-Method', fieldValue(method)],
    ...(typeof name === 'string' ? ['Mcp-Name', fieldValue(name)] : []),
  ];
}

const PLAIN = /^(?! )[\x20-\x7e]+(?<! )$/;

/** A text as it may stand in a header: what may not is in base64, as that revision spells it. */
function fieldValue(text: string): string {
  const isPlain = PLAIN.test(text) && !(text.startsWith('=?base64?') && text.endsWith('?='));
  return isPlain ? text : `=?base64?${Buffer.from(text).toString('base64')}?=`;
}
