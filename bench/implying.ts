import { type Condition, type Conditions, implies, parseConditions } from '@countersign/conditions'
import { type Result, result } from './result.js'

const rounds = 2000
const resource = 'https://mail.corp.example'

/** A full list with all types, about which little is trivial: 32 conditions, 1.7 KB. */
function list(wider: boolean): Conditions {
  const weekdays = [1, 2, 3, 4, 5]
  const more = wider ? 1 : 0
  const names = wider ? ['bob', 'ann'] : ['bob']
  const mail: readonly Condition[] = [
    { type: 'resources', any: ['https://*.corp.example'] },
    { type: 'resources', any: [resource] },
    { type: 'until', time: 1_900_000_000 + more },
    { type: 'until', time: 1_950_000_000 },
    { type: 'hours', zone: 'Europe/Paris', days: weekdays, from: '09:00', to: wider ? '18:00' : '17:00' },
    { type: 'hours', zone: 'America/New_York', days: weekdays, from: '03:00', to: '15:00' },
    { type: 'data', resource, fields: ['/items/*/title', '/next', ...(wider ? ['/x'] : [])] },
    { type: 'data', resource, fields: ['/items', '/next', '/total'] },
    {
      type: 'arguments',
      resource,
      of: 'send',
      where: [
        { at: '/to', in: names },
        { at: '/text', maxLength: 500 },
      ],
    },
    { type: 'arguments', resource, of: 'send', where: [{ at: '/to', prefix: wider ? '' : 'b' }, { at: '/*' }] },
    { type: 'approval', resource, of: ['send'] },
    { type: 'calls', max: 5, per: 'hour' },
    { type: 'calls', max: 3 + more, per: 'minute' },
    { type: 'calls', max: 50, per: 'day' },
    { type: 'chain', max: 2 },
    { type: 'chain', max: 1 + more, through: ['https://m.corp.example'] },
  ]
  const scopes = Array.from({ length: 8 }, (_, i) => ({
    type: 'scopes',
    any: [`a${i % 3}`, 'b', wider ? 'c' : `b${i}`],
  }))
  const purposes = Array.from({ length: 8 }, (_, i) => ({ type: 'purposes', any: ['support', `x${i + more}`] }))
  return parseConditions([...mail, ...scopes, ...purposes])
}

/** What it costs to tell whether one list is as narrow as another. The budget is a time: what it is compared with is a millisecond. */
export function implyingRows(): readonly Result[] {
  const [narrow, wide] = [list(false), list(true)]
  if (!implies(narrow, wide) || implies(wide, narrow)) throw new Error('the lists of this row must imply one way only')
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    const start = performance.now()
    implies(narrow, wide)
    least = Math.min(least, performance.now() - start)
  }
  const detail = `ms, two lists of ${narrow.length} conditions, once the clock changes of their zones are known`
  return [result({ id: 'implies, 32 conditions each', inFlight: 1, budget: 1, ratio: least, detail })]
}
