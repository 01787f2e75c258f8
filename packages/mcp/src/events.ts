import { randomText } from '@countersign/httpsig'
import type { EventStore } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'

/**
 * The last events of one session, so that a stream that ended with its token goes on under a fresh one where it stopped.
 * @param most events kept; older ones are lost to whoever was away for long
 */
export function recentEvents(most: number): EventStore {
  const events = new Map<string, { readonly stream: string; readonly message: JSONRPCMessage }>()
  return {
    async storeEvent(stream, message) {
      const id = randomText()
      events.set(id, { stream, message })
      for (const old of events.keys()) {
        if (events.size <= most) break
        events.delete(old)
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
