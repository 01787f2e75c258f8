import { randomText } from '@countersign/httpsig'
import { AAuthError } from '@countersign/protocol'
import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js'
import type { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import type { Ask } from '../rules/names.js'

/** Seconds a server may take to list what it has. */
const deadline = 10

/**
 * Lets the guard itself ask the server of a session. The answers reach no caller: their ids are the guard's own.
 * @returns what asks, for a caller that handlers see as its own
 */
export function ownRequests(transport: WebStandardStreamableHTTPServerTransport): (authInfo: AuthInfo) => Ask {
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
        reject(new AAuthError('temporarily_unavailable', 'the server does not list what it has', { retryAfter: 5 }))
      }, deadline * 1000)
      waiting.set(id, result => {
        clearTimeout(over)
        waiting.delete(id)
        resolve(result)
      })
      transport.onmessage?.({ jsonrpc: '2.0', id, method, params: { ...params } }, { authInfo })
    })
}
