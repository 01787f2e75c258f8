import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { codes, createAgentServer } from '@countersign/agent-server'
import { askUsers, createAuthServer, directGrants, firstOf } from '@countersign/auth-server'
import { createGateway } from '@countersign/gateway'
import type { ReceivedMessage } from '@countersign/httpsig'
import { guardMcp } from '@countersign/mcp'
import { redisReplaySet } from '@countersign/redis'
import { redisEventBus } from '@countersign/redis/mcp'
import { redisCounter, redisInteractions, redisRevocationSet } from '@countersign/redis/resource'
import { createResource, display, type Guarded, type Requirement, type Resource } from '@countersign/resource'
import { epochFile, keysFile, type Participant, serve } from '@countersign/server'
import { demoUsers, userDesk } from '@countersign/user-desk'
import { passkeys } from '@countersign/user-desk/passkeys'
import { McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'
import type { InstanceSettings, Role } from './many-instances.fixture.js'

// One instance of each participant in one process: what instances share is in PostgreSQL and Redis alone.

const settings = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as InstanceSettings
const { ids, ports, redis } = settings
const development = true

const keysOf = (role: Role) => keysFile(join(settings.keys, `${role}.json`), { missing: 'refuse' })
const databaseOf = (role: Role): string => settings.database.replace('/test?', `/${role}?`)
const epochOf = (role: Role) => epochFile(`${settings.own}${role}.epoch.json`)
const inRedis = (role: Role, what: string) => ({ url: redis, prefix: `${what}:${role}`, deadline: 3 })
const replayOf = (role: Role) => redisReplaySet(inRedis(role, 'replay'))

async function sharedOf(role: Role) {
  const [replay, counter, revocations] = await Promise.all([
    replayOf(role),
    redisCounter(inRedis(role, 'count')),
    redisRevocationSet(inRedis(role, 'revoked')),
  ])
  return { replay, counter, revocations }
}

function open(role: Role, participant: Participant): Promise<unknown> {
  const where = { id: ids[role], port: ports[role], participant, development, signals: false }
  return serve({ name: role, ...where, level: 'error', announce: () => undefined, bodyLimit: 1_048_576 })
}

async function agentServer(): Promise<Participant> {
  const server = await createAgentServer({
    id: ids.app,
    keys: await keysOf('app'),
    database: databaseOf('app'),
    epoch: epochOf('app'),
    enrollment: [codes()],
    redirectUris: [`${ids.app}/callback`],
    replay: await replayOf('app'),
    development,
  })
  return {
    ...server,
    // For the test alone: the operator invites with a command.
    handle: async (message: ReceivedMessage) =>
      message.target === '/invite' ? Response.json(await server.invite({})) : server.handle(message),
  }
}

async function firstAuthServer(): Promise<Participant> {
  const { app, calendar, rooms: _, gate, tools, two } = ids
  return createAuthServer({
    issuer: ids.one,
    keys: await keysOf('one'),
    database: databaseOf('one'),
    epoch: epochOf('one'),
    replay: await replayOf('one'),
    deviceFlow: 'any',
    development,
    authTokenLifetime: 12,
    desk: userDesk({
      login: [
        demoUsers([{ name: 'Ada Lovelace' }, { name: 'Grace Hopper' }, { name: 'Mallory' }]),
        passkeys({ accounts: 'open' }),
      ],
    }),
    policy: firstOf(
      directGrants([{ agent: app, delegates: 'any', resource: calendar, scopes: ['events.read'] }]),
      askUsers([
        { agents: 'any', resources: [calendar, gate, tools] },
        { agents: [two], resources: ['self'], scopes: ['openid'] },
      ]),
    ),
  })
}

async function secondAuthServer(): Promise<Participant> {
  const path = { upstream: ids.one, middle: ids.calendar, downstream: ids.rooms, upstreamScopes: ['events.write'] }
  return createAuthServer({
    issuer: ids.two,
    keys: await keysOf('two'),
    database: databaseOf('two'),
    epoch: epochOf('two'),
    replay: await replayOf('two'),
    development,
    desk: userDesk({ login: [demoUsers([{ name: 'Ada' }, { name: 'Grace' }])] }),
    exchange: { rules: [{ ...path, scopes: ['rooms.book'], decision: 'consent' }] },
  })
}

/** The paths of a resource, each behind a requirement. */
function behind<S extends string>(
  resource: Resource<S>,
  paths: Readonly<Record<string, readonly [Requirement<NoInfer<S>>, (aauth: Guarded) => unknown]>>,
): Participant {
  const declared = new Map(
    Object.entries(paths).map(([path, [requirement, answer]]) => [
      path,
      [resource.declare(requirement), answer] as const,
    ]),
  )
  return {
    async handle(message) {
      const published = await resource.handle(message)
      if (published !== undefined) return published
      const [requirement, answer] = declared.get(message.target) ?? []
      if (requirement === undefined || answer === undefined) return new Response(null, { status: 404 })
      const authorization = await resource.authorize(message, requirement)
      if (!authorization.ok) return authorization.response
      try {
        return Response.json(await answer(authorization.aauth))
      } catch (error) {
        const response = await authorization.respond(error)
        if (response === undefined) throw error
        return response
      }
    },
    ready: () => resource.ready(),
    close: async () => undefined,
  }
}

async function calendar(): Promise<Participant> {
  const resource = createResource({
    id: ids.calendar,
    keys: await keysOf('calendar'),
    authServers: [ids.one],
    development,
    ...(await sharedOf('calendar')),
    scopes: { 'events.read': 'See events', 'events.write': 'Add events', 'mail.send': 'Send mail' },
    operations: { send: 'Send a message' },
    downstream: { acceptAuthServer: [ids.two], sessions: await redisInteractions(inRedis('calendar', 'questions')) },
  })
  return behind(resource, {
    '/events': [{ scope: 'events.read' }, ({ agent, delegate }) => ({ agent, delegate })],
    '/write': [{ scope: 'events.write' }, ({ user }) => ({ user: user?.sub })],
    '/bookings': [{ scope: 'events.write' }, async aauth => (await aauth.fetch(`${ids.rooms}/book`)).json()],
    '/once': [{ level: 'pseudonymous' }, () => ({ done: true })],
    '/limited': [{ level: 'pseudonymous', limits: { pseudonymous: '5/hour' } }, () => ({ done: true })],
    '/messages': [
      {
        scope: 'mail.send',
        operation: 'send',
        approve: true,
        describe: request => display`Send ${(request.json() as { subject: string }).subject}`,
      },
      () => ({ sent: true }),
    ],
  })
}

async function rooms(): Promise<Participant> {
  const resource = createResource({
    id: ids.rooms,
    keys: await keysOf('rooms'),
    authServers: [ids.two],
    development,
    ...(await sharedOf('rooms')),
    scopes: { 'rooms.book': 'Book rooms in your name' },
  })
  return behind(resource, {
    '/book': [{ scope: 'rooms.book' }, ({ agent, user, issuer }) => ({ agent, issuer, user: user?.sub })],
  })
}

async function gateway(): Promise<Participant> {
  const resource = createResource({
    id: ids.gate,
    keys: await keysOf('gate'),
    authServers: [ids.one],
    development,
    ...(await sharedOf('gate')),
    scopes: { 'api.use': 'Use the API' },
  })
  return createGateway({
    resource,
    upstream: settings.upstream,
    routes: [
      { path: '/orders', requirement: { scope: 'api.use' } },
      { path: '/open', requirement: { level: 'pseudonymous' } },
    ],
  })
}

async function mcpServer(): Promise<Participant> {
  const resource = createResource({
    id: ids.tools,
    keys: await keysOf('tools'),
    authServers: [ids.one],
    development,
    ...(await sharedOf('tools')),
    scopes: { 'tools.pay': 'Pay in your name' },
  })
  const participant = guardMcp(() => toolServer(() => participant.notify.resourceUpdated('note://1')), resource, {
    session: { level: 'identified' },
    tools: { pay: { scope: 'tools.pay' }, '*': { level: 'identified' } },
    resources: { 'note://*': { level: 'identified' } },
    bus: await redisEventBus(inRedis('tools', 'mcp')),
  })
  return participant
}

function toolServer(touch: () => void): McpServer {
  const server = new McpServer({ name: 'tools', version: '1' }, { capabilities: { resources: { subscribe: true } } })
  const done = { content: [{ type: 'text' as const, text: 'done' }] }
  const task = (taskId: string) => ({ taskId, status: 'working', createdAt: '', lastUpdatedAt: '', ttlMs: null })
  server.registerTool('pay', {}, async () => done)
  server.registerTool('touch', {}, async () => {
    touch()
    return done
  })
  server.registerTool('report', {}, async () => ({ content: [], resultType: 'task', ...task('report 1') }))
  server.registerResource('note', 'note://1', {}, async () => ({ contents: [{ uri: 'note://1', text: 'a note' }] }))
  server.server.setRequestHandler('tasks/get', { params: z.object({ taskId: z.string() }) }, async ({ taskId }) => ({
    resultType: 'complete',
    ...task(taskId),
  }))
  return server
}

const starting: Readonly<Record<Role, () => Promise<Participant>>> = {
  app: agentServer,
  one: firstAuthServer,
  two: secondAuthServer,
  calendar,
  rooms,
  gate: gateway,
  tools: mcpServer,
}
for (const [role, start] of Object.entries(starting)) {
  const participant = await start()
  await open(role as Role, participant)
  await participant.ready?.()
}
process.stdout.write('all are ready\n')
process.on('SIGTERM', () => process.exit(0))
