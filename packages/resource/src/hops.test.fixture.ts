import { type Agent, type AgentOptions, agentServer, callbackRoute, createAgent } from '@countersign/agent'
import { createDiscovery, type Fetcher } from '@countersign/discovery'
import { generateSigningKey, type SignatureKey, type SigningKey, signRequest } from '@countersign/httpsig'
import type { PublishedKey } from '@countersign/protocol'
import { documentResponse, jwksResponse } from '@countersign/protocol/internal'
import { openBrowser } from '@countersign/testing/browser'
import { startedReplaySet } from '@countersign/testing/world/started-replay-set'
import { Hono } from 'hono'
import { guard, wellKnown } from './adapter/hono.js'
import { type ExchangeServer, exchangeServer } from './exchange-server.test.fixture.js'
import {
  createResource,
  type DownstreamOptions,
  type InteractionAnswer,
  type InteractionSessions,
  memoryInteractions,
  type Resource,
  type ResourceEvent,
} from './index.js'

export const agentId = 'https://agent.example'
export const appCallback = 'https://app.example/callback'

/** A request as it went over the wire. */
export interface Sent {
  readonly url: URL
  readonly method: string
  readonly headers: Headers
}

/** Hosts in memory, one clock, and what went between them. */
export interface Net {
  readonly hosts: Map<string, (request: Request) => Promise<Response> | Response>
  readonly sent: Sent[]
  readonly clock: { now: number }
  readonly fetch: typeof fetch
  readonly fetcher: Fetcher
}

export function makeNet(): Net {
  const hosts: Net['hosts'] = new Map()
  const sent: Sent[] = []
  const answer = async (request: Request): Promise<Response> => {
    const url = new URL(request.url)
    const host = hosts.get(url.origin)
    if (host === undefined) throw new TypeError('fetch failed')
    return host(request)
  }
  return {
    hosts,
    sent,
    clock: { now: 1_800_000_000.25 },
    async fetch(input, init) {
      const request = new Request(input, init)
      sent.push({ url: new URL(request.url), method: request.method, headers: request.headers })
      return untilAborted(answer(request), init?.signal ?? undefined)
    },
    async fetcher(url) {
      const response = await answer(new Request(url))
      const contentType = response.headers.get('content-type') ?? ''
      return { status: response.status, contentType, body: new Uint8Array(await response.arrayBuffer()) }
    },
  }
}

function untilAborted<T>(task: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason))
    task.then(resolve, reject)
  })
}

/** One resource of a chain, with the auth server that it trusts. */
export interface Hop {
  readonly id: string
  resource: Resource<'go'>
  readonly server: ExchangeServer
  readonly events: ResourceEvent[]
  /** What the handlers of `/go` saw, newest last. */
  readonly seen: Array<Readonly<Record<string, unknown>>>
  /** What users' answers came to, as kept for the request that brings the code. */
  readonly kept: InteractionAnswer[]
  /** Starts it anew: what was in memory is gone. */
  restart(): Promise<void>
}

export interface Chain {
  readonly net: Net
  readonly agentKey: SigningKey
  readonly hops: readonly Hop[]
  agent(options?: Partial<AgentOptions>): Agent
  /** One request to the first resource, under a token for a user, as it is answered. */
  call(request?: Call): Promise<Response>
}

/** What a bare request shows. */
export interface Call {
  readonly path?: string
  readonly method?: string
  /** Claims of its auth token beside the usual ones; undefined: the agent signs as itself. */
  readonly claims?: Readonly<Record<string, unknown>> | 'none'
  readonly headers?: ReadonlyArray<readonly [string, string]>
  /** Headers that the signature covers beside the usual. */
  readonly covered?: readonly string[]
  readonly signatureKey?: SignatureKey
}

export interface ChainOptions {
  readonly downstream?: Partial<DownstreamOptions>
}

export const hopId = (n: number): string => `https://r${n}.example`
export const serverId = (n: number): string => `https://as${n}.example`

/** An agent, and `length` resources, each of which calls the next and trusts another auth server. */
export async function chainOf(length: number, options: ChainOptions = {}): Promise<Chain> {
  const net = makeNet()
  const agentKey = await generateSigningKey()
  net.hosts.set(agentId, agentHost({ kid: 'k1', key: agentKey }))
  const hops: Hop[] = []
  for (let n = 1; n <= length; n += 1) hops.push(await hop(n, { net, isLast: n === length, options }))
  const call = async ({
    path = '/go',
    method = 'GET',
    claims = {},
    headers = [],
    ...rest
  }: Call = {}): Promise<Response> => {
    const usual = { aud: hopId(1), agent: agentId, cnf: { jwk: agentKey.publicJwk }, scope: 'go', sub: 'ada' }
    const identified: SignatureKey = { scheme: 'jwks_uri', id: agentId, kid: 'k1', dwk: 'aauth-agent' }
    const mint = async (more: object): Promise<SignatureKey> => {
      const jwt = await hops[0]?.server.mint({ ...usual, ...more })
      return { scheme: 'jwt', jwt: jwt ?? '' }
    }
    const signatureKey = rest.signatureKey ?? (claims === 'none' ? identified : await mint(claims))
    const url = `${hopId(1)}${path}`
    const { covered: additionalComponents = ['agent-interaction'] } = rest
    const now = (): number => net.clock.now
    const signed = await signRequest({ method, url, headers, key: agentKey, signatureKey, now, additionalComponents })
    const lines = [...headers, ...signed].map(([name, value]): [string, string] => [name, value])
    return net.fetch(url, { method, headers: lines })
  }
  return {
    net,
    agentKey,
    hops,
    call,
    agent: more =>
      createAgent({
        identity: agentServer({ id: agentId, kid: 'k1', key: agentKey }),
        acceptAuthServer: [serverId(1)],
        identifyTo: 'any',
        interact: callbackRoute({ redirectUri: appCallback }),
        fetch: net.fetch,
        fetcher: net.fetcher,
        now: () => net.clock.now,
        sleep: async () => undefined,
        random: () => 0,
        ...more,
      }),
  }
}

