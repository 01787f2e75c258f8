import { discoveryInstruments, recordDiscovery } from '@countersign/discovery/internal/otel'
import { checkOptions } from '@countersign/protocol/internal'
import { beginAtZero, secondsHistogram, whenUsed } from '@countersign/protocol/internal/otel'
import {
  type Attributes,
  context,
  createNoopMeter,
  isSpanContextValid,
  type Meter,
  type MeterProvider,
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
  const instruments = whenUsed(scope, options.meterProvider, instrumentsOf)
  return {
    begin(route) {
      const attributes = { 'aauth.route.level': route.level, ...(route.name && { 'aauth.route.name': route.name }) }
      const span = tracer.startSpan('aauth.authorize', { kind: SpanKind.INTERNAL, attributes })
      const own = instruments()
      // Without an SDK, what would be recorded need not be found out.
      return own.isIdle && !isSpanContextValid(span.spanContext()) ? undefined : measurement(span, own)
    },
    refused: event => instruments().decisions.add(1, attributesOf(event)),
    token: seen => instruments().lookups.add(1, { 'aauth.cache.name': 'token', 'aauth.cache.result': seen }),
    discovery: event => recordDiscovery(event, instruments()),
  }
}

type Instruments = ReturnType<typeof instrumentsOf>

function instrumentsOf(meter: Meter) {
  const decisions = meter.createCounter('aauth.decisions', {
    description: 'Requests that were let pass or refused',
    unit: '{decision}',
  })
  beginAtZero(decisions, [attributesOf(undefined)])
  return {
    isIdle: meter === createNoopMeter(),
    ...discoveryInstruments(meter),
    decisions,
    decided: secondsHistogram(meter, 'aauth.decision.duration', 'Time to verify and decide a request'),
    verified: secondsHistogram(meter, 'aauth.verify.duration', 'Time to verify a request, part of the former'),
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
