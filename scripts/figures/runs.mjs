// The flows that the figures show, played by real agents and servers.
import { AgentError, agentServer, callbackRoute, createAgent, delegate } from '@countersign/agent'
import { createAgentServer } from '@countersign/agent-server'
import { askUsers, createAuthServer, directGrants } from '@countersign/auth-server'
import { guardMcp } from '@countersign/mcp'
import { agentTransport } from '@countersign/mcp/client'
import { createResource } from '@countersign/resource'
import { userDesk } from '@countersign/user-desk'
import { Client } from '@modelcontextprotocol/client'
import { McpServer } from '@modelcontextprotocol/server'
import { signingKeys } from '../worked-messages/keys.mjs'
import { agree } from '../worked-messages/user-browser.mjs'
import { guarded, openNetwork } from './network.mjs'

const agentId = 'https://agent.example'
const calendarId = 'https://calendar.example'
const authId = 'https://auth.example'
const roomsId = 'https://rooms.example'
const roomsAuthId = 'https://auth.rooms.example'
const toolsId = 'https://tools.example'
const callback = `${agentId}/callback`

/** The lanes of a figure, by where their messages go. */
const agent = { id: agentId, is: 'agent', name: 'agent.example' }
const calendar = { id: calendarId, is: 'resource', name: 'calendar.example' }
const auth = { id: authId, is: 'auth server', name: 'auth.example' }
const user = { id: 'user', is: 'user', name: 'in a browser' }

const scopes = { 'events.read': 'See your events' }
const routes = {
  '/hours': [{ level: 'anonymous' }, () => ({ open: '09:00' })],
  '/holidays': [{ level: 'pseudonymous' }, () => ({ holidays: ['2027-05-17'] })],
  '/agenda': [{ level: 'identified' }, aauth => ({ hello: aauth.agent })],
  '/events': [{ scope: 'events.read' }, () => ({ events: ['Chess at eight'] })],
}

/** Signs every user in as Ada, at once. */
const login = {
  id: 'staff',
  name: 'Staff',
  begin: async ({ callback: back, state }) => ({ url: `${back}?state=${state}`, saved: {} }),
  finish: async () => ({ issuer: 'https://staff.example', subject: 'ada', claims: { name: 'Ada' } }),
}

async function addAuthServer(network, { id, key, ...options }) {
  const server = await createAuthServer({
    ...network.shared,
    issuer: id,
    keys: [{ kid: 'auth-1', key }],
    database: 'sqlite::memory:',
    ...options,
  })
  network.add(id, message => server.handle(message))
  return server
}

function addCalendar(network, key) {
  const resource = createResource({
    ...network.shared,
    id: calendarId,
    keys: [{ kid: 'calendar-1', key }],
    authServers: [authId],
    scopes,
  })
  network.add(calendarId, guarded(resource, routes))
}

async function addAgentServer(network, key, options = {}) {
  const server = await createAgentServer({
    id: agentId,
    keys: [{ kid: 'agent-1', key }],
    redirectUris: [callback],
    now: network.now,
    ...options,
  })
  network.add(agentId, message => server.handle(message))
  return server
}

const agentOf = (network, options) =>
  createAgent({ fetch: network.fetchAs(agentId), fetcher: network.fetcher, now: network.now, ...options })

/** One call for each level, from none to a token. */
export async function climb() {
  const [network, keys] = [openNetwork(), await signingKeys()]
  const own = await addAgentServer(network, keys.agent, { database: 'sqlite::memory:' })
  addCalendar(network, keys.calendar)
  const grant = { agent: agentId, delegates: 'any', resource: calendarId, scopes: ['events.read'] }
  const server = await addAuthServer(network, { id: authId, key: keys.auth, policy: directGrants([grant]) })
  const { code } = await own.invite({ sub: 'phone' })
  const caller = agentOf(network, {
    identity: delegate({ agentServer: agentId, enroll: { type: 'code', code } }),
    identifyTo: [calendarId],
    acceptAuthServer: [authId],
  })
  network.begin()
  await caller.identify()
  const enrolled = network.messages.splice(0)
  await callAll(caller, Object.keys(routes))
  await Promise.all([own.close(), server.close()])
  return {
    title: 'The climb: an agent shows as much as each call needs',
    about: 'One agent makes four calls to a calendar it has never met.',
    lanes: [agent, calendar, auth],
    messages: [...network.messages],
    enrolled,
  }
}

