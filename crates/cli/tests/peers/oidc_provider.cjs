// A real OpenID provider, `oidc-provider`, for tests of tokens: it listens on a free port of the
// loopback and says where. What tests change of it is asked for below `/test/`.
//
//   /test/rotate      signs with a new key from now on, and publishes that alone
//   /test/ttl/SECONDS how long tokens hold that are made from now on
//   /test/away        answers nobody any more but `/test/`; /test/back takes that back
'use strict';

const crypto = require('node:crypto');
const http = require('node:http');
const { Provider } = require('oidc-provider');

let ttl = 3600;
let away = false;
let serve;
let issuer;

function key(type, options, alg) {
  const { privateKey } = crypto.generateKeyPairSync(type, options);
  const kid = crypto.randomBytes(8).toString('hex');
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg, kid };
}

function provider() {
  const keys = [
    key('rsa', { modulusLength: 2048 }, 'RS256'),
    key('ec', { namedCurve: 'P-256' }, 'ES256'),
    key('ed25519', {}, 'EdDSA'),
  ];
  const made = new Provider(issuer, {
    jwks: { keys },
    cookies: { keys: ['only-for-tests'] },
    scopes: ['openid', 'offline_access', 'mcp:read', 'mcp:write'],
    clients: ['RS256', 'ES256', 'EdDSA'].map((alg) => ({
      client_id: `machine-${alg}`,
      client_secret: 'a-secret-of-the-machine',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    })),
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: true },
      registration: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (ctx, resource, client) => ({
          scope: 'mcp:read mcp:write',
          audience: resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: ttl,
          jwt: { sign: { alg: client.clientId.startsWith('machine-') ? client.clientId.slice(8) : 'RS256' } },
        }),
      },
    },
    findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  });
  return made.callback();
}

function control(path) {
  const [what, value] = path.split('/');
  if (what === 'rotate') serve = provider();
  else if (what === 'ttl') ttl = Number(value);
  else if (what === 'away') away = true;
  else if (what === 'back') away = false;
  else return false;
  return true;
}

const server = http.createServer((request, response) => {
  if (request.url.startsWith('/test/')) {
    response.writeHead(control(request.url.slice(6)) ? 204 : 404).end();
  } else if (away) {
    request.socket.destroy();
  } else {
    if (request.url === '/jwks') console.log('the keys are fetched');
    serve(request, response);
  }
});

server.listen(0, '127.0.0.1', () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  serve = provider();
  console.log(`listening on ${issuer}`);
});

// It ends with its test, however that ends.
process.stdin.on('end', () => process.exit(0)).resume();
