import { createServer } from 'node:net'
import type { Directory } from '@countersign/discovery'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { createAgent, delegate } from './index.js'
import { postFetch as inPages } from './post-fetch-web.js'

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
