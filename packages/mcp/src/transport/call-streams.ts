import type { RequestId } from '../message/json-rpc.js'

/** A request of the client, and the stream of its answer. */
export interface CallStream {
  readonly id: RequestId
  /** Aborts the request. */
  readonly stop: AbortController
  /** The client does not want the answer any more. */
  isCancelled: boolean
  /** A message on it was over the limit: the stream is not resumed. */
  isTooLarge: boolean
  /** The event after which the stream can be resumed. */
  lastEventId: string | undefined
}

/** The streams of a transport's requests: a cancelled one ends and is not resumed. */
export interface CallStreams {
  begin(id: RequestId): CallStream
  /** Records that a stream has ended; it may be resumed. */
  end(call: CallStream): void
  /** The request whose stream ended after this event. */
  resume(lastEventId: string): CallStream | undefined
  cancel(id: RequestId): void
  /** The same body, which ends when its request is cancelled. */
  watch(call: CallStream, body: ReadableStream<Uint8Array>, done: () => void): ReadableStream<Uint8Array>
}

/** Most ended streams that are remembered; most of them ended with the answer. */
const mostEnded = 100

/** Longest line in which the id of an event is looked for. */
const longestLine = 1024

export function callStreams(): CallStreams {
  // bound: requests of the client that are under way; grown by the program
  const open = new Map<RequestId, CallStream>()
  // The last ended streams, by their last event.
  // bound: 100 streams; bytes: 100 × an id of 1024 characters; grown by a peer; filled by streams.test.ts "only the
  // last events of a session"
  const ended = new Map<string, CallStream>()
  return {
    begin(id) {
      const call = { id, stop: new AbortController(), isCancelled: false, isTooLarge: false, lastEventId: undefined }
      open.set(id, call)
      return call
    },
    end(call) {
      if (open.get(call.id) === call) open.delete(call.id)
      if (call.lastEventId === undefined) return
      ended.set(call.lastEventId, call)
      for (const old of ended.keys()) if (ended.size > mostEnded) ended.delete(old)
    },
    resume: lastEventId => ended.get(lastEventId),
    cancel(id) {
      for (const call of [open.get(id), ...ended.values()]) {
        if (call?.id !== id) continue
        call.isCancelled = true
        call.stop.abort()
      }
    },
    watch(call, body, done) {
      open.set(call.id, call)
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>({
        transform: eventIds(id => {
          call.lastEventId = id
        }),
      })
      const { signal } = call.stop
      body
        .pipeTo(writable, { signal, preventAbort: true })
        // A cancelled stream ends; only other errors are failures.
        .catch(error => (call.isCancelled ? writable.close() : writable.abort(error)))
        .then(done, done)
      return readable
    },
  }
}

/** Passes chunks on, and tells the id of each event. */
function eventIds(tell: (id: string) => void): NonNullable<Transformer<Uint8Array, Uint8Array>['transform']> {
  const decoder = new TextDecoder()
  let line = ''
  return (chunk, controller) => {
    const lines = `${line}${decoder.decode(chunk, { stream: true })}`.split(/\r\n|\r|\n/)
    line = (lines.pop() ?? '').slice(0, longestLine)
    for (const [, id = ''] of lines.map(text => /^id: ?(.+)$/.exec(text) ?? [])) if (id !== '') tell(id)
    controller.enqueue(chunk)
  }
}
