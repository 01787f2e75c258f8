// For the other packages of this project, not for users: these names may change in any release (no semver).

import { beginAtZero, beginEmpty, secondsHistogram } from '@countersign/protocol/internal/otel'
import { reasons } from '@countersign/protocol/reasons'
import type { Attributes, Counter, Histogram, Meter } from '@opentelemetry/api'
import type { IssuerAnswer, IssuerTelemetry } from './telemetry.js'

/** The instruments that auth servers and agent servers have in common. */
export interface IssuerInstruments {
  readonly tokens: Counter
  readonly refusals: Counter
  readonly alarms: Counter
  readonly keys: Counter
  readonly durations: Histogram
}

/** The statuses that a token endpoint answers with. */
const tokenStatuses = ['2xx', '4xx', '5xx']

/**
 * Makes the instruments that auth servers and agent servers have in common.
 * @param alarms the reasons of all alarms of this server
 * @param tokenEndpoint the name of the endpoint that issues tokens
 */
export function issuerInstruments(meter: Meter, alarms: readonly string[], tokenEndpoint: string): IssuerInstruments {
  const made = makeIssuerInstruments(meter)
  beginAtZero(
    made.alarms,
    alarms.map(reason => ({ 'aauth.reason': reason })),
  )
  beginEmpty(
    made.durations,
    tokenStatuses.map(status => ({ 'aauth.endpoint': tokenEndpoint, 'aauth.status': status })),
  )
  return made
}

function makeIssuerInstruments(meter: Meter): IssuerInstruments {
  return {
    tokens: meter.createCounter('aauth.tokens', { description: 'Tokens that were issued', unit: '{token}' }),
    refusals: meter.createCounter('aauth.refusals', { description: 'Requests that were refused', unit: '{refusal}' }),
    alarms: meter.createCounter('aauth.alarms', {
      description: 'Alarms: what should never happen, or an attack that was noticed',
      unit: '{alarm}',
    }),
    keys: meter.createCounter('aauth.own_keys', {
      description: 'Own keys that were made, retired or revoked',
      unit: '{key}',
    }),
    durations: secondsHistogram(meter, 'aauth.request.duration', 'Time to answer a request, once it has been read'),
  }
}

/** The members of events that both servers count. */
interface CountedEvent {
  readonly type: string
  readonly code?: string
  readonly reason?: string
}

/**
 * Metrics of a server, by `@opentelemetry/api`.
 * @param countsOf what the server counts of an event, beside what both servers count
 */
export function issuerTelemetry<
  Event extends CountedEvent,
  Endpoint extends string,
  Load,
  Made extends IssuerInstruments & { readonly opened: (load: () => Promise<Load>) => () => void },
>(
  instruments: () => Made,
  countsOf: (event: Event, made: Made) => readonly Count[],
): IssuerTelemetry<Event, IssuerAnswer<Endpoint>, Load> {
  return {
    event(event) {
      const made = instruments()
      for (const { counter, attributes, by = 1 } of [...issuerCounts(event, made), ...countsOf(event, made)])
        counter.add(by, attributes)
    },
    answered: answer => instruments().durations.record(answer.seconds, answerAttributes(answer)),
    opened: load => instruments().opened(load),
  }
}

/** What both servers count of an event. Only values of closed sets. */
function issuerCounts({ type, code = '', reason = '' }: CountedEvent, made: IssuerInstruments): Count[] {
  switch (type) {
    case 'refused':
      return [{ counter: made.refusals, attributes: refusalAttributes({ code, reason }) }]
    case 'alarm':
      return [{ counter: made.alarms, attributes: { 'aauth.reason': reason } }]
    case 'key_made':
    case 'key_retired':
    case 'key_revoked':
      return [{ counter: made.keys, attributes: { 'aauth.change': type.slice('key_'.length) } }]
    default:
      return []
  }
}

/** What one event adds to a counter. */
export interface Count {
  readonly counter: Counter
  readonly attributes: Attributes
  /** Default 1. */
  readonly by?: number
}

/** The names of a refusal. */
interface RefusalNames {
  readonly code: string
  readonly reason: string
}

/** What a measured answer was. */
interface AnswerNames {
  readonly endpoint: string
  readonly status: number
}

const codes: ReadonlySet<string> = new Set(Object.values(reasons).flatMap(entry => entry.codes))

/** Attributes of a refusal. Values outside the closed sets become `other`: no series may come of a name that a peer or an operator's code chose. */
function refusalAttributes({ code, reason }: RefusalNames): {
  'aauth.error': string
  'aauth.reason': string
} {
  return { 'aauth.error': codes.has(code) ? code : 'other', 'aauth.reason': reasonOf(reason) }
}

/** A reason of docs/reasons.md; `other` for any other text. */
export function reasonOf(reason: string): string {
  return Object.hasOwn(reasons, reason) ? reason : 'other'
}

/** Attributes of an answered request: its endpoint, and the first digit of its status, as in `4xx`. */
function answerAttributes({ endpoint, status }: AnswerNames): {
  'aauth.endpoint': string
  'aauth.status': string
} {
  return { 'aauth.endpoint': endpoint, 'aauth.status': `${Math.floor(status / 100)}xx` }
}

/** What one gauge shows. */
interface GaugeText {
  readonly name: string
  readonly description: string
  readonly unit: string
}

/**
 * Makes gauges of what waits in servers. The function that it returns adds a server, and returns how to remove it. Servers that share
 * the gauges are added up; while one cannot say its load, because its database is away, the gauges keep their last values.
 */
export function loadGauges<Load extends Readonly<Record<string, number>>>(
  meter: Meter,
  texts: Readonly<Record<keyof Load & string, GaugeText>>,
): (load: () => Promise<Load>) => () => void {
  // bound: the open servers that share one telemetry; grown by the program
  const open = new Set<() => Promise<Load>>()
  const gauges = Object.entries<GaugeText>(texts).map(([member, { name, description, unit }]) => ({
    member,
    gauge: meter.createObservableGauge(name, { description, unit }),
  }))
  meter.addBatchObservableCallback(
    async result => {
      const loads = await Promise.all([...open].map(load => load().catch(() => undefined)))
      const known = loads.filter(load => load !== undefined)
      // A gauge keeps its last value, and readiness says that the database is away.
      if (known.length < open.size) return
      for (const { member, gauge } of gauges)
        result.observe(
          gauge,
          known.reduce((sum, load) => sum + (load[member] ?? 0), 0),
        )
    },
    gauges.map(({ gauge }) => gauge),
  )
  return load => {
    open.add(load)
    return () => void open.delete(load)
  }
}
