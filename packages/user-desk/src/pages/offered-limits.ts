import { type ConditionType, parseConditions } from '@countersign/conditions'
import type { OperationWords, ResourceMetadata } from '@countersign/protocol'
import type { ChosenLimits, ConsentDefaults, OfferedLimits } from './limits-view.js'

/** Operations that a page lists; a user would read no more. */
const mostOperations = 50

const zoneNames = new Set(['UTC', ...Intl.supportedValuesOf('timeZone')])

/** The time zones that a page offers. */
export const zones: readonly string[] = [...zoneNames]

/** The zone that is chosen at first: the operator's, else that of this server. */
export function zoneOf({ zone, hours }: ConsentDefaults): string {
  const wanted = zone ?? hours?.zone ?? new Intl.DateTimeFormat().resolvedOptions().timeZone
  return zoneNames.has(wanted) ? wanted : 'UTC'
}

/** What a form holds at first: the operator's defaults, where the resource enforces them. */
export function chosenFrom(defaults: ConsentDefaults, offered: OfferedLimits): ChosenLimits {
  const { duration = 'open', callsPerDay, hours } = defaults
  const timed = offered.zones.length > 0 ? hours : undefined
  return {
    duration: offered.durations.includes(duration) ? duration : 'open',
    days: timed?.days ?? [],
    from: timed?.from ?? '',
    to: timed?.to ?? '',
    zone: zoneOf(defaults),
    calls: offered.calls && callsPerDay !== undefined ? String(callsPerDay) : '',
    view: '',
    ask: [],
  }
}

/**
 * What a resource lets its users limit.
 * @param o.once whether a single call is among what is offered
 */
export function offeredBy(metadata: ResourceMetadata | undefined, o: { readonly once: boolean }): OfferedLimits {
  const { constraints_supported: supported = [], data_views = {}, operations = {}, resource = '' } = metadata ?? {}
  const enforces = (type: ConditionType): boolean => supported.includes(type)
  const isOnce = o.once && enforces('calls')
  return {
    durations: enforces('until') ? [...(isOnce ? (['once'] as const) : []), 'day', 'month', 'open'] : [],
    zones: enforces('hours') ? zones : [],
    calls: enforces('calls'),
    views: enforces('data')
      ? Object.entries(data_views)
          .map(([name, { description, fields }]) => ({ name, description, fields }))
          .filter(({ fields }) => isList([{ type: 'data', resource, fields }]))
      : [],
    operations: enforces('approval')
      ? Object.entries(operations)
          .slice(0, mostOperations)
          .map(([name, words]) => ({ name, description: descriptionOf(words) }))
      : [],
  }
}

function descriptionOf(words: OperationWords): string {
  return typeof words === 'string' ? words : words.description
}

function isList(value: unknown): boolean {
  try {
    return parseConditions(value, { development: true }).length > 0
  } catch {
    return false
  }
}
