import { createServer } from 'node:net'
import type { Directory } from '@countersign/discovery'
import { AAuthError } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { createAgent, delegate } from './index.js'
import { describeFault, isUnreachable, unreachableFacts } from './wire/post-fetch-node.js'
import { postFetch as inPages } from './wire/post-fetch-web.js'

/** A server on this machine that counts who connects, and answers that it takes no code. */
async function counting() {
  let connections = 0
  const body = '{"error":"invalid_grant"}'
  const head = `HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`
  const server = createServer(socket => {
    connections += 1
    socket.on('error', () => undefined)
    socket.once('data', () => socket.end(head + body))
  })
  const port = await new Promise<number>(resolve => {
    server.listen(0, '127.0.0.1', () => resolve(Object(server.address()).port))
  })
  return { port, seen: () => connections, stop: () => new Promise(resolve => server.close(resolve)) }
}

/** Enrols where the agent server's metadata say. */
function enrolling(agentServer: string, endpoint: string, development: boolean) {
  const metadata = async () => ({
    issuer: agentServer,
    agent: agentServer,
    jwks_uri: '',
    delegate_token_endpoint: endpoint,
  })
  const discovery = { agent: metadata } as unknown as Directory
  const enroll = { type: 'code', code: 'abc' } as const
  return createAgent({ identity: delegate({ agentServer, enroll }), discovery, development }).identify()
}

test(
  verifies('discovery.posts', 'a token request connects to no address inside, whatever its URL leads to'),
  async () => {
    const { port, seen, stop } = await counting()
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '169.254.169.254', '10.0.0.1', 'metadata.internal']) {
      const call = enrolling('https://agent.example', `https://${host}:${port}/delegates`, false)
      await expect(call, host).rejects.toMatchObject({
        code: 'unreachable',
        cause: { reason: expect.stringMatching(/not allowed/) },
      })
    }
    expect(seen()).toBe(0)
    // In development loopback is where it goes.
    const own = enrolling(`http://localhost:${port}`, `http://localhost:${port}/delegates`, true)
    await expect(own).rejects.toMatchObject({ code: 'denied', cause: { status: 400, error: 'invalid_grant' } })
    expect(seen()).toBe(1)
    await stop()
  },
)

test('where a platform has no control of addresses its own fetch is used', async () => {
  const { port, stop } = await counting()
  const init = { method: 'POST', headers: [], redirect: 'manual', credentials: 'omit' } as const
  const response = await inPages()(`http://127.0.0.1:${port}/`, {
    ...init,
    headers: [],
    signal: AbortSignal.timeout(5000),
  })
  expect([response.status, await response.json()]).toEqual([400, { error: 'invalid_grant' }])
  await stop()
})

test.each([
  [{ code: 'ECONNREFUSED' }, 'connection refused'],
  [{ code: 'ENOTFOUND' }, 'no address in DNS'],
  [{ code: 'ABORT_ERR' }, 'no answer in time'],
  [{ name: 'TimeoutError' }, 'no answer in time'],
  [{ code: 'UND_ERR_CONNECT_TIMEOUT' }, 'no answer in time'],
  [{ code: 'ERR_SSL_WRONG_VERSION_NUMBER' }, 'TLS: none is spoken on that port'],
  [{ why: 'TLS: EPROTO' }, 'TLS: none is spoken on that port'],
  [{ why: 'TLS: CERT_HAS_EXPIRED' }, 'TLS: its certificate has expired'],
  [{ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, 'TLS: its certificate is from no issuer that this machine trusts'],
  [{ code: 'EOTHER' }, 'EOTHER'],
])('%o is said as %s', (cause, reason) => {
  const url = 'https://host.example/secret'
  expect(unreachableFacts({ url, cause })).toEqual({ origin: 'https://host.example', reason })
})

test('a name without an address is unreachable; a wrong document is reported with its fault', () => {
  const url = 'https://host.example/x'
  const failed = (description: string, cause: object) =>
    new AAuthError('discovery_failed', description, { reason: 'document_malformed', cause })
  const nowhere = failed('the document is not at an address that may be fetched', { url, why: 'no address in DNS' })
  const inside = failed('the document is not at an address that may be fetched', { url, why: 'address not allowed' })
  expect([
    isUnreachable(nowhere),
    isUnreachable(inside),
    isUnreachable(new AAuthError('discovery_failed', 'x', { reason: 'document_malformed', status: 503 })),
  ]).toEqual([true, false, true])
  expect(describeFault(inside)).toBe(
    'discovery_failed: the document is not at an address that may be fetched, https://host.example: address not allowed',
  )
  expect(describeFault(failed('the document must be JSON', {}))).toBe('discovery_failed: the document must be JSON')
  expect(describeFault(new AAuthError('invalid_agent_token', 'secret', { reason: 'key_unknown' }))).toBe(
    'invalid_agent_token',
  )
})
