import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { generateSigningKey, type SigningKey, signRequest, thumbprint } from '@countersign/httpsig'
import { scriptedUser } from '@countersign/playground'
import { jwks, signToken } from '@countersign/protocol'
import { freePort } from '@countersign/testing/ports'
import { type Stand, stand } from './processes.fixture.js'

/** Two auth servers as processes, and on this machine an agent, a calendar and rooms that publish who they are. */
export interface ExchangePlace {
  /** The auth server of the calendar. */
  readonly one: string
  /** The auth server of rooms. */
  readonly two: string
  readonly agent: string
  readonly calendar: string
  readonly rooms: string
  /** What the calendar was called with: that user agreed at `one`. */
  upstreamToken(user: string): Promise<string>
  /** The calendar exchanges at `two`, for a scope of rooms. */
  exchange(upstream_token: string, scope: string): Promise<Answer>
  /** Where to send the user whom an exchange needs. */
  linkOf(answer: Answer): string
  /** The calendar redeems what its callback got. */
  redeem(answer: Answer, back: string): Promise<Answer>
  stop(): Promise<void>
}

/** What a token endpoint answered. */
export interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

export async function exchangePlace(): Promise<ExchangePlace> {
  const place = stand()
  const ports = await Promise.all([1, 2, 3, 4, 5].map(() => freePort()))
  const [one, two, agent, calendar, rooms] = ports.map(port => `http://localhost:${port}`) as [
    string,
    string,
    string,
    string,
    string,
  ]
  const [agentKey, calendarKey, roomsKey] = (await Promise.all([1, 2, 3].map(() => generateSigningKey()))) as [
    SigningKey,
    SigningKey,
    SigningKey,
  ]
  const servers = await Promise.all([
    published(agent, agentKey, { 'aauth-agent': { agent, redirect_uris: [`${agent}/callback`] } }),
    published(calendar, calendarKey, {
      'aauth-agent': { agent: calendar, redirect_uris: [`${calendar}/interact/callback`], name: 'Your Calendar' },
      'aauth-resource': { resource: calendar, supported_scopes: ['events.write'] },
    }),
    published(rooms, roomsKey, {
      'aauth-resource': {
        resource: rooms,
        supported_scopes: ['rooms.read', 'rooms.book'],
        scope_descriptions: { 'rooms.read': 'See which rooms are free', 'rooms.book': 'Book rooms in your name' },
      },
    }),
  ])
  await startAuthServers(place, { one, two, calendar, rooms })
  const known = new Set<string>()
  const at = { agent: { id: agent, key: agentKey }, calendar: { id: calendar, key: calendarKey } }

  const resourceToken = async (by: Party, o: { aud: string; to: Party; scope: string }) => {
    const now = Math.floor(Date.now() / 1000)
    return signToken({
      typ: 'resource+jwt',
      key: by.key,
      kid: 'k1',
      claims: {
        iss: by.id,
        aud: o.aud,
        agent: o.to.id,
        agent_jkt: await thumbprint(o.to.key.publicJwk),
        scope: o.scope,
        iat: now,
        exp: now + 300,
        jti: crypto.randomUUID(),
      },
    })
  }

  return {
    one,
    two,
    agent,
    calendar,
    rooms,
    async upstreamToken(user) {
      const redirect_uri = `${agent}/callback`
      const resource_token = await resourceToken(at.calendar, { aud: one, to: at.agent, scope: 'events.write' })
      const asked = await post(one, at.agent, { request_type: 'auth', resource_token, redirect_uri, state: 'a' })
      const request_token = String(asked.body['request_token'])
      const link = `${one}/agent/authorize?${new URLSearchParams({ request_token, redirect_uri, state: 'a' })}`
      // A user who has allowed it once is not asked again.
      const { url } = await scriptedUser(user).follow(link, known.has(user) ? [user] : [user, 'Allow'])
      known.add(user)
      const code = new URL(url).searchParams.get('code') ?? ''
      const redeemed = await post(one, at.agent, { request_type: 'code', code, request_token, redirect_uri })
      return String(redeemed.body['auth_token'])
    },
    async exchange(upstream_token, scope) {
      const resource_token = await resourceToken({ id: rooms, key: roomsKey }, { aud: two, to: at.calendar, scope })
      const redirect_uri = `${calendar}/interact/callback`
      const form = { request_type: 'exchange', resource_token, upstream_token, redirect_uri, state: 's1' }
      return post(two, at.calendar, { ...form, purpose: 'To book the room of your meeting.' })
    },
    linkOf({ body }) {
      const request_token = String(body['request_token'])
      const redirect_uri = `${calendar}/interact/callback`
      return `${two}/agent/authorize?${new URLSearchParams({ request_token, redirect_uri, state: 's1' })}`
    },
    redeem({ body }, back) {
      const code = new URL(back).searchParams.get('code') ?? ''
      const form = { request_type: 'code', code, request_token: String(body['request_token']) }
      return post(two, at.calendar, { ...form, redirect_uri: `${calendar}/interact/callback` })
    },
    async stop() {
      await place.stop()
      for (const server of servers) {
        server.closeAllConnections()
        server.close()
      }
    },
  }
}

