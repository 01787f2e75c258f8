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

/** An event as it goes out. */
export interface SentEvent {
  readonly id: string
  readonly message: JSONRPCMessage
}

/** The last events of one session. */
export interface RecentEvents<T = unknown> extends EventStore {
  /** Says what a stream is for, until there is no more for it and no event of it is kept. */
  dedicate(stream: string, purpose: T): void
  /** As `dedicate`, of the stream of an event. */
  note(eventId: string, purpose: T): void
  /** What was said; nothing for what is not known here any more, to which nobody may come back. */
  purposeOf(eventId: string): T | undefined
  /** What follows an event, where nothing more will: its stream has had its answer, or nobody wants that any more. */
  restAfter(eventId: string): readonly SentEvent[] | undefined
  /** No more is kept of the streams for this. */
  close(purpose: T): void
  /** Keeps none any more. */
  end(): void
}

interface Stream<T> {
  kept: number
  purpose?: T
  isOver: boolean
}

/**
 * The last events of each session, so that a stream that ended with its token goes on under a fresh one where it stopped.
 * @param most events kept of one session, and 1 MiB of them; older ones are lost to whoever was away for long
 * @param sizeOfAll of all sessions together, and a tenth of it of those of one crowd; beyond, a session keeps none
 * @returns makes those of a session, by the crowd of the owner that opens it
 */
export function recentEvents<T>(most: number, sizeOfAll: number = mostSizeOfAll): (crowd: string) => RecentEvents<T> {
  let all = 0
  /** By whom strangers can be many of: a tenth of all for each, so that none keeps the sessions of others from resuming. */
  const crowds = new Map<string, number>()
  return crowd => {
    const count = (more: number): void => {
      all += more
      const ofCrowd = (crowds.get(crowd) ?? 0) + more
      if (ofCrowd === 0) crowds.delete(crowd)
      else crowds.set(crowd, ofCrowd)
    }
    const isTooMuch = (): boolean => all > sizeOfAll || (crowds.get(crowd) ?? 0) > sizeOfAll / 10
    const events = new Map<string, StoredEvent>()
    const streams = new Map<string, Stream<T>>()
    let size = 0
    let isOver = false
    const streamOf = (id: string): Stream<T> | undefined => streams.get(events.get(id)?.stream ?? '')
    // What is still to come on it may not go by another rule because others have said much meanwhile.
    const drop = (stream: string, { kept, purpose, isOver }: Stream<T>): void => {
      if (kept === 0 && (purpose === undefined || isOver)) streams.delete(stream)
    }
    const keep = (id: string, event: StoredEvent): void => {
      const { kept, ...stream } = streams.get(event.stream) ?? { kept: 0, isOver: false }
      streams.set(event.stream, { ...stream, kept: kept + 1, isOver: isAnswer(event.message) })
      events.set(id, event)
      size += event.size
      count(event.size)
    }
    const forget = (id: string, { stream, size: less }: StoredEvent): void => {
      events.delete(id)
      size -= less
      count(-less)
      const of = streams.get(stream)
      if (of === undefined) return
      of.kept -= 1
      drop(stream, of)
    }
    const after = (id: string): SentEvent[] => {
      const stream = events.get(id)?.stream
      const later = [...events].slice([...events.keys()].indexOf(id) + 1)
      // An event without a message only says where its stream began.
      return later.flatMap(([other, event]) =>
        event.stream === stream && 'jsonrpc' in event.message ? [{ id: other, message: event.message }] : [],
      )
    }
    return {
      async storeEvent(stream, message) {
        const id = randomText()
        if (isOver || streams.get(stream)?.isOver) return id
        keep(id, { stream, message, size: JSON.stringify(message).length + overhead })
        for (const [old, stored] of events) {
          if (!isTooMuch() && (old === id || (events.size <= most && size <= mostSize))) break
          forget(old, stored)
        }
        return id
      },
      getStreamIdForEventId: async id => events.get(id)?.stream,
      async replayEventsAfter(id, { send }) {
        const last = events.get(id)
        if (last === undefined) throw new RangeError('there is no such event any more')
        for (const { id: other, message } of after(id)) await send(other, message)
        return last.stream
      },
      dedicate(stream, purpose) {
        streams.set(stream, { ...(streams.get(stream) ?? { kept: 0, isOver: false }), purpose })
      },
      note(id, purpose) {
        const stream = streamOf(id)
        if (stream !== undefined) stream.purpose = purpose
      },
      purposeOf: id => streamOf(id)?.purpose,
      restAfter: id => (streamOf(id)?.isOver ? after(id) : undefined),
      close(purpose) {
        for (const [id, stream] of streams) {
          if (stream.purpose !== purpose) continue
          stream.isOver = true
          drop(id, stream)
        }
      },
      end() {
        isOver = true
        for (const [id, event] of events) forget(id, event)
        streams.clear()
      },
    }
  }
}

function isAnswer(message: JSONRPCMessage): boolean {
  return 'result' in message || 'error' in message
}
