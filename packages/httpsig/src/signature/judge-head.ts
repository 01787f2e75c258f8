import { checkOptions } from '#check-options'
import { headerValues, type ReceivedMessage } from '../message/received-message.js'
import { type OpenedSignature, type OpenOptions, openChecks, openSignature } from './verify.js'

/** The message as refused by its head, without its body: every verifier refuses it. */
export function refusedHead(head: ReceivedMessage, fault?: unknown): ReceivedMessage {
  return { ...head, dangerouslyUnseenBody: true, ...(fault === undefined ? {} : { headFault: fault }) }
}

/**
 * Makes the checks of {@link openSignature} on the head of a signed request before its body is read, so that a body is not gathered
 * for a signature that cannot verify.
 * @returns the refused message, when it is refused whatever its body is; `byte` when one byte of a body refuses it; else the opened
 * signature, which {@link verifySignature} can verify before the body arrives. {@link reopenSignature} then opens the whole message.
 * @see protocol §3.3
 */
export function openHead(head: ReceivedMessage, options: OpenOptions): OpenedSignature | 'byte' | ReceivedMessage {
  checkOptions('openHead', options, openChecks)
  const isDigested = headerValues(head, 'content-digest').length > 0
  const withBody = isDigested ? tryOpen(refusedHead(head), options) : undefined
  if (withBody !== undefined && 'opened' in withBody) return withBody.opened
  // The request is right if its body is empty.
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