async function callAll(caller, paths) {
  for (const path of paths) {
    const response = await caller.fetch(`${calendarId}${path}`)
    if (response.status !== 200) throw new Error(`${path} answers ${response.status}`)
  }
}

/** A call that a user must agree to. */
export async function consent() {
  const [network, keys] = [openNetwork(), await signingKeys()]
  const own = await addAgentServer(network, keys.agent)
  addCalendar(network, keys.calendar)
  const policy = askUsers([{ agents: 'any', resources: [calendarId] }])
  const server = await addAuthServer(network, {
    id: authId,
    key: keys.auth,
    policy,
    desk: userDesk({ login: [login] }),
  })
  const caller = agentOf(network, {
    identity: agentServer({ id: agentId, key: own.signingKey }),
    identifyTo: [calendarId],
    acceptAuthServer: [authId],
    interact: callbackRoute({ redirectUri: callback }),
  })
  await caller.fetch(`${calendarId}/agenda`)
  network.begin()
  await asUser(network, caller, () => caller.fetch(`${calendarId}/events`))
  await Promise.all([own.close(), server.close()])
  return {
    title: 'Consent: a user is asked before the call goes on',
    about: 'A call for the events of a user, who has not been asked before.',
    lanes: [user, agent, calendar, auth],
    messages: [...network.messages],
  }
}

/** Makes a call, sends the user where it asks for one, and makes it again. */
async function asUser(network, caller, call) {
  const error = await call().then(
    () => undefined,
    thrown => thrown,
  )
  if (!(error instanceof AgentError) || error.url === undefined) throw error ?? new Error('no user was asked')
  network.messages.push({ from: agentId, to: 'user', says: 'sends the browser to auth.example' })
  network.messages.push({ from: 'user', to: authId, says: 'signs in, reads who asks for what, and allows it' })
  network.pass(5)
  const returned = await agree(network.answer, error.url, callback)
  network.messages.push({ from: authId, to: agentId, says: 'the browser comes back with a code' })
  await caller.handleCallback(new URL(returned))
  const response = await call()
  if (response.status !== 200) throw new Error(`the call answers ${response.status}`)
}

/** A resource calls another one for its caller. */
export async function twoHops() {
  const [network, keys] = [openNetwork(), await signingKeys()]
  const own = await addAgentServer(network, keys.agent)
  const grant = { agent: agentId, resource: calendarId, scopes: ['events.read'] }
  const rule = { upstream: authId, middle: calendarId, downstream: roomsId, upstreamScopes: ['events.read'] }
  const rules = [{ ...rule, scopes: ['rooms.read'], decision: 'direct' }]
  const servers = [
    await addAuthServer(network, { id: authId, key: keys.auth, policy: directGrants([grant]) }),
    await addAuthServer(network, { id: roomsAuthId, key: keys.roomsAuth, exchange: { rules } }),
  ]
  addMiddle(network, keys.calendar)
  addRooms(network, keys.rooms)
  const caller = agentOf(network, {
    identity: agentServer({ id: agentId, key: own.signingKey }),
    identifyTo: [calendarId],
    acceptAuthServer: [authId],
  })
  network.begin()
  await caller.requestAccess({ resource: calendarId, scope: 'events.read' })
  network.begin()
  const response = await caller.fetch(`${calendarId}/events`)
  if (response.status !== 200) throw new Error(`the call answers ${response.status}`)
  await Promise.all([own, ...servers].map(server => server.close()))
  return {
    title: 'Two hops: a resource calls another one for its caller',
    about: 'The agent has an auth token for the calendar. To answer, the calendar asks for rooms at another company.',
    lanes: [
      agent,
      { ...calendar, is: 'resource' },
      { id: roomsId, is: 'resource', name: 'rooms.example' },
      { id: roomsAuthId, is: 'auth server', name: 'auth.rooms.example' },
    ],
    messages: [...network.messages],
  }
}

