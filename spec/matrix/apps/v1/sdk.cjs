module.exports = {
  ...require('@modelcontextprotocol/sdk/client/index.js'),
  ...require('@modelcontextprotocol/sdk/inMemory.js'),
  ...require('@modelcontextprotocol/sdk/server/mcp.js'),
};
