import { createAgent, delegate, type Enrollment as Enrol, memoryState } from '@countersign/agent'
import {
  type AgentServer,
  type AgentServerOptions,
  createAgentServer,
  custom,
  oidc,
  session,
} from '@countersign/agent-server'
import { createDiscovery } from '@countersign/discovery'
import { generateSigningKey, headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { createVerifier } from '@countersign/verify'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterEach, expect, test } from 'vitest'

// Every way to enrol, from the agent of one package to the agent server of another, over a network in memory.

const home = 'https://agent.example'
const resource = 'https://api.example'
const now = () => 1_770_000_000

const servers: AgentServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

async function serverWith(enrollment: AgentServerOptions['enrollment']): Promise<AgentServer> {
  const keys = [{ kid: 'k1', key: await generateSigningKey() }]
  const server = await createAgentServer({
    id: home,
    keys,
    database: 'sqlite::memory:',
    now,
    enrollment: enrollment ?? [],
  })
  servers.push(server)
  return server
}

function received(
  address: string,
  init: RequestInit | undefined,
  more: ReceivedMessage['headers'] = [],
): ReceivedMessage {
  const url = new URL(address)
  const body = init?.body instanceof Uint8Array ? { body: init.body } : {}
  const headers = [['host', url.host] as const, ...new Headers(init?.headers), ...more]
  return { method: init?.method ?? 'GET', target: url.pathname + url.search, headers, ...body }
}

/** Which delegate a resource sees. `headers` are what a browser adds to requests for the agent server. */
async function seenAs(server: AgentServer, enroll: Enrol, headers: ReceivedMessage['headers'] = []): Promise<unknown> {
  const discovery = createDiscovery({
    now,
    async fetcher(url) {
      const response = await server.handle(received(url, {}))
      const contentType = response.headers.get('content-type') ?? ''
      return { status: response.status, contentType, body: new Uint8Array(await response.arrayBuffer()) }
    },
  })
  const verifier = createVerifier({ receiver: resource, discovery, accept: ['agent+jwt'], now })
  const agent = createAgent({
    identity: delegate({ agentServer: home, enroll }),
    state: memoryState(),
    identifyTo: [resource],
    discovery,
    now,
    async fetch(input, init) {
      const address = String(input)
      if (!address.startsWith(resource)) return server.handle(received(address, init, headers))
      const { caller } = await verifier.verify(received(address, init))
      const seen = caller.level === 'identified' ? caller.delegate : undefined
      return seen === undefined
        ? new Response(null, { status: 401, headers: { 'agent-auth': 'httpsig; identity=?1' } })
        : Response.json({ seen })
    },
  })
  const response = await agent.fetch(`${resource}/whoami`)
  return response.ok ? response.json() : response.status
}

test(
  verifies(
    'delegate.enrol.oidc',
    'a workload gets a token that names its new key, and is met under the sub of its rule',
  ),
  async () => {
    const { publicKey, privateKey } = await generateKeyPair('RS256')
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'RS256' }] }
    const issuer = 'https://ci.example'
    const server = await serverWith([oidc({ issuers: [{ issuer, name: 'ci', subjects: ['repo:acme/*'], jwks }] })])
    const tokenFor = (audience: string) =>
      new SignJWT({ iss: issuer, sub: 'repo:acme/app', aud: audience, iat: now(), exp: now() + 300 })
        .setProtectedHeader({ alg: 'RS256', kid: 'k' })
        .sign(privateKey)
    const asked: string[] = []
    const token = async ({ audience, thumbprint }: { audience: string; thumbprint: string }) => {
      expect(audience).toBe(`${home}/delegate/token#${thumbprint}`)
      asked.push(audience)
      return tokenFor(audience)
    }
    expect(await seenAs(server, { type: 'oidc', token })).toEqual({ seen: 'oidc:ci#repo:acme/app' })
    expect(asked).toHaveLength(1)
    const stolen = await tokenFor(asked[0] ?? '')
    expect(await seenAs(server, { type: 'oidc', token: stolen })).toBe(401)
  },
)

test(
  verifies('delegate.enrol.session', 'a page enrols by the session of its browser, another site by nothing'),
  async () => {
    const authenticate = (message: ReceivedMessage) =>
      headerValues(message, 'cookie').includes('sid=1') ? { user: 'alice', device: 'laptop' } : undefined
    const server = await serverWith([session({ authenticate })])
    const cookie = ['cookie', 'sid=1'] as const
    expect(await seenAs(server, { type: 'session' }, [['origin', home], cookie])).toEqual({
      seen: 'session:alice/laptop',
    })
    expect(await seenAs(server, { type: 'session' }, [['origin', 'https://evil.example'], cookie])).toBe(401)
    expect(await seenAs(server, { type: 'session' }, [['origin', home]])).toBe(401)
  },
)

test('a way of its own enrols by the members that its function makes', async () => {
  const server = await serverWith([
    custom('tpm', ({ members, jkt }) =>
      members['quote'] === `quote of ${jkt}` ? { sub: 'board-7', enrollment: 'plant' } : undefined,
    ),
  ])
  const quote = async ({ thumbprint }: { thumbprint: string }) => ({ type: 'tpm', quote: `quote of ${thumbprint}` })
  expect(await seenAs(server, { type: 'custom', enrollment: quote })).toEqual({ seen: 'tpm:board-7' })
  const forged = { type: 'tpm', quote: 'quote of another key' }
  expect(await seenAs(server, { type: 'custom', enrollment: forged })).toBe(401)
})