function addMiddle(network, key) {
  const resource = createResource({
    ...network.shared,
    id: calendarId,
    keys: [{ kid: 'calendar-1', key }],
    authServers: [authId],
    scopes,
    downstream: { acceptAuthServer: [roomsAuthId], fetch: network.fetchAs(calendarId) },
  })
  const handler = async aauth => ({
    events: ['Chess at eight'],
    ...(await (await aauth.fetch(`${roomsId}/rooms`)).json()),
  })
  network.add(calendarId, guarded(resource, { '/events': [{ scope: 'events.read' }, handler] }))
}

function addRooms(network, key) {
  const resource = createResource({
    ...network.shared,
    id: roomsId,
    keys: [{ kid: 'rooms-1', key }],
    authServers: [roomsAuthId],
    scopes: { 'rooms.read': 'See which rooms are free' },
  })
  const handler = ({ chain }) => ({ rooms: ['Library'], for: chain.map(one => one.agent) })
  network.add(roomsId, guarded(resource, { '/rooms': [{ scope: 'rooms.read' }, handler] }))
}

/** A tool that a user must agree to. */
export async function mcpCall() {
  const [network, keys] = [openNetwork(), await signingKeys()]
  const own = await addAgentServer(network, keys.agent)
  const policy = askUsers([{ agents: 'any', resources: [toolsId] }])
  const server = await addAuthServer(network, {
    id: authId,
    key: keys.auth,
    policy,
    desk: userDesk({ login: [login] }),
  })
  const resource = createResource({
    ...network.shared,
    id: toolsId,
    keys: [{ kid: 'tools-1', key: keys.rooms }],
    authServers: [authId],
    scopes: { 'mail.send': 'Send e-mail in your name' },
  })
  const rules = { tools: { list_notes: { level: 'identified' }, send_email: { scope: 'mail.send' } } }
  const participant = guardMcp(newTools, resource, rules)
  network.add(toolsId, message => participant.handle(message))
  const caller = agentOf(network, {
    identity: agentServer({ id: agentId, key: own.signingKey }),
    identifyTo: [toolsId],
    acceptAuthServer: [authId],
    interact: callbackRoute({ redirectUri: callback }),
  })
  network.begin()
  const client = new Client({ name: 'agent', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } })
  await client.connect(agentTransport(`${toolsId}/mcp`, caller))
  await client.listTools()
  await client.callTool({ name: 'list_notes', arguments: {} })
  network.begin()
  await client.callTool({ name: 'list_notes', arguments: {} })
  await asUser(network, caller, () => sendEmail(client))
  await client.close()
  await Promise.all([own.close(), server.close(), participant.close?.()])
  return {
    title: 'MCP: a tool that a user must agree to',
    about:
      'An MCP client, which is an agent, calls a tool that only wants to know who calls, and then one that needs a permission.',
    lanes: [user, { ...agent, is: 'MCP client' }, { id: toolsId, is: 'MCP server', name: 'tools.example' }, auth],
    messages: [...network.messages],
  }
}

async function sendEmail(client) {
  await client.callTool({ name: 'send_email', arguments: {} })
  return { status: 200 }
}

function newTools() {
  const server = new McpServer({ name: 'tools', version: '1.0.0' })
  server.registerTool('list_notes', { description: 'Lists the notes' }, async () => ({
    content: [{ type: 'text', text: 'Chess at eight' }],
  }))
  server.registerTool('send_email', { description: 'Sends an e-mail' }, async () => ({
    content: [{ type: 'text', text: 'sent' }],
  }))
  return server
}
