import { checkOptions } from '#check-options'
import { type HeadJudgement, headerValues, type ReceivedMessage } from './received-message.js'
import { type OpenOptions, openChecks, openSignature } from './verify.js'

/** The message as it is judged where its body is not read: no verifier lets it pass. */
export function refusedHead(head: ReceivedMessage, fault?: unknown): ReceivedMessage {
  return { ...head, dangerouslyUnseenBody: true, ...(fault === undefined ? {} : { headFault: fault }) }
}

/**
 * Makes the checks of {@link openSignature} on the head of a signed request whose body has not been read, so that a stranger's body
 * is not gathered for a signature that cannot hold.
 * @see docs/protocol.md §3.3
 */
export function judgeHead(head: ReceivedMessage, options: OpenOptions): HeadJudgement {
  checkOptions('judgeHead', options, openChecks)
  const isDigested = headerValues(head, 'content-digest').length > 0
  const faultOf = (message: ReceivedMessage): unknown => {
    try {
      openSignature(message, options)
      return undefined
    } catch (fault) {
      return fault
    }
  }
  const withoutBody = (): unknown => faultOf(head)
  if (!isDigested) {
    const fault = withoutBody()
    return fault === undefined ? 'byte' : refusedHead(head, fault)
  }
  const fault = faultOf(refusedHead(head))
  if (fault === undefined) return 'whole'
  // An empty body may still make it right.
  return withoutBody() === undefined ? 'byte' : refusedHead(head, fault)
}
