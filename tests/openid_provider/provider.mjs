// The OpenID provider that tests log in through: npm oidc-provider (a certified implementation) with people, a login
// page, and a control address by which a test changes claims, revokes, and breaks things.
// node provider.mjs NODE_MODULES, with {port, client, people} as JSON on standard input; says its issuer when it listens.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';

const { Provider } = await import(pathToFileURL(join(process.argv[2], 'oidc-provider/lib/index.js')));
const settings = JSON.parse(await text(process.stdin));
const issuer = `http://127.0.0.1:${settings.port}`;
const people = new Map(Object.entries(settings.people)); // login name -> claims, "sub" among them
const faults = new Map(); // path, or "*" -> {status, body, type, delay, hang}
const counts = {}; // path -> number of requests
const stored = new Map(); // everything the provider keeps

class Store {
  constructor(model) { this.model = model; }
  key(id) { return `${this.model}:${id}`; }
  async upsert(id, payload, seconds) {
    stored.set(this.key(id), payload);
    if (seconds) setTimeout(() => stored.get(this.key(id)) === payload && stored.delete(this.key(id)), seconds * 1000).unref();
  }
  async find(id) { return stored.get(this.key(id)); }
  async findByUid(uid) { return [...stored.values()].find((kept) => kept.uid === uid && kept.kind === this.model); }
  async findByUserCode() { return undefined; }
  async consume(id) { stored.get(this.key(id)).consumed = Math.floor(Date.now() / 1000); }
  async destroy(id) { stored.delete(this.key(id)); }
  async revokeByGrantId(id) { forget((kept) => kept.grantId === id); }
}

function forget(which) {
  for (const [key, kept] of stored) if (which(kept)) stored.delete(key);
}

const subject = (sub) => [...people.values()].find((claims) => claims.sub === sub);
const names = [...new Set([...people.values()].flatMap(Object.keys).concat(settings.claims))].filter((n) => n !== 'sub');
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

const provider = new Provider(issuer, {
  adapter: Store,
  clients: [{ ...settings.client, grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] }],
  // As at EGI Check-in: claims are in userinfo, not in the ID token.
  claims: { openid: ['sub', ...names] },
  scopes: ['openid', 'offline_access', 'profile', 'email', ...settings.scopes],
  findAccount: (_, sub) => subject(sub) && { accountId: sub, claims: async () => subject(sub) },
  issueRefreshToken: async () => settings.refresh_tokens,
  // A refresh token is good once; used again it looks stolen, and everything that came of the login is revoked.
  rotateRefreshToken: true,
  pkce: { required: () => true },
  cookies: { keys: [randomBytes(16).toString('hex')] },
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' }] },
  features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true } },
  interactions: { url: (_, interaction) => `/login/${interaction.uid}` },
  // Nobody is asked for consent: this provider belongs to the facility.
  loadExistingGrant: async (ctx) => {
    const grant = new provider.Grant({ accountId: ctx.oidc.session.accountId, clientId: ctx.oidc.client.clientId });
    grant.addOIDCScope(ctx.oidc.params.scope);
    await grant.save();
    return grant;
  },
  ttl: { AccessToken: settings.token_seconds, IdToken: 600, Interaction: 600, Session: 3600, Grant: 3600, RefreshToken: 3600 },
});
provider.on('server_error', (_, error) => console.error(error));

const page = `<!doctype html><meta charset="utf-8"><title>Log in</title><h1>Facility login</h1>
<form method="post"><input name="login" aria-label="Name" autofocus required><button>Log in</button></form>`;

async function login(request, response) {
  if (request.method === 'GET') {
    response.setHeader('Content-Type', 'text/html').end(page);
    return;
  }
  const name = new URLSearchParams(await text(request)).get('login');
  const claims = people.get(name);
  if (claims) {
    await provider.interactionFinished(request, response, { login: { accountId: claims.sub } });
  } else {
    response.writeHead(401, { 'Content-Type': 'text/plain' }).end('Nobody of this name.');
  }
}

// POST /control with a JSON object; every key is optional.
async function control(request, response) {
  const order = JSON.parse((await text(request)) || '{}');
  for (const [name, claims] of Object.entries(order.people ?? {})) {
    if (claims === null) people.delete(name); else people.set(name, claims);
  }
  for (const sub of order.revoke ?? []) forget((kept) => kept.accountId === sub);
  for (const [path, fault] of Object.entries(order.faults ?? {})) {
    if (fault === null) faults.delete(path); else faults.set(path, fault);
  }
  response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ people: Object.fromEntries(people), counts }));
}

const pause = (seconds) => new Promise((resolve) => { setTimeout(resolve, seconds * 1000); });
const answer = provider.callback();

createServer(async (request, response) => {
  const { pathname } = new URL(request.url, issuer);
  if (pathname === '/control') return control(request, response);
  counts[pathname] = (counts[pathname] ?? 0) + 1;
  const fault = faults.get(pathname) ?? faults.get('*') ?? {};
  if (fault.hang) return undefined;
  if (fault.delay) await pause(fault.delay);
  if (fault.status) return response.writeHead(fault.status, { 'Content-Type': fault.type }).end(fault.body);
  return pathname.startsWith('/login/') ? login(request, response) : answer(request, response);
}).listen(settings.port, '127.0.0.1', () => console.log(issuer));
