// What the suite is told of the guarded API of site.fixture.mjs.

/** The participants that the suite plays around a resource. */
export const playedAroundResource = [
  'agentServer',
  'otherAgentServer',
  'authServer',
  'otherAuthServer',
  'downstream',
  'oauthServer',
]

/** Signature algorithms that its callers may use. */
export const algorithms = ['Ed25519', 'ES256', 'ES384', 'PS512']

/** The routes of that API. */
export const siteRoutes = [
  'anonymous GET /public',
  'pseudonymous GET /feed',
  'pseudonymous POST /notes',
  'identified GET /agenda',
  'identified POST /agenda',
  'authorized GET /events scope events.read',
  'authorized POST /events scope events.write',
]

const limit = { count: 6, seconds: 60 }

/** Its routes that are special. */
export const specialRoutes = [
  { route: 'anonymous GET /public-limited', limit },
  { route: 'pseudonymous GET /feed-limited', limit },
  { route: 'identified GET /agenda-limited', limit },
  { route: 'identified POST /agenda-limited', limit },
  { route: 'authorized GET /events-limited scope events.read', limit },
  { route: 'pseudonymous GET /signed-more', components: ['accept-language'] },
  { route: 'pseudonymous POST /uploads', stream: true },
  { route: 'identified GET /closed', denies: true },
  { route: 'pseudonymous POST /failing', fails: true },
  {
    route: 'authorized GET /items scope events.read',
    answer: '{"items":[{"id":1,"title":"a"},{"id":2,"title":"b"}],"next":null,"total":1.5}',
    answerHeaders: ['etag', 'x-total', 'link'],
  },
  { route: 'authorized GET /lost scope events.read', error: true, answerHeaders: ['etag', 'x-total', 'link'] },
  { route: 'authorized GET /motto scope events.read', text: true },
  { route: 'authorized GET /hop scope events.read', calls: true },
  { route: 'authorized GET /files scope events.read', oauth: true },
  'authorized GET /mine scope email',
  { route: 'authorized POST /invitations scope events.write', operation: 'invite' },
  {
    route: 'authorized POST /payments scope events.write',
    operation: 'pay',
    approve: true,
    body: '{"amount":5,"to":"tea"}',
  },
  { route: 'authorized POST /transfers?to=tea scope events.write', operation: 'pay', approve: true },
  { route: 'authorized POST /cancellations scope events.write', operation: 'cancel', approve: true },
]

/** Its routes whose answers stay open, where it runs on Node. */
export const lastingRoutes = [{ route: 'authorized GET /ticks scope events.read', lasts: true, sockets: true }]

/** Its routes that take bearer tokens, too, where it has CORS. */
export const bearerRoutes = [{ route: 'identified GET /shared', bearer: true }]

/** Its MCP server, where it runs on Node. */
export const siteMcp = {
  target: '/mcp',
  tools: ['identified list', 'authorized add scope events.write'],
  resources: ['identified note://open/one', 'authorized note://closed/two scope events.read'],
  prompts: ['identified greeting', 'authorized farewell scope events.read'],
  slow: 'authorized wait scope events.read',
  shows: 'authorized show scope events.read',
  calls: 'authorized hop scope events.read',
  open: '/mcp-open',
}

/** Its MCP server of revision 2026-07-28, where it runs on Node. */
export const siteStatelessMcp = {
  target: '/mcp-stateless',
  tools: ['identified list', 'authorized add scope events.write'],
  resources: ['identified note://open/one', 'authorized note://closed/two scope events.read'],
  asks: 'identified ask',
  task: 'authorized report scope events.read',
  approves: 'authorized cancel scope events.write',
  mirrors: 'identified pick',
  calls: 'authorized hop scope events.read',
  subscriptions: 3,
}

/** The configuration of the suite for it, on one of its adapters. */
export function siteOffers(adapter, participants) {
  const routes = [...siteRoutes, ...specialRoutes, ...(adapter === 'node' ? lastingRoutes : [])]
  return {
    participants,
    routes,
    algorithms,
    ...(adapter === 'node' && { mcp: siteMcp, statelessMcp: siteStatelessMcp }),
  }
}
