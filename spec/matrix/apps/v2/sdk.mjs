export { Client, InMemoryTransport } from '@modelcontextprotocol/client';
export { McpServer } from '@modelcontextprotocol/server';
