import { randomText } from '@countersign/httpsig'
import type { EventStore } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'

interface StoredEvent {
  readonly stream: string
  readonly message: JSONRPCMessage
  /** UTF-16 units of it as text. */
  readonly size: number
}

/** Of all that are kept but the last one. */
const mostSize = 1_048_576

/**
 * The last events of one session, so that a stream that ended with its token goes on under a fresh one where it stopped.
 * @param most events kept, and 1 MiB of them; older ones are lost to whoever was away for long
 */
export function recentEvents(most: number): EventStore {
  const events = new Map<string, StoredEvent>()
  let size = 0
  return {
    async storeEvent(stream, message) {
      const id = randomText()
      const event = { stream, message, size: JSON.stringify(message).length }
      events.set(id, event)
      size += event.size
      for (const [old, { size: less }] of events) {
        if (old === id || (events.size <= most && size <= mostSize)) break
        events.delete(old)
        size -= less
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
  }
}
