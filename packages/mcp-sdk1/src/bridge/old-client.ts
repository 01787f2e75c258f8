import { randomText } from '@countersign/httpsig/internal'
import {
  cancelled,
  isAnswer,
  isNotification,
  isRequest,
  isResult,
  type Params,
  type RequestId,
  type RpcMessage,
} from '@countersign/mcp/internal/client'
import { isObject } from '@countersign/protocol/internal'
import { type Asker, answerOf, type ClientPort, mostAsked } from './client-port.js'

/**
 * A client of revision 2025-11-25 or before: its user is asked by requests, under ids that no server can have. Their answers do not reach
 * the server.
 */
export function oldClient(send: (message: RpcMessage) => Promise<void>, onError: (error: Error) => void): ClientPort {
  // bound: 64 questions; bytes: small; grown by a peer; filled by hostile.test.ts "too many questions"
  const asked = new Map<RequestId, Asker>()
  let declared: Params | undefined
  let isInitialized = false
  const tell = (message: RpcMessage): void => void send(message).catch(onError)
  return {
    get capabilities() {
      return isInitialized ? declared : undefined
    },
    fromClient(message) {
      if (isRequest(message) && message.method === 'initialize') {
        const capabilities = message.params?.['capabilities']
        declared = isObject(capabilities) ? capabilities : {}
      }
      if (isNotification(message) && message.method === 'notifications/initialized') isInitialized = true
      if (!isAnswer(message) || message.id === undefined) return message
      const asker = asked.get(message.id)
      if (asker === undefined) return message
      asked.delete(message.id)
      if (isResult(message)) asker.resolve(message.result)
      else asker.reject(new Error('the client answered with an error', { cause: message.error }))
      return undefined
    },
    toClient: tell,
    async ask({ method, params, signal }) {
      signal?.throwIfAborted()
      if (asked.size >= mostAsked) throw new Error('too many questions to the client are open')
      const id = `countersign-${randomText()}`
      const { asker, answer } = answerOf(signal, () => {
        asked.delete(id)
        tell(cancelled(id, undefined))
      })
      asked.set(id, asker)
      send({ jsonrpc: '2.0', id, method, ...(params === undefined ? {} : { params }) }).catch(asker.reject)
      return answer.finally(() => asked.delete(id))
    },
    complete: async elicitationId =>
      send({ jsonrpc: '2.0', method: 'notifications/elicitation/complete', params: { elicitationId } }),
    close(error) {
      for (const asker of asked.values()) asker.reject(error)
      asked.clear()
    },
  }
}
