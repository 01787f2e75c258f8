import { beginEmpty, secondsHistogram } from '@countersign/protocol/internal/otel'
import type { Counter, Histogram, Meter } from '@opentelemetry/api'
import type { DiscoveryEvent, FetchOutcome } from './discovery-event.js'

/** The instruments of discovery. */
export interface DiscoveryInstruments {
  readonly lookups: Counter
  readonly fetched: Histogram
}

/** All outcomes of a fetch. */
const outcomes: Readonly<Record<FetchOutcome, true>> = {
  ok: true,
  status: true,
  refused: true,
  unreachable: true,
  busy: true,
}

/** Makes the instruments of discovery. */
export function discoveryInstruments(meter: Meter): DiscoveryInstruments {
  const fetched = secondsHistogram(meter, 'aauth.discovery.fetch.duration', 'Time to fetch a document of a participant')
  beginEmpty(
    fetched,
    Object.keys(outcomes).map(outcome => ({ 'aauth.fetch.outcome': outcome })),
  )
  return {
    lookups: meter.createCounter('aauth.cache.lookups', {
      description: 'Tokens, metadata and key sets that were looked up in memory',
      unit: '{lookup}',
    }),
    fetched,
  }
}

/** Records an event of discovery. Never identifiers or URLs, which strangers choose. */
export function recordDiscovery(event: DiscoveryEvent, { lookups, fetched }: DiscoveryInstruments): void {
  if (event.type === 'hit' || event.type === 'stale' || event.type === 'miss')
    lookups.add(1, { 'aauth.cache.name': event.part, 'aauth.cache.result': event.type })
  if (event.type === 'fetch') fetched.record(event.seconds, { 'aauth.fetch.outcome': event.outcome })
}
