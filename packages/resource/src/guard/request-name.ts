import type { ReceivedMessage } from '@countersign/httpsig'

/** Names a request; undefined: it has no name. */
export type RequestNamer = (message: ReceivedMessage) => string | undefined

/** Messages, and the same under names that events may carry. */
export interface RequestNames {
  /** One and the same copy for one message, which may pass several guards. */
  name(message: ReceivedMessage): ReceivedMessage
  /** What of a request names it, which may have been refused before it was read. */
  of(request: Pick<ReceivedMessage, 'requestId'>): Pick<ReceivedMessage, 'requestId'>
  /** What {@link RequestNames.name} has made of it. */
  named(message: object): object
}

const plain = /^[\w.:=+/-]{1,64}$/

/** The name that whatever received a request gave it stands; `namer` names the others. */
export function requestNames(namer: RequestNamer | undefined): RequestNames {
  const copies = new WeakMap<object, ReceivedMessage>()
  const name = (message: ReceivedMessage): ReceivedMessage => {
    if (message.requestId !== undefined && plain.test(message.requestId)) return message
    const known = copies.get(message)
    if (known !== undefined) return known
    const given = message.requestId ?? nameBy(namer, message)
    if (given === undefined) return message
    // It may be a stranger's word: anything else could forge or split records, or make them large (LOG-06).
    const copy = { ...message, requestId: plain.test(given) ? given : crypto.randomUUID() }
    copies.set(message, copy)
    return copy
  }
  return {
    name,
    of: request => (isMessage(request) ? name(request) : request),
    named: message => copies.get(message) ?? message,
  }
}

function isMessage(request: object): request is ReceivedMessage {
  return 'target' in request
}

/** A name decides nothing: a function that throws gives none. */
function nameBy(namer: RequestNamer | undefined, message: ReceivedMessage): string | undefined {
  try {
    return namer?.(message)
  } catch {
    return undefined
  }
}
