import type { DiscoveryEvent } from '@countersign/discovery'
import { discoveryInstruments, recordDiscovery } from '@countersign/discovery/internal/otel'
import { type Count, issuerInstruments, issuerTelemetry, loadGauges, reasonOf } from '@countersign/issuer/internal/otel'
import { checkOptions } from '@countersign/protocol/internal'
import { whenUsed } from '@countersign/protocol/internal/otel'
import type { Meter, MeterProvider } from '@opentelemetry/api'
import type { AuthServerEvent } from './event/event.js'
import type { AuthServerEndpoint, AuthServerLoad, AuthServerTelemetry } from './telemetry.js'

export type { DiscoveryEvent } from '@countersign/discovery'

/** Where metrics go. */
export interface OpenTelemetryOptions {
  /** Default: the one that is registered when the server opens. */
  readonly meterProvider?: MeterProvider
}

/**
 * Metrics of an auth server, by `@opentelemetry/api`: for `telemetry` of `createAuthServer`. Several auth servers may share one. Where no
 * SDK is registered nothing is recorded. No metric says anything that a stranger can choose.
 * @returns with `discovery`: pass it as `onEvent` to a discovery of your own; the server's own discovery is not measured without it
 * @throws TypeError for unknown options
 * @see docs/telemetry.md for all names
 * @example
 * ```ts
 * import { createAuthServer } from '@countersign/auth-server'
 * import { openTelemetry } from '@countersign/auth-server/otel'
 * import { keysFile } from '@countersign/server'
 *
 * const auth = await createAuthServer({
 *   issuer: 'https://auth.example',
 *   keys: await keysFile('auth-keys.json'),
 *   database: 'sqlite:auth.db',
 *   telemetry: openTelemetry(),
 * })
 * ```
 */
export function openTelemetry(
  options: OpenTelemetryOptions = {},
): AuthServerTelemetry & { readonly discovery: (event: DiscoveryEvent) => void } {
  checkOptions('openTelemetry', options, { meterProvider: 'object' })
  const instruments = whenUsed('@countersign/auth-server', options.meterProvider, instrumentsOf)
  return {
    ...issuerTelemetry<AuthServerEvent, AuthServerEndpoint, AuthServerLoad, Instruments>(instruments, countsOf),
    discovery: event => recordDiscovery(event, instruments()),
  }
}

/** The reasons of `aauth.alarms`, each of which an alert may name. */
const alarmReasons: Readonly<Record<Extract<AuthServerEvent, { type: 'alarm' }>['reason'] | 'passkey-copied', true>> = {
  'code-reused': true,
  'passkey-copied': true,
  'epoch-lost': true,
  'audit-failing': true,
  'audit-changed': true,
}

const tokenEndpoint: AuthServerEndpoint = 'token'

type Instruments = ReturnType<typeof instrumentsOf>

function instrumentsOf(meter: Meter) {
  const counter = (name: string, description: string, unit: string) => meter.createCounter(name, { description, unit })
  return {
    ...issuerInstruments(meter, Object.keys(alarmReasons), tokenEndpoint),
    ...discoveryInstruments(meter),
    requests: counter('aauth.requests', 'Requests that a user was needed for', '{request}'),
    consents: counter('aauth.consent.decisions', 'Decisions about what agents asked users for', '{decision}'),
    signIns: counter('aauth.sign_ins', 'Sign-ins of users, and attempts that failed', '{sign_in}'),
    notices: counter('aauth.notices', 'Notices to resources that a grant has ended', '{notice}'),
    ended: counter('aauth.grants.ended', 'Grants that were ended or narrowed', '{grant}'),
    opened: loadGauges<Record<keyof AuthServerLoad, number>>(meter, {
      requests: {
        name: 'aauth.requests.waiting',
        description: 'Requests that wait for a user, or for the agent to fetch the answer; at most 10000',
        unit: '{request}',
      },
      notices: {
        name: 'aauth.notices.waiting',
        description: 'Notices that are not delivered yet; at most 10000',
        unit: '{notice}',
      },
      writes: {
        name: 'aauth.store.writes.waiting',
        description: 'Writes of this process that wait for their commit',
        unit: '{write}',
      },
    }),
  }
}

/** What an auth server counts beside that. Only values of closed sets: never an agent, a user, a resource or a text of a stranger. */
function countsOf(event: AuthServerEvent, made: Instruments): Count[] {
  switch (event.type) {
    case 'granted':
      return [{ counter: made.tokens, attributes: { 'aauth.flow': event.by } }]
    case 'refreshed':
      return [{ counter: made.tokens, attributes: { 'aauth.flow': 'refresh' } }]
    case 'requested':
      return [{ counter: made.requests, attributes: { 'aauth.flow': event.flow } }]
    case 'consented':
      return [
        {
          counter: made.consents,
          attributes: { 'aauth.decision': 'allowed', 'aauth.by': event.by, 'aauth.flow': event.flow },
        },
      ]
    case 'declined':
      return [
        {
          counter: made.consents,
          attributes: { 'aauth.decision': 'declined', 'aauth.by': 'user', 'aauth.flow': event.flow },
        },
      ]
    case 'signed_in':
      return [{ counter: made.signIns, attributes: { 'aauth.outcome': 'signed_in' } }]
    case 'sign_in_failed':
      return [
        { counter: made.signIns, attributes: { 'aauth.outcome': 'failed', 'aauth.reason': reasonOf(event.reason) } },
      ]
    case 'notice':
      return [{ counter: made.notices, attributes: { 'aauth.outcome': event.outcome } }]
    case 'passkey_copied':
      return [{ counter: made.alarms, attributes: { 'aauth.reason': 'passkey-copied' } }]
    case 'revoked':
      return event.found
        ? [{ counter: made.ended, attributes: { 'aauth.by': event.reason === 'surplus' ? 'server' : 'agent' } }]
        : []
    case 'taken_back':
    case 'narrowed':
      return [{ counter: made.ended, by: event.grants, attributes: { 'aauth.by': 'user' } }]
    case 'blocked':
    case 'ended_by_operator':
      return [{ counter: made.ended, by: event.grants ?? 0, attributes: { 'aauth.by': 'operator' } }]
    default:
      return []
  }
}
