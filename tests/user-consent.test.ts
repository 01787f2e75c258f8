import { type Agent, AgentError, agentServer, callbackRoute, createAgent, type View } from '@countersign/agent'
import { createAgentServer } from '@countersign/agent-server'
import { askUsers, createAuthServer } from '@countersign/auth-server'
import { generateSigningKey } from '@countersign/httpsig'
import { type StoryUser, scriptedUser } from '@countersign/playground'
import { verifies } from '@countersign/requirements'
import { createResource } from '@countersign/resource'
import { type Participant, serve } from '@countersign/server'
import { freePort } from '@countersign/testing/ports'
import { demoUsers, userDesk } from '@countersign/user-desk'
import { afterAll, beforeAll, expect, test } from 'vitest'

// A web app with many users, who sign in and agree at an auth server, each in a browser of their own.

const ends: Array<() => Promise<unknown>> = []
let [app, auth, other, api] = ['', '', '', '']
let signingKey: Awaited<ReturnType<typeof createAgentServer>>['signingKey']

beforeAll(async () => {
  const ports = await Promise.all([1, 2, 3, 4].map(() => freePort()))
  ;[app, auth, other, api] = ports.map(port => `http://localhost:${port}`) as [string, string, string, string]
  const development = true
  const agent = await createAgentServer({ id: app, redirectUris: [`${app}/callback`], development })
  signingKey = agent.signingKey
  await Promise.all([
    open('agent-server', app, agent),
    open('auth-server', auth, await authServer(auth)),
    open('other-auth-server', other, await authServer(other)),
    open('api', api, await events()),
  ])
})

afterAll(async () => {
  for (const end of ends) await end()
})

async function authServer(issuer: string): Promise<Participant> {
  return createAuthServer({
    issuer,
    keys: [{ kid: 'a1', key: await generateSigningKey() }],
    database: 'sqlite::memory:',
    desk: userDesk({ login: [demoUsers([{ name: 'Ada', email: 'ada@demo.example' }, { name: 'Grace' }])] }),
    policy: askUsers([{ agents: 'any', resources: 'any' }]),
    development: true,
  })
}

async function open(name: string, id: string, participant: Participant): Promise<void> {
  const where = { id, port: Number(new URL(id).port), participant, development: true, signals: false }
  const running = await serve({ name, ...where, level: 'error', announce: () => undefined })
  ends.push(() => running.close())
}

/** An API that tells whom it sees. */
async function events(): Promise<Participant> {
  const resource = createResource({
    id: api,
    keys: [{ kid: 'r1', key: await generateSigningKey() }],
    authServers: [auth],
    development: true,
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

/** The browser of a user, whose callback comes to their session; `tamper` changes it on the way. */
function browserOf(name: string, view: View, tamper?: (callback: URL) => void): StoryUser {
  return scriptedUser(name, async (input, init) => {
    const url = new URL(String(input))
    if (!url.href.startsWith(`${app}/callback?`)) return fetch(input, init)
    tamper?.(url)
    return Response.json(await view.handleCallback(url))
  })
}

function appAgent(): Agent {
  const redirectUri = `${app}/callback`
  return createAgent({
    identity: agentServer({ id: app, key: signingKey }),
    acceptAuthServer: [auth, other],
    identifyTo: [api],
    interact: callbackRoute({ redirectUri }),
    development: true,
  })
}

test('signs its users in, and acts for each alone', async () => {
  const agent = appAgent()
  const users = ['Ada', 'Grace'].map((name, n) => {
    const view = agent.forUser(`session ${n}`)
    return { name, view, user: browserOf(name, view) }
  })
  const signedIn = await Promise.all(
    users.map(async ({ view, user }) => {
      const request = { authServer: auth, scope: 'openid profile email' }
      await user.decide(await urlOf(view.signIn(request)), 'Allow')
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
      await user.decide(await urlOf(view.fetch(`${api}/events`)), 'Allow')
      return (await view.fetch(`${api}/events`)).json() as Promise<{ user: string }>
    }),
  )
  expect(seen.map(({ user }) => user)).toEqual(signedIn.map(({ sub }) => sub))
  // The callback of one in the session of the other.
  const [ada, grace] = users
  const stray = browserOf('Ada', grace?.view ?? agent)
  const url = await urlOf(agent.forUser('session 3').fetch(`${api}/events`))
  await expect(stray.decide(url, 'Allow')).rejects.toMatchObject({ code: 'invalid_callback' })
  expect(await (await ada?.view.fetch(`${api}/events`))?.json()).toEqual({ user: signedIn[0]?.sub })
})

test(
  verifies('agent.checks.callback', 'two auth servers race in one session, and neither speaks for the other'),
  async () => {
    const view = appAgent().forUser('both')
    const urls = await Promise.all([auth, other].map(authServer => urlOf(view.signIn({ authServer }))))
    expect(urls.map(url => new URL(url).origin)).toEqual([auth, other])
    const [ada, grace] = [browserOf('Ada', view), browserOf('Grace', view)]
    await Promise.all([ada.decide(urls[0] ?? '', 'Allow'), grace.decide(urls[1] ?? '', 'Allow')])
    const [here, there] = await Promise.all([auth, other].map(authServer => view.signIn({ authServer })))
    expect([here?.iss, there?.iss]).toEqual([auth, other])
    expect(here?.sub).not.toBe(there?.sub)

    // Mix-up: what one answers is brought as if it came from the other.
    const trap = browserOf('Ada', view, callback => callback.searchParams.set('iss', other))
    const url = await urlOf(view.fetch(`${api}/events`))
    await expect(trap.decide(url, 'Allow')).rejects.toMatchObject({
      code: 'invalid_callback',
      cause: { member: 'iss' },
    })
  },
)
