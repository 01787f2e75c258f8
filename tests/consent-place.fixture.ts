import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { askUsers, createAuthServer } from '@countersign/auth-server'
import { generateSigningKey, type SigningKey, signRequest, thumbprint } from '@countersign/httpsig'
import { jwks, signToken } from '@countersign/protocol'
import { serve } from '@countersign/server'
import { freePort } from '@countersign/testing/ports'
import { demoUsers, userDesk } from '@countersign/user-desk'

/** An auth server that asks users, an agent and a calendar, all on this machine. */
export interface ConsentPlace {
  readonly auth: string
  readonly agent: string
  readonly calendar: string
  /** Requests that reached the agent's callback, and the page that it leads on to at another origin. */
  readonly arrived: Array<{ readonly url: string; readonly referer: string | undefined }>
  /** Asks for a user's consent; the link to send them to. `claims`: of the resource token, beside or in place of its own. */
  ask(form?: Readonly<Record<string, string>>, claims?: object): Promise<string>
  /** Sends a token request; its answer. */
  token(form: Readonly<Record<string, string>>, claims?: object): Promise<Record<string, unknown>>
  /** Starts the device flow; the code to type in. */
  askForDevice(): Promise<string>
  stop(): Promise<void>
}

/** One red pixel. */
const picture = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC',
  'base64',
)

/**
 * @param metadata what the agent says about itself otherwise
 * @param more what the calendar says beside that
 * @param openAuth starts the auth server in place of one in this process, and is told the agent and the calendar; returns how to end it
 */
export async function consentPlace(
  metadata: Readonly<Record<string, string>> = {},
  more: object = {},
  openAuth?: (auth: string, others: Pick<ConsentPlace, 'agent' | 'calendar'>) => Promise<() => Promise<unknown>>,
): Promise<ConsentPlace> {
  const [auth, agent, calendar] = await Promise.all([address(), address(), address()])
  const [authKey, agentKey, calendarKey] = await Promise.all([1, 2, 3].map(() => generateSigningKey()))
  if (authKey === undefined || agentKey === undefined || calendarKey === undefined) throw new Error('no keys')
  const arrived: Array<{ url: string; referer: string | undefined }> = []

  const servers = await Promise.all([
    web(agent, {
      '/.well-known/aauth-agent': json({
        issuer: agent,
        agent,
        jwks_uri: `${agent}/jwks.json`,
        redirect_uris: [`${agent}/callback`],
        name: 'Calendar Helper',
        logo_uri: `${agent}/logo.png`,
        homepage: `${agent}/about`,
        policy_uri: `${agent}/privacy`,
        ...metadata,
      }),
      '/jwks.json': json(jwks([{ kid: 'k1', key: agentKey }])),
      '/logo.png': (_, response) => response.writeHead(200, { 'content-type': 'image/png' }).end(picture),
      '/callback': ({ url = '', headers }, response) => {
        arrived.push({ url, referer: headers.referer })
        response.writeHead(303, { location: `${calendar}/after` }).end()
      },
      '/frame': page(() => `<iframe id="framed" src="${auth}/login"></iframe>`),
    }),
    web(calendar, {
      '/.well-known/aauth-resource': json({
        issuer: calendar,
        resource: calendar,
        jwks_uri: `${calendar}/jwks.json`,
        supported_scopes: ['events.read', 'events.write', 'events.list'],
        scope_descriptions: { 'events.read': 'See your events', 'events.write': 'Add, change and delete events' },
        ...more,
      }),
      '/jwks.json': json(jwks([{ kid: 'r1', key: calendarKey }])),
      '/after': page(() => '<title>Arrived</title>'),
    }),
  ])
  const endAuth = await (openAuth?.(auth, { agent, calendar }) ?? authInProcess(auth, authKey))

  async function tokenRequest(
    form: Readonly<Record<string, string>>,
    claims: object = {},
  ): Promise<Record<string, unknown>> {
    const now = Math.floor(Date.now() / 1000)
    const resource_token = await signToken({
      typ: 'resource+jwt',
      key: calendarKey as NonNullable<typeof calendarKey>,
      kid: 'r1',
      claims: {
        iss: calendar,
        aud: auth,
        agent,
        agent_jkt: await thumbprint((agentKey as NonNullable<typeof agentKey>).publicJwk),
        scope: 'events.read events.write events.list',
        iat: now,
        exp: now + 300,
        jti: `${Math.random()}`,
        ...claims,
      },
    })
    const url = `${auth}/agent/token`
    const headers: Array<readonly [string, string]> = [['content-type', 'application/x-www-form-urlencoded']]
    const body = new TextEncoder().encode(new URLSearchParams({ resource_token, ...form }).toString())
    for (;;) {
      const signed = await signRequest({
        method: 'POST',
        url,
        headers,
        body,
        key: agentKey as NonNullable<typeof agentKey>,
        signatureKey: { scheme: 'jwks_uri', id: agent, kid: 'k1', dwk: 'aauth-agent' },
      })
      const response = await fetch(url, {
        method: 'POST',
        headers: [...headers, ...signed].map(([a, b]) => [a, b]),
        body,
      })
      if (response.ok) return Object(await response.json())
      // In the second of its start the server cannot tell earlier requests from replays.
      if (response.status !== 503) throw new Error(`${response.status}: ${await response.text()}`)
      await sleep(1000)
    }
  }

  return {
    auth,
    agent,
    calendar,
    arrived,
    async ask(form = {}, claims = {}) {
      const redirect_uri = `${agent}/callback`
      const purpose = 'To find an hour when all are free.'
      const asked = await tokenRequest({ request_type: 'auth', redirect_uri, state: 's1', purpose, ...form }, claims)
      const request_token = String(asked['request_token'])
      return `${auth}/agent/authorize?${new URLSearchParams({ request_token, redirect_uri, state: form['state'] ?? 's1' })}`
    },
    token: tokenRequest,
    askForDevice: async () => String((await tokenRequest({ request_type: 'device_auth' }))['user_code']),
    async stop() {
      await endAuth()
      for (const server of servers) {
        server.closeAllConnections()
        server.close()
      }
    },
  }
}