function agentHost(key: PublishedKey): (request: Request) => Response {
  return request =>
    request.url.endsWith('/aauth-agent')
      ? documentResponse({
          issuer: agentId,
          agent: agentId,
          jwks_uri: `${agentId}/jwks.json`,
          redirect_uris: [appCallback],
          localhost_callback_allowed: true,
        })
      : jwksResponse([key])
}

async function hop(
  n: number,
  { net, isLast, options }: { readonly net: Net; readonly isLast: boolean; readonly options: ChainOptions },
): Promise<Hop> {
  const server = await exchangeServer({ net, issuer: serverId(n), upstream: n === 1 ? [] : [serverId(n - 1)] })
  const key = { kid: 'r1', key: await generateSigningKey() }
  const own = { id: hopId(n), server, events: [] as ResourceEvent[], seen: [] as Hop['seen'], kept: [] as Hop['kept'] }
  const start = (): Resource<'go'> => {
    const sessions = memoryInteractions(() => net.clock.now)
    const keep: InteractionSessions['keep'] = (code, answer) => {
      own.kept.push(answer)
      return sessions.keep(code, answer)
    }
    const resource = createResource({
      id: own.id,
      keys: [key],
      authServers: [server.issuer],
      scopes: { go: 'Go on' },
      discovery: createDiscovery({ fetcher: net.fetcher, now: () => net.clock.now }),
      replay: startedReplaySet(() => net.clock.now),
      now: () => net.clock.now,
      onEvent: event => own.events.push(event),
      ...(isLast
        ? {}
        : {
            downstream: {
              acceptAuthServer: [serverId(n + 1)],
              fetch: net.fetch,
              sessions: { ...sessions, keep },
              ...options.downstream,
            },
          }),
    })
    const app = appOf(resource, { next: isLast ? undefined : `${hopId(n + 1)}/go`, seen: own.seen })
    net.hosts.set(own.id, request => app.fetch(request))
    return resource
  }
  const made: Hop = {
    ...own,
    resource: start(),
    async restart() {
      made.resource = start()
    },
  }
  return made
}

function appOf(resource: Resource<'go'>, o: { readonly next: string | undefined; readonly seen: Hop['seen'] }): Hono {
  const app = new Hono()
  app.use(wellKnown(resource))
  app.get('/open', guard(resource, { level: 'anonymous', scope: 'go' }), async c => {
    const response = await c.var.aauth.fetch(o.next ?? '')
    return c.json(await response.json())
  })
  app.get('/unscoped', guard(resource, { level: 'identified' }), async c => {
    await c.var.aauth.fetch(o.next ?? '')
    return c.text('never')
  })
  app.all('/go', guard(resource, { scope: 'go' }), async c => {
    const { aauth } = c.var
    o.seen.push({ ...aauth })
    if (o.next === undefined)
      return c.json({ at: resource.id, chain: aauth.chain, user: aauth.user, agent: aauth.agent })
    const response = await aauth.fetch(o.next, { method: c.req.method })
    return c.json({ at: resource.id, next: await response.json() }, response.ok ? 200 : 502)
  })
  return app
}

/** A user's browser: it keeps cookies by origin and follows redirects until a page, or the app. */
export interface Browser {
  /** Where it went, newest last. */
  readonly trail: string[]
  cookies(origin: string): Map<string, string>
  /** Opens a URL; the page it ends on, or the URL of the app with which it ends. */
  open(url: string): Promise<{ readonly app?: URL; readonly page?: Response; readonly setCookies: readonly string[] }>
  /** One request, no redirect followed. */
  get(url: string): Promise<Response>
}

export function browser(net: Net, user = 'ada'): Browser {
  const { trail, cookies, get } = openBrowser(({ origin, target, headers }) => {
    const host = net.hosts.get(origin)
    if (host === undefined) throw new Error(`no host ${origin}`)
    return host(
      new Request(origin + target, {
        headers: [...headers.map(([name, value]): [string, string] => [name, value]), ['x-test-user', user]],
      }),
    )
  })
  return {
    trail,
    cookies,
    get,
    async open(first) {
      const setCookies: string[] = []
      for (let url = first; ; ) {
        if (url.startsWith('https://app.example/') || url.startsWith('http://127.0.0.1'))
          return { app: new URL(url), setCookies }
        const response = await get(url)
        setCookies.push(...response.headers.getSetCookie())
        const location = response.headers.get('location')
        if (location === null) return { page: response, setCookies }
        if (response.status !== 303) throw new Error('redirects are 303')
        url = location
      }
    },
  }
}
