import { createServer, type Server } from 'node:http'
import { generateSigningKey } from '@countersign/httpsig'
import { jwks } from '@countersign/protocol'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { Published, Workloads } from '../clients/world.js'
import type { History } from '../history.js'

// What the rig serves itself: the API behind the gateways, two resources in the middle, and the platform that delegates run on.

/** A server of the rig. */
export interface Site {
  readonly origin: string
  close(): Promise<void>
}

/** Publishes a resource that calls others. */
export async function openMiddle(scope: string): Promise<Site & Published> {
  const key = await generateSigningKey()
  const kid = 'k1'
  const documents = new Map<string, object>()
  const site = await serveDocuments(documents)
  const id = site.origin
  documents.set('/jwks.json', jwks([{ kid, key }]))
  const common = { issuer: id, jwks_uri: `${id}/jwks.json` }
  documents.set('/.well-known/aauth-agent', { ...common, agent: id, redirect_uris: [`${id}/callback`] })
  documents.set('/.well-known/aauth-resource', { ...common, resource: id, supported_scopes: [scope] })
  return { ...site, id, key, kid }
}

/** Publishes the platform whose OIDC tokens enrol delegates. */
export async function openWorkloads(): Promise<Site & Workloads> {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const documents = new Map<string, object>()
  const site = await serveDocuments(documents)
  const id = site.origin
  documents.set('/jwks.json', { keys: [{ ...(await exportJWK(publicKey)), kid: 'w1', alg: 'ES256', use: 'sig' }] })
  documents.set('/.well-known/openid-configuration', { issuer: id, jwks_uri: `${id}/jwks.json` })
  return {
    ...site,
    id,
    sign: ({ audience, run }) =>
      new SignJWT({ run })
        .setProtectedHeader({ alg: 'ES256', kid: 'w1', typ: 'JWT' })
        .setIssuer(id)
        .setSubject('workload:chaos')
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime('5m')
        .sign(privateKey),
  }
}

async function serveDocuments(documents: ReadonlyMap<string, object>): Promise<Site> {
  const server = createServer(({ url = '' }, response) => {
    const document = documents.get(url.split('?')[0] ?? '')
    if (document === undefined) response.writeHead(404).end()
    else response.setHeader('content-type', 'application/json').end(JSON.stringify(document))
  })
  const port = await listen(server)
  return { origin: `http://localhost:${port}`, close: () => closeSite(server) }
}

/** The API behind one gateway: it writes down each request that it gets. */
export async function openApi(history: History, instance: string): Promise<Site> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://api')
    const [agent, delegate] = ['aauth-agent', 'aauth-delegate'].map(name => String(request.headers[name] ?? ''))
    const caller = url.pathname === '/limited' ? String(agent) : `${agent} ${delegate}`
    const nonce = url.searchParams.get('n') ?? ''
    if (nonce !== '') history.add({ type: 'effect', at: Date.now(), nonce, route: url.pathname, instance, caller })
    request.resume()
    response.setHeader('content-type', 'application/json').end('{"done":true}')
  })
  const port = await listen(server)
  return { origin: `http://127.0.0.1:${port}`, close: () => closeSite(server) }
}

function listen(server: Server): Promise<number> {
  return new Promise(resolve => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
}

function closeSite(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise(resolve => void server.close(() => resolve()))
}
