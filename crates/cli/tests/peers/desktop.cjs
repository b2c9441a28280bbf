// What a desktop client does with its configuration file, without its windows: starts or calls the server that an entry
// names, by the first TypeScript SDK.
// Usage: node desktop.cjs FILE KEY NAME. Prints as JSON the server's name and its tools.
'use strict';

const fs = require('node:fs');
const { Client } = require('@modelcontextprotocol/sdk/client/index.js');
const { StdioClientTransport } = require('@modelcontextprotocol/sdk/client/stdio.js');
const { StreamableHTTPClientTransport } = require('@modelcontextprotocol/sdk/client/streamableHttp.js');

const transport = (entry) => {
  const url = entry.url ?? entry.serverUrl ?? entry.httpUrl;
  if (url !== undefined) {
    return new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: entry.headers ?? {} } });
  }
  const [command, ...args] = [entry.command, entry.args ?? []].flat(2);
  return new StdioClientTransport({ command, args, stderr: 'inherit' });
};

const main = async () => {
  const [file, key, name] = process.argv.slice(2);
  const entry = JSON.parse(fs.readFileSync(file, 'utf8'))[key][name];
  const client = new Client({ name: 'desktop', version: '1.0.0' });
  await client.connect(transport(entry));
  const { tools } = await client.listTools();
  console.log(JSON.stringify({ server: client.getServerVersion().name, tools: tools.map((tool) => tool.name) }));
  await client.close();
};

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
