import { randomText } from '@countersign/httpsig/internal'
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

/** Receives the client's answer to a question of the bridge. */
export interface Asker {
  resolve(result: JSONRPCResultResponse['result']): void
  reject(error: Error): void
}

/**
 * The requests to the client that wait for an answer: of the server, in each of its sessions, and of the bridge itself. Each answer
 * goes only to the side that asked.
 */
export interface Questions<Session> {
  /**
   * Records a request of the server, and returns it for the client: unchanged, unless a question of an earlier session has its id.
   * Undefined for one question too many, or an id that is too long: the client does not get it.
   */
  ask(request: JSONRPCRequest, session: Session): JSONRPCRequest | undefined
  /** Withdraws a question of the server, and returns the notification for the client; undefined when it is already answered. */
  withdraw(notification: JSONRPCNotification, session: Session): JSONRPCNotification | undefined
  /** Records a question of the bridge, and returns its id. */
  askOwn(asker: Asker): RequestId
  /** Forgets a question of the bridge. */
  forget(id: RequestId): void
  /** Settles a question, and returns the answer for the server; undefined when it is not for the server in this session. */
  answer(answer: Answer, session: Session | undefined): Answer | undefined
  /** The notifications that withdraw all questions of a session. */
  endSession(session: Session): readonly JSONRPCNotification[]
  /** Rejects all questions of the bridge. */
  close(error: Error): void
}

type Question<Session> = { readonly session: Session; readonly id: RequestId } | { readonly asker: Asker }

/** Most open questions: a server must not fill the client's memory. */
const mostQuestions = 1000
/** Most characters of an id. */
const longestId = 256

export function openQuestions<Session>(): Questions<Session> {
  const open = new Map<RequestId, Question<Session>>()
  const fresh = (): RequestId => `countersign-${randomText()}`
  return {
    ask(request, session) {
      if (open.size >= mostQuestions || String(request.id).length > longestId) return undefined
      const id = open.has(request.id) ? fresh() : request.id
      open.set(id, { session, id: request.id })
      return id === request.id ? request : { ...request, id }
    },
    withdraw(notification, session) {
      const { data } = CancelledNotificationSchema.safeParse(notification)
      for (const [id, question] of open) {
        if ('asker' in question || question.session !== session || question.id !== data?.params.requestId) continue
        open.delete(id)
        return id === question.id ? notification : cancelled(id, data.params.reason)
      }
      return undefined
    },
    askOwn(asker) {
      const id = fresh()
      open.set(id, { asker })
      return id
    },
    forget: id => void open.delete(id),
    answer(answer, session) {
      // An error without an id answers no request.
      if (answer.id === undefined) return answer
      const question = open.get(answer.id)
      open.delete(answer.id)
      if (question === undefined) return undefined
      if ('asker' in question) return tell(question.asker, answer)
      if (question.session !== session) return undefined
      return answer.id === question.id ? answer : { ...answer, id: question.id }
    },
    endSession(session) {
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
  else asker.reject(new Error('the client answered with an error', { cause: answer.error }))
}

/** The notification that cancels a request. */
export function cancelled(requestId: RequestId, reason: string | undefined): JSONRPCNotification {
  const params = { requestId, ...(reason === undefined ? {} : { reason }) }
  return { jsonrpc: '2.0', method: 'notifications/cancelled', params }
}
