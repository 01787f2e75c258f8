import type { JudgedHead, ReceivedMessage } from './received-message.js'

/** Whether the head of a message is refused while its body is being read. */
export interface HeadWatch {
  /** The refused message, which is returned without its body; undefined as long as the head is not refused. */
  refused: ReceivedMessage | undefined
  /** Stops the reading; set by the reader, called when the head is refused. */
  stop: () => void
}

/** The `stop` of a watch when nothing is being read. */
export const doNothing = (): void => undefined

/** Begins to watch for the refusal of a head. */
export function watchHead(judged: JudgedHead | undefined): HeadWatch {
  const watch: HeadWatch = { refused: undefined, stop: doNothing }
  judged?.refused.then(message => {
    if (message === undefined) return
    watch.refused = message
    watch.stop()
  }, doNothing)
  return watch
}

/**
 * The message with the body that was read.
 * @param judged the judgement whose proof the message carries
 */
export function withReadBody(
  head: ReceivedMessage,
  body: Uint8Array | undefined,
  judged: JudgedHead | undefined,
): ReceivedMessage {
  if (judged === undefined) return body === undefined ? head : { ...head, body }
  return body === undefined ? { ...head, headProof: judged.proof } : { ...head, body, headProof: judged.proof }
}
