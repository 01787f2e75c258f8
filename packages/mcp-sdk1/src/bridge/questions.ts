import { randomText } from '@countersign/httpsig/internal'
import {
  type Answer,
  cancelled,
  cancelledId,
  type RequestId,
  type RpcNotification,
  type RpcRequest,
} from '@countersign/mcp/internal/client'
import { isShort } from './transport.js'

/**
 * The requests of the server to the client that wait for an answer, in each of its sessions. Each answer goes only to the session that
 * asked.
 */
export interface Questions<Session> {
  /**
   * Records a request of the server, and returns it for the client: unchanged, unless a question of an earlier session has its id.
   * Undefined for one question too many, or an id that is too long: the client does not get it.
   */
  ask(request: RpcRequest, session: Session): RpcRequest | undefined
  /** Withdraws a question of the server, and returns the notification for the client; undefined when it is already answered. */
  withdraw(notification: RpcNotification, session: Session): RpcNotification | undefined
  /** Settles a question, and returns the answer for the server; undefined when it is not for the server in this session. */
  answer(answer: Answer, session: Session | undefined): Answer | undefined
  /** The notifications that withdraw all questions of a session. */
  endSession(session: Session): readonly RpcNotification[]
}

interface Question<Session> {
  readonly session: Session
  readonly id: RequestId
}

/** Most open questions: a server must not fill the client's memory. */
const mostQuestions = 1000

export function openQuestions<Session>(): Questions<Session> {
  // bound: 1000 questions by ids of 256 characters; bytes: 1000 × 400; grown by a peer; filled by
  // bounded-collections-fills.test.ts "questions of a server"
  const open = new Map<RequestId, Question<Session>>()
  return {
    ask(request, session) {
      if (open.size >= mostQuestions || !isShort(request.id)) return undefined
      const id = open.has(request.id) ? `countersign-${randomText()}` : request.id
      open.set(id, { session, id: request.id })
      return id === request.id ? request : { ...request, id }
    },
    withdraw(notification, session) {
      const asked = cancelledId(notification)
      const reason = notification.params?.['reason']
      for (const [id, question] of open) {
        if (question.session !== session || question.id !== asked) continue
        open.delete(id)
        return id === question.id ? notification : cancelled(id, typeof reason === 'string' ? reason : undefined)
      }
      return undefined
    },
    answer(answer, session) {
      // An error without an id answers no request.
      if (answer.id === undefined) return answer
      const question = open.get(answer.id)
      open.delete(answer.id)
      if (question === undefined || question.session !== session) return undefined
      return answer.id === question.id ? answer : { ...answer, id: question.id }
    },
    endSession(session) {
      const left = [...open].filter(([, question]) => question.session === session)
      return left.map(([id]) => cancelled(id, 'the session has ended'))
    },
  }
}
