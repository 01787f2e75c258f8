import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createDiscovery } from '@countersign/discovery'
import { generateSigningKey } from '@countersign/httpsig'
import type { CorsOrigins } from '@countersign/protocol'
import {
  createResource,
  memoryRevocationSet,
  type Resource,
  type ResourceOptions,
  type RevocationSet,
} from '@countersign/resource'
import { jsonLog, type Running, serve } from '@countersign/server'
import { closeServer, listenOn } from '@countersign/testing/listening'
import { signedMessage } from '@countersign/testing/world/signed-message'
import { asAgent, asHolder, asKey, type Signer } from '@countersign/testing/world/signer'
import { startedClock } from '@countersign/testing/world/started-clock'
import { startedReplaySet } from '@countersign/testing/world/started-replay-set'
import { authToken } from '@countersign/testing/world/tokens'
import { makeWeb, publishAgent, publishIssuer } from '@countersign/testing/world/web'
import { createGateway, type GatewayOptions, type GatewayRoute } from './index.js'

export const resourceId = 'https://api.example'
const authServerId = 'https://auth.example'
const agentId = 'https://agent.example'

/** What the API behind the gateway received. */
export interface Seen {
  readonly method: string
  readonly target: string
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly body: string
}

/** What is to be signed. */
export interface ToSign {
  readonly as: Signer
  readonly method?: string
  readonly target: string
  readonly headers?: Array<[string, string]>
  readonly body?: string
  readonly additionalComponents?: readonly string[]
}

export interface World {
  readonly resource: Resource<'read'>
  /** What the resource is made of, but for its replay set. */
  readonly settings: ResourceOptions<'read'>
  readonly agent: Signer
  readonly stranger: Signer
  /** The grants that the resource refuses. */
  readonly revocations: RevocationSet
  holder(claims: {
    sub?: string
    delegate?: string
    grant?: string
    seconds?: number
    constraints?: readonly object[]
  }): Promise<Signer>
  sign(o: ToSign): Promise<Array<[string, string]>>
}

export async function makeWorld(options: { readonly cors?: CorsOrigins } = {}): Promise<World> {
  const [agentKey, authKey, resourceKey, strangerKey] = await Promise.all([1, 2, 3, 4].map(() => generateSigningKey()))
  if (!agentKey || !authKey || !resourceKey || !strangerKey) throw new Error('no keys')
  const [agent, authServer] = [
    { id: agentId, kid: 'k1', key: agentKey },
    { id: authServerId, kid: 'k1', key: authKey },
  ]
  const web = makeWeb()
  publishAgent(web, agentId, [agent])
  publishIssuer(web, authServerId, [authServer])
  const discovery = createDiscovery({ fetcher: web.fetcher })
  const revocations = memoryRevocationSet({ now: startedClock() })
  const settings: ResourceOptions<'read'> = {
    revocations,
    id: resourceId,
    keys: [{ kid: 'r1', key: resourceKey }],
    authServers: [authServerId],
    scopes: { read: 'Read' },
    discovery,
    ...options,
  }
  return {
    settings,
    resource: createResource({ replay: startedReplaySet(), ...settings }),
    agent: asAgent(agent),
    stranger: asKey(strangerKey),
    revocations,
    async holder({ sub, delegate, grant, seconds = 600, constraints }) {
      const now = Math.floor(Date.now() / 1000)
      const usual = {
        agent: agentId,
        agent_delegate: delegate,
        sub,
        grant,
        constraints,
        scope: 'read',
        jti: crypto.randomUUID(),
      }
      const claims = { ...usual, exp: now + seconds }
      const jwt = await authToken(authServer, { aud: resourceId, key: strangerKey, now, claims })
      return asHolder(strangerKey, jwt)
    },
    async sign(o) {
      const { headers } = await signedMessage({ origin: resourceId, ...o })
      return headers.map(([name, value]): [string, string] => [name, value])
    },
  }
}

/** The API behind, as a server. */
export interface UpstreamServer {
  readonly origin: string
  readonly seen: Seen[]
  readonly server: Server
  stop(): Promise<void>
}

/** How the API behind answers. */
export type AnswerAs = (request: IncomingMessage, response: ServerResponse, body: string) => void

/** The API behind: keeps what it received, and answers as it is told. */
export async function startUpstream(answer: AnswerAs): Promise<UpstreamServer> {
  const seen: Seen[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const headers: Array<readonly [string, string]> = []
    for (let at = 0; at < request.rawHeaders.length; at += 2)
      headers.push([request.rawHeaders[at]?.toLowerCase() ?? '', request.rawHeaders[at + 1] ?? ''])
    seen.push({ method: request.method ?? '', target: request.url ?? '', headers, body })
    answer(request, response, body)
  })
  const port = await listenOn(server)
  return {
    origin: `http://127.0.0.1:${port}`,
    seen,
    server,
    async stop() {
      server.closeAllConnections()
      await closeServer(server)
    },
  }
}

/** The gateway as its own server. */
export async function startGateway(
  world: World,
  upstream: string,
  routes: ReadonlyArray<GatewayRoute<'read'>>,
  options: Partial<GatewayOptions<'read'>> = {},
  write: (line: string) => void = () => {},
): Promise<Running> {
  const participant = createGateway({ resource: world.resource, upstream, routes, ...options })
  return serve({
    name: 'gateway',
    id: resourceId,
    port: 0,
    host: '127.0.0.1',
    participant,
    signals: false,
    announce: () => {},
    log: jsonLog({ name: 'gateway', write }),
    drain: 1,
    bodyLimit: 1_048_576,
  })
}
