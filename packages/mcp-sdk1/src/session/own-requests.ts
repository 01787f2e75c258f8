import { randomText } from '@countersign/httpsig/internal'
import type { Ask } from '@countersign/mcp/internal'
import { refusal } from '@countersign/protocol/internal'
import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js'
import type { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'

/** Seconds in which the server must answer. */
const deadline = 10

/**
 * Lets the guard send requests of its own to the server of a session. The answers reach no caller: the guard recognises their ids.
 * @returns sends a request; handlers see it as one of the given caller
 */
export function ownRequests(transport: WebStandardStreamableHTTPServerTransport): (authInfo: AuthInfo) => Ask {
  // bound: requests under way, of 10 seconds; bytes: small; grown by a stranger; shared: each session its own; filled
  // by bounded-collections-fills.test.ts "requests of one MCP session"
  const waiting = new Map<string | number, (result: Readonly<Record<string, unknown>> | undefined) => void>()
  const send = transport.send.bind(transport)
  transport.send = async (message, options) => {
    const id = 'id' in message && !('method' in message) ? message.id : undefined
    const settle = id === undefined ? undefined : waiting.get(id)
    if (settle === undefined) return send(message, options)
    settle('result' in message ? message.result : undefined)
  }
  return authInfo => (method, params) =>
    new Promise((resolve, reject) => {
      const id = randomText()
      const over = setTimeout(() => {
        waiting.delete(id)
        reject(
          refusal('dependency_unavailable', {
            about: 'the MCP server did not list its tools and prompts',
            retryAfter: 5,
          }),
        )
      }, deadline * 1000)
      waiting.set(id, result => {
        clearTimeout(over)
        waiting.delete(id)
        resolve(result)
      })
      transport.onmessage?.({ jsonrpc: '2.0', id, method, params: { ...params } }, { authInfo })
    })
}
