// The first TypeScript SDK, which knows the legacy revisions only. See plan.cjs for arguments and output.
'use strict';

const { Client } = require('@modelcontextprotocol/sdk/client/index.js');
const { StreamableHTTPClientTransport } = require('@modelcontextprotocol/sdk/client/streamableHttp.js');
const { SSEClientTransport } = require('@modelcontextprotocol/sdk/client/sse.js');
const { CreateMessageRequestSchema, ElicitRequestSchema } = require('@modelcontextprotocol/sdk/types.js');
const shared = require('./plan.cjs');

const main = async () => {
  const client = new Client(
    { name: 'typescript-v1', version: '1.0.0' },
    { capabilities: shared.capabilities },
  );
  if (shared.plan.answers) {
    client.setRequestHandler(ElicitRequestSchema, shared.elicited);
    client.setRequestHandler(CreateMessageRequestSchema, shared.sampled);
  }

  const isOld = shared.plan.transport === 'sse';
  const Transport = isOld ? SSEClientTransport : StreamableHTTPClientTransport;
  const transport = new Transport(shared.url);
  await client.connect(transport);
  // The old transport does not tell.
  await shared.run(client, () => (isOld ? null : transport.protocolVersion));
};

main().catch(shared.fail);
