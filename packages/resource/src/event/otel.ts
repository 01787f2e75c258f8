import type { DiscoveryEvent } from '@countersign/discovery'
import { checkOptions } from '@countersign/protocol/internal'
import {
  type Attributes,
  context,
  type MeterProvider,
  metrics,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TracerProvider,
  trace,
} from '@opentelemetry/api'
import type { DecisionEvent } from '../guard/event.js'
import type { Decision, Measurement, Telemetry } from './telemetry.js'

/** Where spans and metrics go. */
export interface OpenTelemetryOptions {
  /** Default: the registered one. */
  readonly tracerProvider?: TracerProvider
  /** Default: the one that is registered at the first request. */
  readonly meterProvider?: MeterProvider
}

const scope = '@countersign/resource'

/** Seconds. With cached keys verification takes tens of microseconds; with new documents up to the timeout of discovery. */
const explicitBucketBoundaries = [
  0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]

/**
 * A span and metrics for each decision of a resource, by `@opentelemetry/api`: for `telemetry` of `createResource`. Several
 * resources may share one. Where no SDK is registered nothing is recorded.
 *
 * Spans say which agent it was, where it was verified; metrics say nothing that a stranger can choose.
 * @see docs/telemetry.md for all names
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): Telemetry {
  checkOptions('openTelemetry', options, { tracerProvider: 'object', meterProvider: 'object' })
  const { tracerProvider = trace } = options
  const tracer = tracerProvider.getTracer(scope)
  // Unlike spans, metrics are lost for good where they were made before an SDK was registered.
  let made: Instruments | undefined
  const instruments = (): Instruments => {
    made ??= instrumentsOf(options.meterProvider ?? metrics)
    return made
  }
  return {
    begin(route) {
      const attributes = { 'aauth.route.level': route.level, ...(route.name && { 'aauth.route.name': route.name }) }
      return measurement(tracer.startSpan('aauth.authorize', { kind: SpanKind.INTERNAL, attributes }), instruments())
    },
    refused: event => instruments().decisions.add(1, attributesOf(event)),
    token: seen => instruments().lookups.add(1, { 'aauth.cache.name': 'token', 'aauth.cache.result': seen }),
    discovery: event => recordDiscovery(event, instruments()),
  }
}

type Instruments = ReturnType<typeof instrumentsOf>

function instrumentsOf(provider: Pick<MeterProvider, 'getMeter'>) {
  const meter = provider.getMeter(scope)
  const seconds = (description: string) => ({ description, unit: 's', advice: { explicitBucketBoundaries } })
  return {
    decisions: meter.createCounter('aauth.decisions', {
      description: 'Requests that were let pass or refused',
      unit: '{decision}',
    }),
    decided: meter.createHistogram('aauth.decision.duration', seconds('Time to verify and decide a request')),
    verified: meter.createHistogram('aauth.verify.duration', seconds('Time to verify a request, part of the former')),
    lookups: meter.createCounter('aauth.cache.lookups', {
      description: 'Tokens, metadata and key sets that were looked up in memory',
      unit: '{lookup}',
    }),
    fetched: meter.createHistogram(
      'aauth.discovery.fetch.duration',
      seconds('Time to fetch a document of a participant'),
    ),
  }
}

function measurement(span: Span, { decisions, decided, verified }: Instruments): Measurement {
  const within = trace.setSpan(context.active(), span)
  return {
    within: decide => context.with(within, decide),
    end(decision) {
      endSpan(span, decision)
      const attributes = attributesOf(decision.event)
      const { 'aauth.outcome': outcome, 'aauth.level': level } = attributes
      const reached = level === undefined ? {} : { 'aauth.level': level }
      decisions.add(1, attributes, within)
      decided.record(decision.seconds, { 'aauth.outcome': outcome, ...reached }, within)
      verified.record(decision.verifySeconds, reached, within)
    },
  }
}

function endSpan(span: Span, { event, verifySeconds }: Decision): void {
  span.setAttributes({ ...attributesOf(event), 'aauth.verify.duration': verifySeconds })
  // An event names no caller that was not verified.
  if (event?.aauth?.agent !== undefined) span.setAttribute('aauth.agent', event.aauth.agent)
  if (event?.type === 'refused' && event.ask !== undefined) span.setAttribute('aauth.ask', event.ask)
  // A refusal is normal work of a guard. Only a fault of the resource, or an unavailable dependency, is an error.
  if (event === undefined || (event.type === 'refused' && event.error.status >= 500))
    span.setStatus({ code: SpanStatusCode.ERROR })
  span.end()
}

/** What spans and metrics both say: values from closed sets, so that no stranger can make series of a metric. */
function attributesOf(event: DecisionEvent | undefined): Attributes {
  if (event === undefined) return { 'aauth.outcome': 'failed' }
  const { aauth } = event
  return {
    'aauth.outcome': event.type,
    ...(event.observed === true && { 'aauth.observed': true }),
    ...(aauth !== undefined && { 'aauth.level': aauth.level }),
    ...(aauth?.credential !== undefined && { 'aauth.credential': aauth.credential }),
    ...(event.type === 'refused' && { 'aauth.error': event.error.code, 'aauth.reason': event.error.reason }),
  }
}

/** Never identifiers or URLs, which strangers choose. */
function recordDiscovery(event: DiscoveryEvent, { lookups, fetched }: Instruments): void {
  if (event.type === 'hit' || event.type === 'stale' || event.type === 'miss')
    lookups.add(1, { 'aauth.cache.name': event.part, 'aauth.cache.result': event.type })
  if (event.type === 'fetch') fetched.record(event.seconds, { 'aauth.fetch.outcome': event.outcome })
}
