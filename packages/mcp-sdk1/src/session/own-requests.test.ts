import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js'
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import { expect, test, vi } from 'vitest'
import { ownRequests } from './own-requests.js'

const caller: AuthInfo = { token: '', clientId: 'https://agent.example', scopes: [] }

test('a server that does not answer the guard within ten seconds is unavailable', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const ask = ownRequests(new WebStandardStreamableHTTPServerTransport())(caller)
    const unavailable = { code: 'temporarily_unavailable', reason: 'dependency_unavailable', retryAfter: 5 }
    const refused = expect(ask('tools/list', {})).rejects.toMatchObject(unavailable)
    await vi.advanceTimersByTimeAsync(10_000)
    await refused
  } finally {
    vi.useRealTimers()
  }
})
