// The participants of the worked messages: real servers without a network, on one clock.
import { createAgentServer } from '@countersign/agent-server'
import { askUsers, createAuthServer, directGrants, firstOf } from '@countersign/auth-server'
import { createDiscovery } from '@countersign/discovery'
import { fromRequest } from '@countersign/httpsig'
import { createResource, display } from '@countersign/resource'
import { userDesk } from '@countersign/user-desk'

export const agentId = 'https://agent.example'
export const calendarId = 'https://calendar.example'
export const roomsId = 'https://rooms.example'
export const doorsId = 'https://doors.example'
export const boardId = 'https://board.example'
export const shopId = 'https://shop.example'
/** Where users come back to the agent. */
export const callback = 'https://app.agent.example/callback'
export const authId = 'https://auth.example'
export const roomsAuthId = 'https://auth.rooms.example'

/**
 * Opens them all. `answer` hands a received message to the server of an origin; `documents` holds what they publish, by URL.
 */
export async function openParticipants(keys, now) {
  const servers = new Map()
  const answer = (origin, message) => servers.get(origin)(message)
  const fetcher = async url => {
    const { host, origin, pathname } = new URL(url)
    const response = await answer(origin, { method: 'GET', target: pathname, headers: [['host', host]] })
    const body = new Uint8Array(await response.arrayBuffer())
    return { status: response.status, contentType: response.headers.get('content-type') ?? '', body }
  }
  const shared = { now, discovery: createDiscovery({ fetcher, now }) }
  const agentServer = await createAgentServer({
    id: agentId,
    keys: [{ kid: 'agent-1', key: keys.agent }],
    database: 'sqlite::memory:',
    now,
    redirectUris: [callback],
  })
  const auth = await authServer(shared, keys)
  const roomsAuth = await roomsAuthServer(shared, keys)
  servers.set(agentId, message => agentServer.handle(message))
  servers.set(authId, message => auth.handle(message))
  servers.set(roomsAuthId, message => roomsAuth.handle(message))
  // Of the calendar's own calls, those that a user must agree to are not written out: it sends them here.
  const fetch = async (input, init) => {
    const request = new Request(input, init)
    return answer(new URL(request.url).origin, await fromRequest(request, { bodyLimit: 65_536 }))
  }
  servers.set(calendarId, guarded(calendar({ ...shared, fetch }, keys), calendarRoutes))
  servers.set(boardId, guarded(board(shared, keys), boardRoutes))
  servers.set(shopId, guarded(shop(shared, keys), shopRoutes))
  servers.set(roomsId, guarded(rooms(shared, keys), roomsRoutes))
  servers.set(doorsId, guarded(doors(shared, keys), doorsRoutes))
  const close = () => Promise.all([agentServer, auth, roomsAuth].map(server => server.close()))
  return { answer, fetcher, agentServer, close }
}

function authServer(shared, keys) {
  const grant = { agent: agentId, delegates: ['phone'], resource: calendarId, scopes: ['events.read'] }
  return createAuthServer({
    ...shared,
    issuer: authId,
    keys: [{ kid: 'auth-1', key: keys.auth }],
    database: 'sqlite::memory:',
    policy: firstOf(
      directGrants([grant]),
      askUsers([
        { agents: [agentId], resources: [calendarId] },
        { agents: [agentId], resources: [shopId], conditions: [{ type: 'calls', max: 10, per: 'day' }] },
      ]),
    ),
    desk: userDesk({ login: [login] }),
    deviceFlow: [agentId],
    exchange: { rules: [toBoard] },
  })
}

/** What the calendar may do at the board for a user, once they agree. */
const toBoard = {
  upstream: authId,
  middle: calendarId,
  downstream: boardId,
  upstreamScopes: ['events.write'],
  scopes: ['notes.write'],
  decision: 'consent',
}

/** Signs every user in as Ada, at once. */
const login = {
  id: 'staff',
  name: 'Staff',
  begin: async ({ callback, state }) => ({ url: `${callback}?state=${state}`, saved: {} }),
  finish: async () => ({ issuer: 'https://staff.example', subject: 'ada', claims: { name: 'Ada' } }),
}

function roomsAuthServer(shared, keys) {
  const toRooms = { upstream: authId, middle: calendarId, downstream: roomsId }
  const toDoors = { upstream: roomsAuthId, middle: roomsId, downstream: doorsId }
  return createAuthServer({
    ...shared,
    issuer: roomsAuthId,
    keys: [{ kid: 'rooms-auth-1', key: keys.roomsAuth }],
    database: 'sqlite::memory:',
    exchange: {
      rules: [
        { ...toRooms, upstreamScopes: ['events.read'], scopes: ['rooms.read'], decision: 'direct' },
        { ...toDoors, upstreamScopes: ['rooms.read'], scopes: ['doors.read'], decision: 'direct' },
      ],
    },
  })
}

