import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createDiscovery } from '@countersign/discovery'
import {
  generateSigningKey,
  memoryReplaySet,
  type ReplaySet,
  type SignatureKey,
  type SigningKey,
  signRequest,
} from '@countersign/httpsig'
import { type CorsOrigins, signToken } from '@countersign/protocol'
import { createResource, type Resource, type ResourceOptions } from '@countersign/resource'
import { jsonLog, type Running, serve } from '@countersign/server'
import { createGateway, type GatewayOptions, type GatewayRoute } from './index.js'

const resourceId = 'https://api.example'
const authServerId = 'https://auth.example'
const agentId = 'https://agent.example'

export type Signer = { readonly key: SigningKey; readonly signatureKey: SignatureKey }

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
  holder(claims: { sub?: string; delegate?: string; seconds?: number }): Promise<Signer>
  sign(o: ToSign): Promise<Array<[string, string]>>
}

export async function makeWorld(options: { readonly cors?: CorsOrigins } = {}): Promise<World> {
  const [agentKey, authKey, resourceKey, strangerKey] = await Promise.all([1, 2, 3, 4].map(() => generateSigningKey()))
  if (!agentKey || !authKey || !resourceKey || !strangerKey) throw new Error('no keys')
  const published = (key: SigningKey) => ({ keys: [{ ...key.publicJwk, kid: 'k1', use: 'sig' }] })
  const documents = new Map<string, object>([
    [`${agentId}/.well-known/aauth-agent`, { issuer: agentId, agent: agentId, jwks_uri: `${agentId}/jwks` }],
    [`${agentId}/jwks`, published(agentKey)],
    [
      `${authServerId}/.well-known/aauth-issuer`,
      { issuer: authServerId, jwks_uri: `${authServerId}/jwks`, agent_token_endpoint: `${authServerId}/token` },
    ],
    [`${authServerId}/jwks`, published(authKey)],
  ])
  const discovery = createDiscovery({
    fetcher: async url => ({
      status: documents.has(url) ? 200 : 404,
      contentType: 'application/json',
      body: new TextEncoder().encode(JSON.stringify(documents.get(url) ?? {})),
    }),
  })
  const settings: ResourceOptions<'read'> = {
    id: resourceId,
    keys: [{ kid: 'r1', key: resourceKey }],
    authServers: [authServerId],
    scopes: { read: 'Read' },
    discovery,
    ...options,
  }
  return {
    settings,
    resource: createResource({ replay: runningReplaySet(), ...settings }),
    agent: { key: agentKey, signatureKey: { scheme: 'jwks_uri', id: agentId, kid: 'k1', dwk: 'aauth-agent' } },
    stranger: { key: strangerKey, signatureKey: { scheme: 'hwk', jwk: strangerKey.publicJwk } },
    async holder({ sub, delegate, seconds = 600 }) {
      const iat = Math.floor(Date.now() / 1000)
      const claims = {
        iss: authServerId,
        aud: resourceId,
        agent: agentId,
        ...(delegate === undefined ? {} : { agent_delegate: delegate }),
        ...(sub === undefined ? {} : { sub }),
        scope: 'read',
        cnf: { jwk: strangerKey.publicJwk },
        iat,
        exp: iat + seconds,
        jti: crypto.randomUUID(),
      }
      const jwt = await signToken({ typ: 'auth+jwt', key: authKey, kid: 'k1', claims })
      return { key: strangerKey, signatureKey: { scheme: 'jwt', jwt } }
    },
    async sign({ as, method = 'GET', target, headers = [], body, additionalComponents = [] }) {
      const bytes = body === undefined ? {} : { body: new TextEncoder().encode(body) }
      const added = await signRequest({
        method,
        url: resourceId + target,
        headers,
        ...bytes,
        ...as,
        additionalComponents,
      })
      return [['host', 'api.example'], ...headers, ...added.map(([name, value]): [string, string] => [name, value])]
    },
  }
}

/** As if the gateway had been up for long. */
export function runningReplaySet(): ReplaySet {
  let began = false
  const now = () => {
    const time = Date.now() / 1000 - (began ? 0 : 1000)
    began = true
    return time
  }
  return memoryReplaySet({ now })
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
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    server,
    async stop() {
      server.closeAllConnections()
      await new Promise<void>(resolve => server.close(() => resolve()))
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
