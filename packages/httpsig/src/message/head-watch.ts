import type { JudgedHead, ReceivedMessage } from './received-message.js'

/** What its head says of a message while its body is read. */
export interface HeadWatch {
  /** The message instead of the one that is read, once its head is refused. */
  refused: ReceivedMessage | undefined
  /** Ends the reading; set by what reads. Called once the head is refused. */
  stop: () => void
}

/** Nothing is read any more. */
export const ended = (): void => undefined

/** Looks out for the refusal of a head. */
export function watchHead(judged: JudgedHead | undefined): HeadWatch {
  const watch: HeadWatch = { refused: undefined, stop: ended }
  judged?.refused.then(message => {
    if (message === undefined) return
    watch.refused = message
    watch.stop()
  }, ended)
  return watch
}

/**
 * The message with the body that was read.
 * @param judged whose proof goes with it
 */
export function withReadBody(
  head: ReceivedMessage,
  body: Uint8Array | undefined,
  judged: JudgedHead | undefined,
): ReceivedMessage {
  return {
    ...head,
    ...(body === undefined ? {} : { body }),
    ...(judged === undefined ? {} : { headProof: judged.proof }),
  }
}