/** An auth server in this process. @returns how to end it */
async function authInProcess(auth: string, key: SigningKey): Promise<() => Promise<unknown>> {
  const participant = await createAuthServer({
    issuer: auth,
    keys: [{ kid: 'a1', key }],
    database: 'sqlite::memory:',
    desk: userDesk({
      login: [
        demoUsers([
          { name: 'Ada Lovelace', email: 'ada@demo.example', subject: 'ada' },
          { name: 'Grace Hopper', subject: 'grace' },
          { name: 'Alan Turing', subject: 'alan' },
        ]),
      ],
    }),
    policy: askUsers([{ agents: 'any', resources: 'any' }]),
    deviceFlow: 'any',
    development: true,
  })
  const running = await serve({
    name: 'auth-server',
    id: auth,
    port: Number(new URL(auth).port),
    participant,
    development: true,
    signals: false,
    level: 'error',
    announce: () => undefined,
  })
  return () => running.close()
}

async function address(): Promise<string> {
  return `http://localhost:${await freePort()}`
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void

function web(at: string, paths: Readonly<Record<string, Answer>>): Promise<Server> {
  const server = createServer((request, response) => {
    const answer = paths[(request.url ?? '').split('?')[0] ?? '']
    if (answer === undefined) response.writeHead(404).end()
    else answer(request, response)
  })
  return new Promise(resolve => server.listen(Number(new URL(at).port), 'localhost', () => resolve(server)))
}

function json(document: object): Answer {
  return (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document))
}

function page(html: () => string): Answer {
  return (_, response) =>
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end(`<!doctype html><link rel="icon" href="data:,">${html()}`)
}
