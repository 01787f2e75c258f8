import { type Count, issuerInstruments, issuerTelemetry, loadGauges } from '@countersign/issuer/internal/otel'
import { checkOptions } from '@countersign/protocol/internal'
import { whenUsed } from '@countersign/protocol/internal/otel'
import type { Meter, MeterProvider } from '@opentelemetry/api'
import type { AgentServerEvent } from './event.js'
import type { AgentServerEndpoint, AgentServerLoad, AgentServerTelemetry } from './telemetry.js'

/** Where metrics go. */
export interface OpenTelemetryOptions {
  /** Default: the one that is registered when the server opens. */
  readonly meterProvider?: MeterProvider
}

/**
 * Metrics of an agent server, by `@opentelemetry/api`: for `telemetry` of `createAgentServer`. Several agent servers may share one. Where
 * no SDK is registered nothing is recorded. No metric says anything that a stranger can choose.
 * @throws TypeError for unknown options
 * @see docs/telemetry.md for all names
 * @example
 * ```ts
 * import { createAgentServer } from '@countersign/agent-server'
 * import { openTelemetry } from '@countersign/agent-server/otel'
 *
 * const server = await createAgentServer({
 *   id: 'https://agent.example',
 *   database: 'sqlite:agent.db',
 *   telemetry: openTelemetry(),
 * })
 * ```
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): AgentServerTelemetry {
  checkOptions('openTelemetry', options, { meterProvider: 'object' })
  const instruments = whenUsed('@countersign/agent-server', options.meterProvider, instrumentsOf)
  return issuerTelemetry<AgentServerEvent, AgentServerEndpoint, AgentServerLoad, Instruments>(instruments, countsOf)
}

/** The reasons of `aauth.alarms`, each of which an alert may name. */
const alarmReasons: Readonly<Record<Extract<AgentServerEvent, { type: 'alarm' }>['reason'], true>> = {
  'replaced-key': true,
  'issuer-garbage': true,
  'epoch-lost': true,
  'audit-failing': true,
  'audit-changed': true,
}

const tokenEndpoint: AgentServerEndpoint = 'delegate_token'

type Instruments = ReturnType<typeof instrumentsOf>

function instrumentsOf(meter: Meter) {
  return {
    ...issuerInstruments(meter, Object.keys(alarmReasons), tokenEndpoint),
    delegates: meter.createCounter('aauth.delegates', {
      description: 'Delegates that were invited, enrolled, revoked, reinstated or forgotten',
      unit: '{delegate}',
    }),
    opened: loadGauges<Record<keyof AgentServerLoad, number>>(meter, {
      writes: {
        name: 'aauth.store.writes.waiting',
        description: 'Writes of this process that wait for their commit',
        unit: '{write}',
      },
    }),
  }
}

/** What an agent server counts beside that. Only values of closed sets: never a delegate, an issuer, a key or a text of a stranger. */
function countsOf(event: AgentServerEvent, { tokens, delegates }: Instruments): Count[] {
  switch (event.type) {
    case 'enrolled':
      return [
        { counter: tokens, attributes: { 'aauth.flow': 'enrollment' } },
        { counter: delegates, attributes: { 'aauth.change': 'enrolled' } },
      ]
    case 'renewed':
      return [{ counter: tokens, attributes: { 'aauth.flow': 'renewal' } }]
    case 'rotated':
      return [{ counter: tokens, attributes: { 'aauth.flow': 'rotation' } }]
    case 'invited':
    case 'revoked':
    case 'reinstated':
      return [{ counter: delegates, attributes: { 'aauth.change': event.type } }]
    case 'enrollment_revoked':
      return [{ counter: delegates, by: event.delegates ?? 0, attributes: { 'aauth.change': 'revoked' } }]
    case 'forgotten':
      return [{ counter: delegates, by: event.delegates ?? 0, attributes: { 'aauth.change': 'forgotten' } }]
    default:
      return []
  }
}