interface Party {
  readonly id: string
  readonly key: SigningKey
}

async function startAuthServers(
  place: Stand,
  { one, two, calendar, rooms }: Pick<ExchangePlace, 'one' | 'two' | 'calendar' | 'rooms'>,
): Promise<void> {
  const start = async (name: string, id: string, settings: object): Promise<unknown> => {
    const file = join(place.folder, `${name}.json`)
    const common = { id, port: Number(new URL(id).port), data: join(place.folder, name), development: true }
    writeFileSync(file, JSON.stringify({ ...common, ...settings }))
    return place.start(name, ['auth-server', '--config', file])
  }
  const path = { upstream: one, middle: calendar, downstream: rooms, upstreamScopes: ['events.write'] }
  await Promise.all([
    start('one', one, {
      demoUsers: [{ name: 'Ada Lovelace' }, { name: 'Eve' }],
      ask: [
        { agents: 'any', resources: [calendar], scopes: ['events.write'] },
        { agents: [two], resources: ['self'], scopes: ['openid'] },
      ],
    }),
    start('two', two, {
      demoUsers: [{ name: 'Ada', email: 'ada@rooms.example' }, { name: 'Grace' }],
      exchange: {
        rules: [
          { ...path, scopes: ['rooms.read'], decision: 'direct' },
          { ...path, scopes: ['rooms.book'], decision: 'consent' },
        ],
      },
    }),
  ])
}

/** Serves the documents of a participant, and a page for browsers that are sent there. */
function published(id: string, key: SigningKey, documents: Readonly<Record<string, object>>): Promise<Server> {
  const server = createServer(({ url = '' }, response) => {
    const [path = ''] = url.split('?')
    const document = documents[path.replace('/.well-known/', '')]
    const json = path === '/jwks.json' ? jwks([{ kid: 'k1', key }]) : document
    if (json === undefined) response.setHeader('content-type', 'text/html').end('<title>Arrived</title>')
    else {
      const own = path === '/jwks.json' ? {} : { issuer: id, jwks_uri: `${id}/jwks.json` }
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ ...own, ...json }))
    }
  })
  return new Promise(resolve => server.listen(Number(new URL(id).port), 'localhost', () => resolve(server)))
}

/** Signs anew while an auth server that has just started cannot tell requests from replays. */
async function post(to: string, by: Party, form: Readonly<Record<string, string>>): Promise<Answer> {
  const url = `${to}/agent/token`
  const body = new TextEncoder().encode(new URLSearchParams(form).toString())
  const headers: Array<[string, string]> = [['content-type', 'application/x-www-form-urlencoded']]
  for (;;) {
    const signed = await signRequest({
      method: 'POST',
      url,
      headers,
      body,
      key: by.key,
      signatureKey: { scheme: 'jwks_uri', id: by.id, kid: 'k1', dwk: 'aauth-agent' },
    })
    const sent = [...headers, ...signed].map(([name, value]): [string, string] => [name, value])
    const response = await fetch(url, { method: 'POST', headers: sent, body })
    if (response.status !== 503) return { status: response.status, body: Object(await response.json()) }
    await new Promise(resolve => setTimeout(resolve, 200))
  }
}
