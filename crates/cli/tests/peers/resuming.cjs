// The first TypeScript SDK, whose connection breaks in the middle of a call: it comes again with the
// last event it saw. Arguments: the address, the tool. It prints what it hears, a line each.
'use strict';

const { Client } = require('@modelcontextprotocol/sdk/client/index.js');
const { StreamableHTTPClientTransport } = require('@modelcontextprotocol/sdk/client/streamableHttp.js');

const [address, name] = process.argv.slice(2);

const main = async () => {
  const client = new Client({ name: 'resuming', version: '1.0.0' }, { capabilities: {} });
  const transport = new StreamableHTTPClientTransport(new URL(address));
  await client.connect(transport);
  const answer = await client.callTool({ name, arguments: {} }, undefined, {
    onprogress: ({ progress }) => console.log(`progress ${progress}`),
    timeout: 30000,
  });
  console.log(`answer ${answer.content[0].text}`);
  await client.close();
};

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
