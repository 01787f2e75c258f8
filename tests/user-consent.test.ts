import { AgentError, agentServer, callbackRoute, createAgent, type View } from '@countersign/agent'
import { createAgentServer } from '@countersign/agent-server'
import { askUsers, createAuthServer, demoUsers } from '@countersign/auth-server'
import { generateSigningKey } from '@countersign/httpsig'
import { createResource } from '@countersign/resource'
import { type Participant, serve } from '@countersign/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from './processes.fixture.js'
import { type ScriptedUser, scriptedUser } from './scripted-user.fixture.js'

// A web app with many users, who sign in and agree at an auth server, each in a browser of their own.

const ends: Array<() => Promise<unknown>> = []
let [app, auth, api] = ['', '', '']
let signingKey: Awaited<ReturnType<typeof createAgentServer>>['signingKey']

beforeAll(async () => {
  const ports = await Promise.all([1, 2, 3].map(() => freePort()))
  ;[app, auth, api] = ports.map(port => `http://localhost:${port}`) as [string, string, string]
  const development = true
  const agent = await createAgentServer({ id: app, redirectUris: [`${app}/callback`], development })
  signingKey = agent.signingKey
  const users = await createAuthServer({
    ...{
      issuer: auth,
      keys: [{ kid: 'a1', key: await generateSigningKey() }],
      database: 'sqlite::memory:',
      development,
    },
    login: [demoUsers([{ name: 'Ada', email: 'ada@demo.example' }, { name: 'Grace' }])],
    policy: askUsers([{ agents: 'any', resources: 'any' }]),
  })
  await Promise.all([
    open('agent-server', app, agent),
    open('auth-server', auth, users),
    open('api', api, await events()),
  ])
})

afterAll(async () => {
  for (const end of ends) await end()
})

async function open(name: string, id: string, participant: Participant): Promise<void> {
  const where = { id, port: Number(new URL(id).port), participant, development: true, signals: false }
  const running = await serve({ ...{ name, ...where }, level: 'error', announce: () => undefined })
  ends.push(() => running.close())
}

/** An API that tells whom it sees. */
async function events(): Promise<Participant> {
  const resource = createResource({
    ...{ id: api, keys: [{ kid: 'r1', key: await generateSigningKey() }], authServers: [auth], development: true },
    scopes: { 'events.read': 'See your events' },
  })
  const declared = resource.declare({ scope: 'events.read' })
  return {
    async handle(message) {
      const published = await resource.handle(message)
      if (published !== undefined) return published
      const authorization = await resource.authorize(message, declared)
      return authorization.ok ? Response.json({ user: authorization.aauth.user?.sub }) : authorization.response
    },
    ready: async () => undefined,
    close: async () => undefined,
  }
}

async function urlOf(call: Promise<unknown>): Promise<string> {
  const error = await call.catch((thrown: unknown) => thrown)
  if (!(error instanceof AgentError) || error.url === undefined) throw error
  return error.url
}

/** The browser of a user, whose callback comes to their session. */
function browserOf(name: string, view: View): ScriptedUser {
  const redirectUri = `${app}/callback`
  return scriptedUser(name, { redirectUri, answer: async url => Response.json(await view.handleCallback(url)) })
}

test('signs its users in, and acts for each alone', async () => {
  const redirectUri = `${app}/callback`
  const agent = createAgent({
    identity: agentServer({ id: app, key: signingKey }),
    ...{ acceptAuthServer: [auth], identifyTo: [api], interact: callbackRoute({ redirectUri }), development: true },
  })
  const users = ['Ada', 'Grace'].map((name, n) => {
    const view = agent.forUser(`session ${n}`)
    return { name, view, user: browserOf(name, view) }
  })
  const signedIn = await Promise.all(
    users.map(async ({ view, user }) => {
      const request = { authServer: auth, scope: 'openid profile email' }
      await user.decide(await urlOf(view.signIn(request)), 'allow')
      return view.signIn(request)
    }),
  )
  expect(signedIn.map(({ iss, claims }) => [iss, claims['name'], claims['email']])).toEqual([
    [auth, 'Ada', 'ada@demo.example'],
    [auth, 'Grace', undefined],
  ])
  expect(signedIn[0]?.sub).not.toBe(signedIn[1]?.sub)
  const seen = await Promise.all(
    users.map(async ({ view, user }) => {
      await user.decide(await urlOf(view.fetch(`${api}/events`)), 'allow')
      return (await view.fetch(`${api}/events`)).json() as Promise<{ user: string }>
    }),
  )
  expect(seen.map(({ user }) => user)).toEqual(signedIn.map(({ sub }) => sub))
  // The callback of one in the session of the other.
  const [ada, grace] = users
  const stray = browserOf('Ada', grace?.view ?? agent)
  const url = await urlOf(agent.forUser('session 3').fetch(`${api}/events`))
  await expect(stray.decide(url, 'allow')).rejects.toMatchObject({ code: 'invalid_callback' })
  expect(await (await ada?.view.fetch(`${api}/events`))?.json()).toEqual({ user: signedIn[0]?.sub })
})
