import type { AddressInfo } from 'node:net'
import { createDiscovery } from '@countersign/discovery'
import { generateSigningKey, memoryReplaySet, type PublicJwk } from '@countersign/httpsig'
import { guardMcp } from '@countersign/mcp'
import { createResource } from '@countersign/resource'
import { mountNode } from '@countersign/server'
import { makeWeb } from '@countersign/testing/world/web'
import { requireBearerAuth } from '@modelcontextprotocol/express'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import express, { type RequestHandler } from 'express'
import { importJWK, jwtVerify } from 'jose'
import { answerMeasurements } from './measured-process.js'

/** What the bench tells this process. */
export interface McpOrder {
  readonly kind: 'bare' | 'aauth' | 'bearer'
  readonly issuer: string
  readonly issuerKey: PublicJwk
  /** The resource. */
  readonly audience: string
}

function tools(): McpServer {
  const server = new McpServer({ name: 'bench', version: '1' })
  server.registerTool('now', {}, async () => ({ content: [{ type: 'text', text: 'Chess at eight' }] }))
  return server
}

async function guarded({ issuer, issuerKey, audience }: McpOrder): Promise<RequestHandler> {
  const documents: Readonly<Record<string, object>> = {
    [`${issuer}/.well-known/aauth-issuer`]: { issuer, jwks_uri: `${issuer}/jwks`, agent_token_endpoint: `${issuer}/t` },
    [`${issuer}/jwks`]: { keys: [{ ...issuerKey, kid: 'k1', use: 'sig' }] },
  }
  const resource = createResource({
    id: audience,
    keys: [{ kid: 'r1', key: await generateSigningKey() }],
    authServers: [issuer],
    scopes: { 'events.read': 'See your events' },
    // One caller makes all the calls, more than one gets by default.
    replay: memoryReplaySet({ capacity: 100_000, share: 100_000 }),
    discovery: createDiscovery({ fetcher: makeWeb(new Map(Object.entries(documents))).fetcher }),
  })
  const handle = mountNode(guardMcp(tools, resource, { tools: { '*': { scope: 'events.read' } } }))
  return (request, response, next) => void handle(request, response, next)
}

/** As the SDK's own examples do it; for `bearer` behind its own check, with a JWT that is verified each time. */
async function plain({ kind, issuer, issuerKey, audience }: McpOrder): Promise<RequestHandler> {
  const router = express.Router()
  const key = await importJWK({ ...issuerKey }, 'EdDSA')
  const verifyAccessToken = async (token: string) => {
    const { payload } = await jwtVerify(token, key, { issuer, audience })
    return { token, clientId: 'bench', scopes: String(payload['scope']).split(' '), expiresAt: payload.exp ?? 0 }
  }
  if (kind === 'bearer')
    router.use(requireBearerAuth({ verifier: { verifyAccessToken }, requiredScopes: ['events.read'] }))
  router.use(express.json())
  const handle = toNodeHandler(createMcpHandler(tools))
  router.all('/mcp', (request, response) => void handle(request, response, request.body))
  return router
}

/** All kinds stand in the same Express: what differs is who looks at a request first. */
async function listening(order: McpOrder): Promise<number> {
  const app = express()
  app.use(await (order.kind === 'aauth' ? guarded : plain)(order))
  const server = app.listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  return (server.address() as AddressInfo).port
}

answerMeasurements<McpOrder>(listening)
