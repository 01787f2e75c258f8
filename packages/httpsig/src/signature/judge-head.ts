import { checkOptions } from '#check-options'
import { type HeadJudgement, headerValues, type ReceivedMessage } from '../message/received-message.js'
import { type OpenedSignature, type OpenOptions, openChecks, openSignature } from './verify.js'

/** The message as it is judged where its body is not read: no verifier lets it pass. */
export function refusedHead(head: ReceivedMessage, fault?: unknown): ReceivedMessage {
  return { ...head, dangerouslyUnseenBody: true, ...(fault === undefined ? {} : { headFault: fault }) }
}

/**
 * Makes the checks of {@link openSignature} on the head of a signed request whose body has not been read, so that a stranger's body
 * is not gathered for a signature that cannot hold.
 * @returns the message that is refused whatever its body is; `byte` where the first byte of a body refuses it; or the signature, which
 * {@link verifySignature} verifies before there is a body. With it {@link reopenSignature} opens the whole message.
 * @see docs/protocol.md §3.3
 */
export function openHead(head: ReceivedMessage, options: OpenOptions): OpenedSignature | 'byte' | ReceivedMessage {
  checkOptions('openHead', options, openChecks)
  const isDigested = headerValues(head, 'content-digest').length > 0
  const withBody = isDigested ? tryOpen(refusedHead(head), options) : undefined
  if (withBody !== undefined && 'opened' in withBody) return withBody.opened
  // An empty body may still make it right.
  const without = tryOpen(head, options)
  return 'opened' in without ? 'byte' : refusedHead(head, (withBody ?? without).fault)
}

type Tried = { readonly opened: OpenedSignature } | { readonly fault: unknown }

function tryOpen(message: ReceivedMessage, options: OpenOptions): Tried {
  try {
    return { opened: openSignature(message, options) }
  } catch (fault) {
    return { fault }
  }
}

/** As {@link openHead}, for what only reads: `whole` where the body decides. */
export function judgeHead(head: ReceivedMessage, options: OpenOptions): HeadJudgement {
  checkOptions('judgeHead', options, openChecks)
  const judged = openHead(head, options)
  return typeof judged === 'object' && 'base' in judged ? 'whole' : judged
}
