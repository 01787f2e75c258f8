// What our own auth server is started with to be judged, and what the suite is told of it.
import { fileURLToPath } from 'node:url'

/** The participants that the suite plays around an auth server. */
export const playedAroundAuthServer = [
  'agentServer',
  'otherAgentServer',
  'resource',
  'otherResource',
  'upstreamAuthServer',
  'middle',
]

const [read, write, erase, call] = ['read', 'write', 'erase', 'call'].map(name => `conformance.${name}`)

/** What the operator demands at the other resource: it ends with the year 2099. */
const demanded = [
  { type: 'calls', max: 2, per: 'grant' },
  { type: 'until', time: 4_102_444_800 },
]

/** Settings of `countersign auth-server` beside where it listens and keeps its data. */
export function authServerSettings(id, participants) {
  const idOf = name => `http://localhost:${participants[name].port}`
  const [agent, resource, middle] = [idOf('agentServer'), idOf('resource'), idOf('middle')]
  const rules = [idOf('upstreamAuthServer'), id].flatMap(upstream => {
    const path = { upstream, middle, downstream: resource, upstreamScopes: [call] }
    return [
      { ...path, scopes: [read], decision: 'direct' },
      { ...path, scopes: [write], decision: 'consent' },
    ]
  })
  return {
    grants: [
      { agent, delegates: 'any', resource, scopes: [read, 'conformance.list'] },
      { agent: middle, resource, scopes: [read] },
    ],
    ask: [
      { agents: 'any', resources: [resource], scopes: [write, erase] },
      { agents: 'any', resources: [middle], scopes: [call] },
      { agents: 'any', resources: [idOf('otherResource')], scopes: [write, 'conformance.list'], conditions: demanded },
      { agents: 'any', resources: ['self'] },
    ],
    deviceFlow: [agent],
    exchange: { rules },
    demoUsers: [{ name: 'Ada', email: 'ada@demo.example' }, { name: 'Grace' }],
    // One network asks for all pages.
    pagesPerMinute: 100_000,
  }
}

/** The configuration of the suite for it. */
export function authServerOffers(participants, history = '/account/approvals') {
  const program = fileURLToPath(new URL('user.fixture.mjs', import.meta.url))
  const words = ['{url}', '{decision}', '{code}', '{user}', '{choose}', '{wait}', '{task}']
  const user = {
    command: [process.execPath, program, ...words],
    inbox: history,
    account: '/account',
    history,
    stops: true,
    narrows: true,
  }
  const scopes = { consentScope: write, graveScope: erase, exchangeScope: call }
  return { participants, ...scopes, signIn: true, deviceFlow: true, user }
}
