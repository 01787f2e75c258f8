import { type Condition, type Conditions, parseConditions } from '@countersign/conditions'
import { AAuthError } from '@countersign/protocol'
import type { ChosenLimits, Duration, LimitsView, OfferedLimits } from './limits-view.js'

const hour = 3600
const day = 86_400
const seconds: Readonly<Record<Exclude<Duration, 'open'>, number>> = { once: hour, day, month: 30 * day }
const mostCalls = 1_000_000
const allDays = [1, 2, 3, 4, 5, 6, 7]

/** Reads the limits of a form. What the page did not offer is ignored. */
export function limitsIn(form: ReadonlyMap<string, string>, { offered, chosen }: LimitsView): ChosenLimits {
  const { durations, zones, calls, views, operations } = offered
  const typed = (name: string): string => form.get(name) ?? ''
  const isTimed = zones.length > 0
  return {
    duration: durations.find(each => each === typed('duration')) ?? 'open',
    days: isTimed ? allDays.filter(each => form.has(`day:${each}`)) : [],
    from: isTimed ? typed('from') : '',
    to: isTimed ? typed('to') : '',
    zone: zones.includes(typed('zone')) ? typed('zone') : chosen.zone,
    calls: calls ? typed('calls') : '',
    view: views.find(({ name }) => name === typed('view'))?.name ?? '',
    ask: operations.map(({ name }) => name).filter(name => form.has(`ask:${name}`)),
  }
}

/**
 * The conditions that a form sets.
 * @param o.now Unix seconds
 * @returns undefined for times or numbers that are none: the page asks again
 */
export function conditionsChosen(
  chosen: ChosenLimits,
  o: { readonly offered: OfferedLimits; readonly resource: string; readonly now: number },
): Conditions | undefined {
  const lists = [untilOf(chosen, o.now), hoursOf(chosen), callsOf(chosen), dataOf(chosen, o), approvalOf(chosen, o)]
  try {
    return lists.includes(undefined) ? undefined : parseConditions(lists.flat(), { development: true })
  } catch (error) {
    if (error instanceof AAuthError) return undefined
    throw error
  }
}

function untilOf({ duration }: ChosenLimits, now: number): readonly Condition[] {
  if (duration === 'open') return []
  const until: Condition = { type: 'until', time: Math.floor(now) + seconds[duration] }
  return duration === 'once' ? [{ type: 'calls', max: 1, per: 'grant' }, until] : [until]
}

/** Days alone are whole days, and times alone are of every day. */
function hoursOf({ days, from, to, zone }: ChosenLimits): readonly Condition[] | undefined {
  if (days.length === 0 && from === '' && to === '') return []
  if ((from === '') !== (to === '')) return undefined
  const times = from === '' ? { from: '00:00', to: '00:00' } : { from, to }
  return [{ type: 'hours', zone, days: days.length === 0 ? allDays : days, ...times }]
}

function callsOf({ calls }: ChosenLimits): readonly Condition[] | undefined {
  if (calls === '') return []
  const max = /^\d{1,7}$/.test(calls) ? Number(calls) : 0
  return max < 1 || max > mostCalls ? undefined : [{ type: 'calls', max, per: 'day' }]
}

function dataOf(
  { view }: ChosenLimits,
  { offered, resource }: { readonly offered: OfferedLimits; readonly resource: string },
): readonly Condition[] {
  const chosen = offered.views.find(({ name }) => name === view)
  return chosen === undefined ? [] : [{ type: 'data', resource, fields: chosen.fields }]
}

function approvalOf({ ask }: ChosenLimits, { resource }: { readonly resource: string }): readonly Condition[] {
  return ask.length === 0 ? [] : [{ type: 'approval', resource, of: ask }]
}
