import { randomText } from '@countersign/httpsig'
import {
  CancelledNotificationSchema,
  isJSONRPCResultResponse,
  type JSONRPCErrorResponse,
  type JSONRPCNotification,
  type JSONRPCRequest,
  type JSONRPCResultResponse,
  type RequestId,
} from '@modelcontextprotocol/sdk/types.js'

/** A result or an error. */
export type Answer = JSONRPCResultResponse | JSONRPCErrorResponse

/** Somebody who waits for the client's answer. */
export interface Asker {
  resolve(result: JSONRPCResultResponse['result']): void
  reject(error: Error): void
}

/**
 * What the client was asked and has not answered: by the server, session after session, and by the bridge itself. Each
 * answer goes to whoever asked, and to no one else.
 */
export interface Questions<Session> {
  /**
   * A request of the server as the client gets it: as it came, unless a question of an earlier session has its id. Undefined where
   * the server has asked too much already, or by an id that is too long: the client does not get it.
   */
  asked(request: JSONRPCRequest, session: Session): JSONRPCRequest | undefined
  /** The server takes a question back; undefined when it is answered already. */
  withdrawn(notification: JSONRPCNotification, session: Session): JSONRPCNotification | undefined
  /** An id for a question of the bridge's own. */
  own(asker: Asker): RequestId
  /** Takes a question of the bridge's own back. */
  forget(id: RequestId): void
  /** What the client answers, as the server gets it; undefined when it is not for the server of this session. */
  answered(answer: Answer, session: Session | undefined): Answer | undefined
  /** Takes all back that a session asked. */
  ended(session: Session): readonly JSONRPCNotification[]
  /** Tells all who wait for an answer to a question of the bridge's own that none will come. */
  close(error: Error): void
}

type Question<Session> = { readonly session: Session; readonly id: RequestId } | { readonly asker: Asker }

/** Questions that wait, and characters of an id: a server that asks without end must not grow its client. */
const [most, longestId] = [1000, 256]

export function openQuestions<Session>(): Questions<Session> {
  const open = new Map<RequestId, Question<Session>>()
  const fresh = (): RequestId => `countersign-${randomText()}`
  return {
    asked(request, session) {
      if (open.size >= most || String(request.id).length > longestId) return undefined
      const id = open.has(request.id) ? fresh() : request.id
      open.set(id, { session, id: request.id })
      return id === request.id ? request : { ...request, id }
    },
    withdrawn(notification, session) {
      const { data } = CancelledNotificationSchema.safeParse(notification)
      for (const [id, question] of open) {
        if ('asker' in question || question.session !== session || question.id !== data?.params.requestId) continue
        open.delete(id)
        return id === question.id ? notification : cancelled(id, data.params.reason)
      }
      return undefined
    },
    own(asker) {
      const id = fresh()
      open.set(id, { asker })
      return id
    },
    forget: id => void open.delete(id),
    answered(answer, session) {
      // An error without an id answers nothing in particular.
      if (answer.id === undefined) return answer
      const question = open.get(answer.id)
      open.delete(answer.id)
      if (question === undefined) return undefined
      if ('asker' in question) return tell(question.asker, answer)
      if (question.session !== session) return undefined
      return answer.id === question.id ? answer : { ...answer, id: question.id }
    },
    ended(session) {
      const left = [...open].filter(([, question]) => 'session' in question && question.session === session)
      return left.map(([id]) => cancelled(id, 'the session has ended'))
    },
    close(error) {
      for (const question of open.values()) if ('asker' in question) question.asker.reject(error)
      open.clear()
    },
  }
}

function tell(asker: Asker, answer: Answer): undefined {
  if (isJSONRPCResultResponse(answer)) asker.resolve(answer.result)
  else asker.reject(new Error('the client answers with an error', { cause: answer.error }))
}

/** Tells a peer that nobody waits for its answer any more. */
export function cancelled(requestId: RequestId, reason: string | undefined): JSONRPCNotification {
  const params = { requestId, ...(reason === undefined ? {} : { reason }) }
  return { jsonrpc: '2.0', method: 'notifications/cancelled', params }
}
