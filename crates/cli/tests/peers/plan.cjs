// What the TypeScript clients have in common: the plan they are given, and what they say of it.
//
//   node <client>.cjs URL PLAN     PLAN: {"era": "legacy"|"modern"|"auto", "answers": true|false,
//                                         "transport": "sse" for the one of 2024-11-05,
//                                         "calls": [{"name", "arguments"}]}
//
// A client that answers declares elicitation and sampling, and accepts whatever it is asked.
// One line of JSON is printed: {"revision", "server", "tools": [...], "results": [...]}, the results in the order of
// the calls. A call that the server refuses is {"error": {"code", "message"}}; anything else that fails ends the
// process with an error.
'use strict';

const [url, plan] = process.argv.slice(2);

exports.url = new URL(url);
exports.plan = JSON.parse(plan);

// What the client answers when a server asks it back.
exports.capabilities = exports.plan.answers ? { elicitation: {}, sampling: {} } : {};
exports.elicited = () => ({ action: 'accept', content: { username: 'ada', email: 'ada@example.com' } });
exports.sampled = () => ({ role: 'assistant', model: 'none', content: { type: 'text', text: 'Paris' } });

// Lists every page of tools, makes the calls one after the other, and says what came.
exports.run = async (client, revision) => {
  const tools = [];
  let cursor;
  do {
    const page = await client.listTools(cursor === undefined ? undefined : { cursor });
    tools.push(...page.tools.map((tool) => tool.name));
    cursor = page.nextCursor;
  } while (cursor !== undefined);

  const results = [];
  for (const call of exports.plan.calls) {
    try {
      results.push(await client.callTool(call));
    } catch (error) {
      if (typeof error.code !== 'number') throw error;
      results.push({ error: { code: error.code, message: error.message } });
    }
  }
  const server = client.getServerVersion()?.name ?? null;
  console.log(JSON.stringify({ revision: revision(), server, tools, results }));
  await client.close();
};

exports.fail = (error) => {
  console.error(error);
  process.exit(1);
};
