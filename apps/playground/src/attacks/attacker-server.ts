import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { thumbprint } from '@countersign/httpsig'
import { signJws } from '@countersign/protocol/internal'
import type { Signer } from './signing.js'

/** A server of the attacker: an issuer and a resource of its own, with the attacker's key. */
export interface AttackerServer {
  readonly id: string
  /** How many requests have come. */
  readonly asked: () => number
  close(): Promise<void>
}

/** Starts it on a free port of this machine. Its resource sends every agent to its own issuer. */
export async function startAttacker({ key }: Signer): Promise<AttackerServer> {
  const kid = 'attacker'
  let asked = 0
  let id = ''
  const documents: Readonly<Record<string, () => object>> = {
    '/.well-known/jwks.json': () => ({ keys: [{ ...key.publicJwk, kid, use: 'sig' }] }),
    '/.well-known/aauth-issuer': () => ({
      issuer: id,
      jwks_uri: `${id}/.well-known/jwks.json`,
      agent_token_endpoint: `${id}/agent/token`,
      agent_auth_endpoint: `${id}/agent/authorize`,
    }),
    '/.well-known/aauth-resource': () => ({
      issuer: id,
      resource: id,
      jwks_uri: `${id}/.well-known/jwks.json`,
      auth_servers: [id],
    }),
  }
  const challenge = async (shown: string): Promise<string> => {
    const [, jwt] = /jwt="([^"]+)"/.exec(shown) ?? []
    if (jwt === undefined) return 'httpsig; identity=?1'
    const { iss, sub, cnf } = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8'))
    const at = Math.floor(Date.now() / 1000)
    const claims = {
      iss: id,
      aud: id,
      agent: iss,
      agent_delegate: sub,
      agent_jkt: await thumbprint(cnf.jwk),
      scope: 'all',
      iat: at,
      exp: at + 300,
      jti: crypto.randomUUID(),
    }
    const token = await signJws({ typ: 'resource+jwt', kid }, JSON.stringify(claims), key)
    return `httpsig; auth-token; resource_token="${token}"; auth_server="${id}"`
  }
  const server = createServer((request, response) => {
    asked++
    const document = documents[request.url ?? '']
    if (document !== undefined)
      return void response.setHeader('content-type', 'application/json').end(JSON.stringify(document()))
    void challenge(String(request.headers['signature-key'] ?? '')).then(value => {
      const body = JSON.stringify({ error: 'insufficient_level', error_description: 'come to my own auth server' })
      response.writeHead(401, { 'agent-auth': value, 'content-type': 'application/json' }).end(body)
    })
  })
  await new Promise<void>(resolve => server.listen(0, 'localhost', resolve))
  id = `http://localhost:${(server.address() as AddressInfo).port}`
  return {
    id,
    asked: () => asked,
    close: () =>
      new Promise(resolve => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
