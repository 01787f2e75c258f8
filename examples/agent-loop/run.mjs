// An agent at work, with everything it needs on this machine: a calendar API, an auth server where you say yes, and the agent.
//
//   node examples/agent-loop/run.mjs        opens a page in your browser, where you let the agent in
//
// `think` stands where your model is called. It gets the task and the history, and returns the next call or the answer: with a model
// that calls tools, its one tool is `call(url, method, body)`.
import { createServer } from 'node:http'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { agentServer, createAgent } from '@countersign/agent'
import { loopback, openBrowser } from '@countersign/agent/node'
import { createAgentServer } from '@countersign/agent-server'
import { askUsers, createAuthServer } from '@countersign/auth-server'
import { createResource } from '@countersign/resource'
import { guard, wellKnown } from '@countersign/resource/node'
import { keysFile, serve } from '@countersign/server'
import { demoUsers, userDesk } from '@countersign/user-desk'
import { runTask } from './loop.mjs'

const development = true

/**
 * Starts the participants on three ports that follow each other.
 * @param o.folder keeps the keys: a restart signs under the same ones
 */
export async function start({ port = 4850, folder = import.meta.dirname, announce = () => undefined } = {}) {
  const [home, auth, calendar] = [0, 1, 2].map(offset => `http://localhost:${port + offset}`)
  const own = await createAgentServer({
    id: home,
    redirectUris: [`${home}/callback`],
    localhostCallbackAllowed: true,
    development,
  })
  const user = await createAuthServer({
    issuer: auth,
    keys: await keysFile(join(folder, 'auth-keys.json')),
    database: 'sqlite::memory:',
    desk: userDesk({ login: [demoUsers([{ name: 'Ada' }])] }),
    policy: askUsers([{ agents: [home], resources: [calendar] }]),
    development,
  })
  const quiet = { development, signals: false, level: 'error', announce }
  const running = await Promise.all([
    serve({ name: 'agent', id: home, port, participant: own, ...quiet }),
    serve({ name: 'auth', id: auth, port: port + 1, participant: user, ...quiet }),
  ])
  const api = await startCalendar(calendar, auth, folder)
  const end = async () => {
    await Promise.all(running.map(each => each.close()))
    await api.end()
  }
  return { home, auth, calendar, signingKey: own.signingKey, end }
}

async function startCalendar(id, authServer, folder) {
  const resource = createResource({
    id,
    development,
    keys: await keysFile(join(folder, 'calendar-keys.json')),
    authServers: [authServer],
    scopes: { 'events.read': 'See your events', 'events.write': 'Add events to your calendar' },
  })
  const events = [{ at: '09:00', what: 'Stand-up' }]
  const answer = (response, body) => response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
  const own = wellKnown(resource)
  const read = guard(resource, { scope: 'events.read' }, (_, response) => answer(response, events))
  const write = guard(resource, { scope: 'events.write' }, async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    const { at, what } = JSON.parse(text)
    events.push({ at: String(at), what: String(what) })
    answer(response, events)
  })
  const server = createServer(async (request, response) => {
    if (await own(request, response)) return
    if (new URL(request.url, id).pathname !== '/events') return response.writeHead(404).end()
    return request.method === 'POST' ? write(request, response) : read(request, response)
  })
  await new Promise(resolve => server.listen(Number(new URL(id).port), '127.0.0.1', resolve))
  server.unref()
  return { end: () => new Promise(resolve => server.close(resolve).closeAllConnections()) }
}

/** The agent of this example; `interact` sends its user to the auth server. */
export function agentOf({ home, auth, calendar, signingKey }, interact) {
  return createAgent({
    identity: agentServer({ id: home, key: signingKey }),
    acceptAuthServer: [auth],
    identifyTo: [calendar],
    interact,
    development,
  })
}

/** In place of a model: looks, adds lunch if it is not there, and answers. */
export function scriptedModel(calendar) {
  return async ({ history }) => {
    const [looked, added] = history
    if (looked === undefined) return { call: { url: `${calendar}/events` } }
    if (looked.result.refused !== undefined) return { answer: `I could not look: ${looked.result.refused}` }
    if (looked.result.text.includes('Lunch')) return { answer: 'Lunch is in your calendar already.' }
    if (added === undefined) {
      const body = { at: '12:30', what: 'Lunch' }
      return { call: { url: `${calendar}/events`, method: 'POST', body } }
    }
    return { answer: added.result.refused === undefined ? 'Lunch is at 12:30.' : `Not added: ${added.result.refused}` }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const place = await start()
  const open = async url => {
    console.log(`Let the agent in: ${url}`)
    // Without a browser here, the user opens the link.
    await openBrowser(url).catch(() => undefined)
  }
  const interact = loopback({ open })
  const { answer } = await runTask({
    agent: agentOf(place, interact),
    task: 'Put lunch into my calendar',
    think: scriptedModel(place.calendar),
    allowed: [place.calendar],
    onStep: ({ call, result }) =>
      console.log(`${call.method ?? 'GET'} ${call.url} → ${result.status ?? result.refused}`),
  })
  console.log(answer)
  await place.end()
}
