// What `countersign gateway` is started with to be judged, what stands behind it, and what the suite is told of it.
import { createServer } from 'node:http'
import { algorithms, siteRoutes, specialRoutes } from './site-offers.fixture.mjs'

const readRoutes = [
  { path: '/public', methods: ['GET'], level: 'anonymous' },
  { path: '/feed', methods: ['GET'], level: 'pseudonymous' },
  { path: '/agenda', methods: ['GET'], level: 'identified' },
  { path: '/events', methods: ['GET'], scope: 'events.read' },
]

const writeRoutes = [
  { path: '/notes', methods: ['POST'], level: 'pseudonymous' },
  { path: '/agenda', methods: ['POST'], level: 'identified' },
  { path: '/events', methods: ['POST'], scope: 'events.write' },
]

/** Routes with limits, words, conditions and approvals; the upstream answers them in its own way. */
const specials = [
  { path: '/public-limited', methods: ['GET'], level: 'anonymous', limits: { anonymous: '6/min' } },
  { path: '/feed-limited', methods: ['GET'], level: 'pseudonymous', limits: { pseudonymous: '6/min' } },
  { path: '/agenda-limited', methods: ['GET', 'POST'], level: 'identified', limits: { identified: '6/min' } },
  { path: '/events-limited', methods: ['GET'], scope: 'events.read', limits: { authorized: '6/min' } },
  { path: '/closed', methods: ['GET'], level: 'identified', agents: ['https://nobody.example'] },
  { path: '/failing', methods: ['POST'], level: 'pseudonymous' },
  { path: '/items', methods: ['GET'], scope: 'events.read' },
  { path: '/lost', methods: ['GET'], scope: 'events.read' },
  { path: '/motto', methods: ['GET'], scope: 'events.read' },
  { path: '/mine', methods: ['GET'], scope: 'email' },
  { path: '/invitations', methods: ['POST'], scope: 'events.write', operation: 'invite' },
  {
    path: '/payments',
    methods: ['POST'],
    scope: 'events.write',
    operation: 'pay',
    approve: true,
    describe: 'Pay {body/amount} to {body/to}',
  },
  {
    path: '/transfers',
    methods: ['POST'],
    scope: 'events.write',
    operation: 'pay',
    approve: true,
    describe: 'Pay {query/to}',
  },
  { path: '/cancellations', methods: ['POST'], scope: 'events.write', operation: 'cancel', approve: true },
]

/** Which of the special routes a gateway offers: what it passes on is not its own. */
const gatewaySpecials = specialRoutes.filter(
  one => !/\/signed-more|\/uploads|\/hop|\/files/.test(typeof one === 'string' ? one : one.route),
)

const call = name => JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: {} } })

/** Tools behind one path: the body of a request says what it needs. */
const tools = {
  note: { level: 'pseudonymous' },
  plan: { level: 'identified' },
  write: { scope: 'events.write' },
}

/** Starts what stands behind the gateway: it answers everything, as an API or as an MCP server. @returns its port */
export async function startUpstream() {
  const upstream = createServer((request, response) =>
    request.resume().on('end', () => {
      const {
        answer,
        error,
        text,
        answerHeaders = [],
      } = specialRoutes.find(one => one.route?.includes(` ${request.url} `)) ?? {}
      const failing = request.url === '/failing' ? { 'agent-auth': 'httpsig', 'retry-after': '1' } : {}
      const told = Object.fromEntries(answerHeaders.map(name => [name, '"x"']))
      const type = { 'content-type': text ? 'text/plain' : 'application/json' }
      response.writeHead(error ? 404 : request.url === '/failing' ? 503 : 200, { ...type, ...failing, ...told })
      const words = error ? '{"hint":"it was moved"}' : text ? 'Tea first' : '{"jsonrpc":"2.0","id":1,"result":{}}'
      response.end(answer ?? words)
    }),
  )
  await new Promise(resolve => upstream.listen(0, '127.0.0.1', resolve))
  upstream.unref()
  return upstream.address().port
}

/** The MCP server behind one path for all, and behind another one for the delegates of one agent server. */
function mcpRoutes({ agentServer, authServer }) {
  const { plan, write } = tools
  const [own, denied] = [agentServer, authServer].map(({ port }) => `http://localhost:${port}`)
  const meet = { ...plan, agents: [own, denied] }
  return [
    { path: '/mcp', mcp: { tools } },
    {
      path: '/mcp-closed',
      level: 'identified',
      agents: [own],
      deny: { agents: [denied] },
      mcp: { tools: { plan, write, meet } },
    },
  ]
}

/** Settings of `countersign gateway` beside where it listens and keeps its data. */
export function gatewaySettings(kind, { participants, upstream }) {
  return {
    upstream: `http://127.0.0.1:${upstream}`,
    authServer: `http://localhost:${participants.authServer.port}`,
    scopes: { 'events.read': 'See your events', 'events.write': 'Change your events' },
    purposes: { support: 'Help users', billing: 'Send bills' },
    operations: { invite: 'Invite guests', pay: 'Pay', cancel: 'Cancel all events' },
    routes: [...readRoutes, ...(kind === 'plain' ? [...writeRoutes, ...specials] : mcpRoutes(participants))],
  }
}

/** The configuration of the suite for it. */
export function gatewayOffers(kind, participants) {
  const calls = [
    { route: 'pseudonymous POST /mcp', body: call('note') },
    { route: 'identified POST /mcp', body: call('plan') },
    { route: 'authorized POST /mcp scope events.write', body: call('write') },
  ]
  const reads = siteRoutes.filter(route => route.includes(' GET '))
  return {
    participants,
    algorithms,
    routes: kind === 'plain' ? [...siteRoutes, ...gatewaySpecials] : [...reads, ...calls],
    ...(kind === 'mcp' && {
      closedMcp: {
        target: '/mcp-closed',
        tools: ['identified plan', 'authorized write scope events.write'],
        denies: 'identified meet',
      },
    }),
  }
}
