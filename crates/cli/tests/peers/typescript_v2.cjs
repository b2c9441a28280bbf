// The second TypeScript SDK, which knows both eras and tries the modern one first if the plan's era is "auto". See
// plan.cjs for arguments and output.
'use strict';

const { Client, StreamableHTTPClientTransport } = require('@modelcontextprotocol/client');
const shared = require('./plan.cjs');

const MODES = { legacy: 'legacy', auto: 'auto', modern: { pin: '2026-07-28' } };

const main = async () => {
  const client = new Client(
    { name: 'typescript-v2', version: '1.0.0' },
    {
      capabilities: shared.capabilities,
      versionNegotiation: { mode: MODES[shared.plan.era] },
    },
  );
  if (shared.plan.answers) {
    client.setRequestHandler('elicitation/create', shared.elicited);
    client.setRequestHandler('sampling/createMessage', shared.sampled);
  }

  await client.connect(new StreamableHTTPClientTransport(shared.url));
  await shared.run(client, () => client.getNegotiatedProtocolVersion());
};

main().catch(shared.fail);