function calendar({ fetch, ...shared }, keys) {
  return createResource({
    ...shared,
    id: calendarId,
    keys: [{ kid: 'calendar-1', key: keys.calendar }],
    authServers: [authId],
    scopes: { 'events.read': 'See your events', 'events.write': 'Change your events' },
    // With this it publishes that it is an agent, too. Its calls to the rooms are made and signed by the script, message by message.
    downstream: { acceptAuthServer: [roomsAuthId, authId], fetch },
  })
}

function rooms(shared, keys) {
  return createResource({
    ...shared,
    id: roomsId,
    keys: [{ kid: 'rooms-1', key: keys.rooms }],
    authServers: [roomsAuthId],
    scopes: { 'rooms.read': 'See which rooms are free' },
    downstream: { acceptAuthServer: [roomsAuthId] },
  })
}

function doors(shared, keys) {
  return createResource({
    ...shared,
    id: doorsId,
    keys: [{ kid: 'doors-1', key: keys.doors }],
    authServers: [roomsAuthId],
    scopes: { 'doors.read': 'See which doors are open' },
  })
}

function board(shared, keys) {
  return createResource({
    ...shared,
    id: boardId,
    keys: [{ kid: 'board-1', key: keys.board }],
    authServers: [authId],
    scopes: { 'notes.write': 'Pin notes to the board' },
  })
}

function shop(shared, keys) {
  return createResource({
    ...shared,
    id: shopId,
    keys: [{ kid: 'shop-1', key: keys.shop }],
    authServers: [authId],
    scopes: { orders: 'See and pay your orders', 'orders.cancel': 'Cancel your orders' },
    operations: { list: 'List your orders', pay: 'Pay an order', cancel: 'Cancel an order' },
  })
}

const calendarRoutes = {
  '/holidays': [{ level: 'pseudonymous' }, () => ({ holidays: ['2027-05-17'] })],
  '/agenda': [{ level: 'identified' }, ({ agent, delegate }) => ({ agent, delegate })],
  '/events': [{ scope: 'events.read' }, ({ agent, scope }) => ({ events: ['Chess at eight'], agent, scope })],
  '/events/new': [{ scope: 'events.write' }, ({ agent, user }) => ({ made: true, agent, user })],
  '/events/announce': [
    { scope: 'events.write' },
    async ({ fetch }) => ({ announced: await (await fetch(`${boardId}/notes`, { method: 'POST' })).json() }),
  ],
}

const roomsRoutes = {
  '/rooms': [{ scope: 'rooms.read' }, ({ agent, chain }) => ({ rooms: ['Library'], agent, chain })],
}

const doorsRoutes = {
  '/doors': [{ scope: 'doors.read' }, ({ agent, chain }) => ({ doors: ['Library: open'], agent, chain })],
}

const boardRoutes = {
  '/notes': [{ scope: 'notes.write' }, ({ agent, chain }) => ({ pinned: true, agent, chain })],
}

const shopRoutes = {
  '/orders': [
    { scope: 'orders', operation: 'list' },
    ({ constraints }) => ({ orders: ['A chess clock'], constraints }),
  ],
  '/orders/cancel': [{ scope: 'orders.cancel', operation: 'cancel' }, () => ({ cancelled: true })],
  '/payments': [
    {
      scope: 'orders',
      operation: 'pay',
      approve: true,
      describe: request => {
        const { euros, order } = request.json()
        return display`Pay ${euros} euros for ${order}`
      },
    },
    () => ({ paid: true }),
  ],
}

/** A resource with its routes: well-known paths, then the guard, then the handler. */
function guarded(resource, routes) {
  const declared = Object.entries(routes).map(([path, [requirement, handler]]) => [
    path,
    { requirement: resource.declare(requirement), handler },
  ])
  const byPath = new Map(declared)
  return async message => {
    const known = await resource.handle(message)
    if (known !== undefined) return known
    const { requirement, handler } = byPath.get(message.target.split('?')[0])
    const authorization = await resource.authorize(message, requirement)
    if (!authorization.ok) return authorization.response
    try {
      const response = Response.json(await handler(authorization.aauth))
      resource.responseHeaders(response, requirement, message)
      return response
    } catch (error) {
      // What a call of the handler needs, such as its user.
      const response = await authorization.respond(error)
      if (response === undefined) throw error
      return response
    }
  }
}
