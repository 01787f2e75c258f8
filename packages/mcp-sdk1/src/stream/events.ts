import { randomText } from '@countersign/httpsig/internal'
import type { EventStore } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'

interface StoredEvent {
  readonly stream: string
  readonly message: JSONRPCMessage
  /** UTF-16 units of the message as text, and the overhead. */
  readonly size: number
}

/** The size of an event without its message: otherwise any number of empty events would fit. */
const overhead = 256
/** Most UTF-16 units kept of one session, without its last event. */
const mostSize = 1_048_576
/** Most UTF-16 units kept of all sessions: callers with many sessions must not use up the memory. */
const mostSizeOfAll = 134_217_728

/** An event as it is sent. */
export interface SentEvent {
  readonly id: string
  readonly message: JSONRPCMessage
}

/** The last events of one session. */
export interface RecentEvents<T = unknown> extends EventStore {
  /** Sets the purpose of a stream. It is known until the stream has ended and none of its events is kept. */
  dedicate(stream: string, purpose: T): void
  /** As `dedicate`, for the stream of an event. */
  note(eventId: string, purpose: T): void
  /** The purpose of the stream of an event; undefined for an unknown event, after which no stream may be resumed. */
  purposeOf(eventId: string): T | undefined
  /** The events after this one of a stream that has ended by its answer, and none of one that was cancelled; undefined for other streams. */
  restAfter(eventId: string): readonly SentEvent[] | undefined
  /** Ends the streams of a purpose, whose request was cancelled: later events of them are not kept. */
  close(purpose: T): void
  /** Ends the session: nothing is kept any more. */
  end(): void
}

interface Stream<T> {
  kept: number
  purpose?: T
  isOver: boolean
  /** Whether it was cancelled: nothing of it is sent any more. */
  isCancelled?: boolean
}

/** The space that all sessions share. */
interface SharedSpace {
  /** Adds a size to those of a crowd; a negative one is given back. */
  add(crowd: string, size: number): void
  /** Whether the sessions of a crowd, or all sessions, exceed their size. */
  isExceeded(crowd: string): boolean
}

function sharedSpace(sizeOfAll: number): SharedSpace {
  let all = 0
  /** Sizes by crowd. Each gets a tenth, so that one crowd cannot keep the sessions of others from resuming. */
  // bound: sites with a session; bytes: 10 000 × 100; grown by a stranger; shared: as the sessions; filled by
  // events.test.ts "all sessions together are bounded"
  const crowds = new Map<string, number>()
  return {
    add(crowd, size) {
      all += size
      const ofCrowd = (crowds.get(crowd) ?? 0) + size
      if (ofCrowd === 0) crowds.delete(crowd)
      else crowds.set(crowd, ofCrowd)
    },
    isExceeded: crowd => all > sizeOfAll || (crowds.get(crowd) ?? 0) > sizeOfAll / 10,
  }
}

/**
 * Keeps the last events of each session, so that a stream that ended with its token can be resumed with a fresh one.
 * @param most events kept of one session, and at most 1 MiB of them
 * @param sizeOfAll UTF-16 units kept of all sessions, and a tenth of it for the sessions of one crowd; beyond that a session keeps none
 * @returns creates the event store of a session, for the crowd of its owner
 */
export function recentEvents<T>(most: number, sizeOfAll: number = mostSizeOfAll): (crowd: string) => RecentEvents<T> {
  const space = sharedSpace(sizeOfAll)
  return crowd => sessionEvents(most, crowd, space)
}

interface KeptEvents<T> {
  readonly events: Map<string, StoredEvent>
  readonly streams: Map<string, Stream<T>>
  /** UTF-16 units of all events. */
  size: number
}

function sessionEvents<T>(most: number, crowd: string, space: SharedSpace): RecentEvents<T> {
  const kept: KeptEvents<T> = {
    // bound: 1000 events of a session; bytes: 1 MiB of a session, 128 MiB of all; grown by a stranger; shared: a tenth
    // of all for the sessions of one site; filled by events.test.ts "sessions of one crowd keep a tenth"
    events: new Map(),
    // bound: streams with an event that is kept, or a request under way; bytes: counted with the events; grown by a
    // stranger; shared: as the events; filled by events.test.ts "until the stream has ended"
    streams: new Map(),
    size: 0,
  }
  const { events, streams } = kept
  let isOver = false
  const streamOf = (id: string): Stream<T> | undefined => streams.get(events.get(id)?.stream ?? '')
  const forget = (id: string, event: StoredEvent): void => {
    space.add(crowd, -event.size)
    forgetEvent(kept, id, event)
  }
  return {
    async storeEvent(stream, message) {
      const id = randomText()
      if (isOver || streams.get(stream)?.isOver) return id
      const event = { stream, message, size: JSON.stringify(message).length + overhead }
      keepEvent(kept, id, event)
      space.add(crowd, event.size)
      for (const [old, stored] of events) {
        if (!space.isExceeded(crowd) && (old === id || (events.size <= most && kept.size <= mostSize))) break
        forget(old, stored)
      }
      return id
    },
    getStreamIdForEventId: async id => events.get(id)?.stream,
    async replayEventsAfter(id, { send }) {
      const last = events.get(id)
      if (last === undefined) throw new RangeError('the event of Last-Event-ID is not kept any more')
      for (const { id: other, message } of eventsAfter(events, id)) await send(other, message)
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
    restAfter(id) {
      const stream = streamOf(id)
      if (stream?.isCancelled) return []
      return stream?.isOver ? eventsAfter(events, id) : undefined
    },
    close(purpose) {
      for (const [id, stream] of streams) {
        if (stream.purpose !== purpose) continue
        Object.assign(stream, { isOver: true, isCancelled: true })
        dropStream(kept, id, stream)
      }
    },
    end() {
      isOver = true
      for (const [id, event] of events) forget(id, event)
      streams.clear()
    },
  }
}

function keepEvent<T>(all: KeptEvents<T>, id: string, event: StoredEvent): void {
  const { kept, ...stream } = all.streams.get(event.stream) ?? { kept: 0, isOver: false }
  all.streams.set(event.stream, { ...stream, kept: kept + 1, isOver: isAnswer(event.message) })
  all.events.set(id, event)
  all.size += event.size
}

function forgetEvent<T>(all: KeptEvents<T>, id: string, { stream, size }: StoredEvent): void {
  all.events.delete(id)
  all.size -= size
  const of = all.streams.get(stream)
  if (of === undefined) return
  of.kept -= 1
  dropStream(all, stream, of)
}

/** Forgets a stream. One that goes on keeps its purpose without events: it must not be resumed under another rule. */
function dropStream<T>({ streams }: KeptEvents<T>, id: string, { kept, purpose, isOver }: Stream<T>): void {
  if (kept === 0 && (purpose === undefined || isOver)) streams.delete(id)
}

/** The events after one, of the same stream. */
function eventsAfter(events: ReadonlyMap<string, StoredEvent>, id: string): SentEvent[] {
  const stream = events.get(id)?.stream
  const later = [...events].slice([...events.keys()].indexOf(id) + 1)
  // An event without a message only marks the beginning of its stream.
  return later.flatMap(([other, event]) =>
    event.stream === stream && 'jsonrpc' in event.message ? [{ id: other, message: event.message }] : [],
  )
}

function isAnswer(message: JSONRPCMessage): boolean {
  return 'result' in message || 'error' in message
}
