/** Bytes of one message, unless the options say otherwise: far more than any tool result that a model reads. */
export const mostMessageBytes = 33_554_432

/** The option of {@link limitMessages}. */
export interface MessageLimit {
  readonly mostBytes: number
  /** Called once, with the error with which the body fails. */
  readonly exceeded: (error: Error) => void
}

const [lineFeed, carriageReturn] = [0x0a, 0x0d]

/**
 * The same response, whose body fails at a message of more than `mostBytes`: a transport keeps a message in memory until it is whole, so
 * a server could fill it with one that never ends. Of a stream each event counts by itself, of any other body all of it.
 */
export function limitMessages(response: Response, { mostBytes, exceeded }: MessageLimit): Response {
  if (response.body === null) return response
  const isStream = /^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '')
  const add = isStream ? eventBytes() : allBytes()
  const transform: NonNullable<Transformer<Uint8Array, Uint8Array>['transform']> = (chunk, controller) => {
    if (add(chunk) > mostBytes) {
      const error = new Error(
        `the server sent a message of more than ${mostBytes} bytes, the limit of this transport (maxMessageBytes)`,
      )
      exceeded(error)
      throw error
    }
    controller.enqueue(chunk)
  }
  return new Response(response.body.pipeThrough(new TransformStream({ transform })), response)
}

function allBytes(): (chunk: Uint8Array) => number {
  let bytes = 0
  return chunk => {
    bytes += chunk.length
    return bytes
  }
}

/** Counts the bytes of the longest event that has begun or ended in a chunk; an event ends with an empty line. */
function eventBytes(): (chunk: Uint8Array) => number {
  let bytes = 0
  let isLineEmpty = true
  let last = 0
  return chunk => {
    let most = 0
    for (const byte of chunk) {
      bytes += 1
      if (bytes > most) most = bytes
      const isEnd = byte === carriageReturn || (byte === lineFeed && last !== carriageReturn)
      if (isEnd && isLineEmpty) bytes = 0
      // The line feed after a carriage return belongs to the same end of the line.
      if (isEnd) isLineEmpty = true
      else if (byte !== lineFeed) isLineEmpty = false
      last = byte
    }
    return most
  }
}
