const { Client, InMemoryTransport } = require('@modelcontextprotocol/client');
const { McpServer } = require('@modelcontextprotocol/server');

module.exports = { Client, InMemoryTransport, McpServer };
