// The TypeScript SDK as a client that is told by nobody but the gateway where tokens come from.
//
//   node signing_in.cjs URL machine ISSUER   has a name and a secret at the provider
//   node signing_in.cjs URL person           registers itself, and has a person sign in: this script
//
// It says as JSON which tools it saw and what was asked of the provider on the way.
'use strict';

const { Client } = require('@modelcontextprotocol/sdk/client/index.js');
const { StreamableHTTPClientTransport } = require('@modelcontextprotocol/sdk/client/streamableHttp.js');
const { ClientCredentialsProvider } = require('@modelcontextprotocol/sdk/client/auth-extensions.js');

const [url, mode, expectedIssuer] = process.argv.slice(2);
const asked = [];

// What the SDK asks for on the way to its token.
async function noted(input, init) {
  asked.push(new URL(input).pathname);
  return fetch(input, init);
}

// A person at a browser: follows redirects, keeps cookies, fills the two forms of the provider.
async function signIn(address) {
  const cookies = new Map();
  const open = async (at, form) => {
    const response = await fetch(at, {
      redirect: 'manual',
      method: form ? 'POST' : 'GET',
      body: form && new URLSearchParams(form),
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = cookie.match(/^([^=]+)=([^;]*)/);
      if (value) cookies.set(name, value);
      else cookies.delete(name);
    }
    return response;
  };
  let at = new URL(address);
  let form;
  for (let step = 0; step < 20; step += 1) {
    const response = await open(at, form);
    form = undefined;
    const to = response.headers.get('location');
    if (to) {
      at = new URL(to, at);
      if (at.pathname === '/callback') return at.searchParams.get('code');
      continue;
    }
    const page = await response.text();
    const prompt = page.match(/name="prompt" value="([a-z]+)"/);
    if (!prompt) throw new Error(`no form at ${at}: ${response.status} ${page.slice(0, 300)}`);
    form = prompt[1] === 'login' ? { prompt: 'login', login: 'ada', password: 'x' } : { prompt: prompt[1] };
    at = new URL(page.match(/action="([^"]+)"/)[1], at);
  }
  throw new Error('signing in leads nowhere');
}

class Person {
  redirectUrl = 'http://127.0.0.1/callback';
  clientMetadata = {
    client_name: 'signing-in',
    redirect_uris: [this.redirectUrl],
    grant_types: ['authorization_code'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    application_type: 'native',
  };
  clientInformation() { return this.client; }
  saveClientInformation(client) { this.client = client; }
  tokens() { return this.held; }
  saveTokens(tokens) { this.held = tokens; }
  saveCodeVerifier(verifier) { this.verifier = verifier; }
  codeVerifier() { return this.verifier; }
  async redirectToAuthorization(address) {
    this.asked = Object.fromEntries(address.searchParams);
    this.code = await signIn(address);
  }
}

async function main() {
  const authProvider = mode === 'machine'
    ? new ClientCredentialsProvider({
      clientId: 'machine-RS256',
      clientSecret: 'a-secret-of-the-machine',
      scope: 'mcp:read mcp:write',
      expectedIssuer,
    })
    : new Person();
  const transport = () => new StreamableHTTPClientTransport(new URL(url), { authProvider, fetch: noted });
  const client = () => new Client({ name: 'signing-in', version: '1.0.0' });
  let connected = client();
  const first = transport();
  try {
    await connected.connect(first);
  } catch (error) {
    if (!authProvider.code) throw error;
    await first.finishAuth(authProvider.code);
    connected = client();
    await connected.connect(transport());
  }
  const { tools } = await connected.listTools();
  const { content } = await connected.callTool({ name: 'up__write', arguments: {} });
  await connected.close();
  const paths = asked.filter((path, at) => asked.indexOf(path) === at);
  const { resource, scope } = authProvider.asked ?? {};
  console.log(JSON.stringify({ tools: tools.map(({ name }) => name), paths, resource, scope, text: content[0].text }));
}

main().then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
