import { setTimeout as sleep } from 'node:timers/promises'
import type { PeerAnswer } from '../../shared/refusal.js'
import type { Admitted } from '../routes.js'
import type { Site } from '../site.js'
import type { Rule } from './rules.js'

/** Events for one caller, which may be read again. */
export interface Stream {
  readonly id: string
  readonly session: string
  /** Of the request that it answers. */
  readonly rule: Rule
  /** The id of that request. */
  readonly request?: unknown
  readonly events: string[]
  isOver: boolean
}

const hour = 3600

/** Says when a stream must end: with the token of its request, a condition, or the grant. @see protocol §12 */
export function endOf({ called, conditions }: Admitted, site: Site): () => boolean {
  const { iss, exp, grant } = called?.caller.claims ?? {}
  const times = conditions.flatMap(({ type, time }) => (type === 'until' ? [Number(time)] : []))
  const tokenEnd = Number(exp ?? Number.POSITIVE_INFINITY)
  const end = Math.min(tokenEnd, site.now() + hour, ...times)
  const isRevoked = (): boolean => grant !== undefined && site.revocations.has(String(iss), String(grant))
  return () => site.now() >= end || isRevoked()
}

/** Sends the events of a stream from one on, until it is over or must end. */
export function eventsFrom(stream: Stream, first: number, mustEnd: () => boolean): PeerAnswer {
  const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-store' }
  return { status: 200, headers, events: read(stream, first, mustEnd) }
}

async function* read(stream: Stream, first: number, mustEnd: () => boolean): AsyncGenerator<string> {
  for (let next = first; !mustEnd(); await sleep(50)) {
    for (; next < stream.events.length; next++) yield `id: ${stream.id}.${next}\ndata:${stream.events[next]}\n\n`
    if (stream.isOver) return
  }
}
