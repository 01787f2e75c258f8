import { randomText } from '@countersign/httpsig'
import type { EventStore } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'

interface StoredEvent {
  readonly stream: string
  readonly message: JSONRPCMessage
  /** UTF-16 units of it as text, and what else it takes. */
  readonly size: number
}

/** Else a million empty ones would count for nothing. */
const overhead = 256
/** Of all that are kept of one session, but the last one. */
const mostSize = 1_048_576
/** Of all that are kept of all sessions: callers that open many must not use up the memory. */
const mostSizeOfAll = 134_217_728

/** The last events of one session. */
export interface RecentEvents extends EventStore {
  /** Keeps none any more. */
  end(): void
}

/**
 * The last events of each session, so that a stream that ended with its token goes on under a fresh one where it stopped.
 * @param most events kept of one session, and 1 MiB of them; older ones are lost to whoever was away for long
 * @param sizeOfAll of all sessions together; beyond, a session keeps none
 */
export function recentEvents(most: number, sizeOfAll: number = mostSizeOfAll): () => RecentEvents {
  let all = 0
  return () => {
    const events = new Map<string, StoredEvent>()
    let size = 0
    let isOver = false
    const forget = (id: string, { size: less }: StoredEvent): void => {
      events.delete(id)
      size -= less
      all -= less
    }
    return {
      async storeEvent(stream, message) {
        const id = randomText()
        if (isOver) return id
        const event = { stream, message, size: JSON.stringify(message).length + overhead }
        events.set(id, event)
        size += event.size
        all += event.size
        for (const [old, stored] of events) {
          if (all <= sizeOfAll && (old === id || (events.size <= most && size <= mostSize))) break
          forget(old, stored)
        }
        return id
      },
      getStreamIdForEventId: async id => events.get(id)?.stream,
      async replayEventsAfter(id, { send }) {
        const last = events.get(id)
        if (last === undefined) throw new RangeError('there is no such event any more')
        let isPast = false
        for (const [other, { stream, message }] of [...events]) {
          // An event without a message only says where its stream began.
          if (isPast && stream === last.stream && 'jsonrpc' in message) await send(other, message)
          isPast ||= other === id
        }
        return last.stream
      },
      end() {
        isOver = true
        for (const [id, event] of events) forget(id, event)
      },
    }
  }
}
