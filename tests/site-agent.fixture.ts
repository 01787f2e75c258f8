import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Agent, agentServer, createAgent } from '@countersign/agent'
import { createDiscovery } from '@countersign/discovery'
import { generateSigningKey } from '@countersign/httpsig'
import { jwks } from '@countersign/protocol'

/**
 * An agent whose identity is served by a site of its own, on this machine.
 * @param o.send takes its signed requests in place of the network
 * @param o.now its clock, in Unix seconds
 */
export async function siteAgent(
  o: {
    readonly send?: (request: Request) => Promise<Response>
    readonly acceptAuthServer?: readonly string[]
    readonly now?: () => number
  } = {},
): Promise<Agent> {
  const { send, acceptAuthServer = [], now } = o
  const key = await generateSigningKey()
  const site = createServer((request, response) =>
    response.setHeader('content-type', 'application/json').end(JSON.stringify(documents[request.url ?? ''])),
  )
  await new Promise<void>(resolve => site.listen(0, 'localhost', resolve))
  site.unref()
  const id = `http://localhost:${(site.address() as AddressInfo).port}`
  const documents: Record<string, unknown> = {
    '/.well-known/aauth-agent': { issuer: id, agent: id, jwks_uri: `${id}/jwks.json` },
    '/jwks.json': jwks([{ kid: 'k1', key }]),
  }
  const discovery = createDiscovery({ development: true })
  return createAgent({
    identity: agentServer({ id, kid: 'k1', key }),
    identifyTo: 'any',
    development: true,
    discovery,
    acceptAuthServer,
    ...(now === undefined ? {} : { now }),
    ...(send === undefined ? {} : { fetch: (input, init) => send(new Request(input, init)) }),
  })
}
