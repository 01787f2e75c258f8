import { type Conditions, firstUnmet, type JudgedFacts, parseConditions } from '@countersign/conditions'
import { bareOperations } from './bare-operations.js'
import { median } from './measure.js'
import { type Result, result } from './result.js'

const rounds = 31
const requests = 5000
/** Monday, 10:00 in Paris. */
const begin = 1_795_424_400

/** Eight conditions, two of them on wall clocks, that hold all day: each is judged to its end. */
function eightConditions(): Conditions {
  const days = [1, 2, 3, 4, 5]
  return parseConditions([
    { type: 'until', time: begin + 1_000_000 },
    { type: 'hours', zone: 'Europe/Paris', days, from: '09:00', to: '18:00' },
    { type: 'hours', zone: 'America/New_York', days: [7, ...days], from: '20:00', to: '19:00' },
    { type: 'resources', any: ['https://calendar.example', 'https://*.corp.example'] },
    { type: 'scopes', any: ['mail.read', 'mail.send'] },
    { type: 'scopes', any: ['mail.read'] },
    { type: 'purposes', any: ['support', 'billing'] },
    { type: 'chain', max: 2, through: ['https://middle.example', 'https://other.example'] },
  ])
}

/** Microseconds of CPU that it takes to judge a request, one after the other as they come in an hour. */
function judge(conditions: Conditions): number {
  const cpu = process.cpuUsage()
  for (let i = 0; i < requests; i++) {
    const facts: JudgedFacts = {
      now: begin + (i * 3600) / requests,
      resource: 'https://mail.corp.example',
      scope: ['mail.read'],
      purposes: ['support'],
      levels: 1,
      services: ['https://middle.example'],
    }
    if (firstUnmet(conditions, facts) !== undefined) throw new Error('a condition does not hold')
  }
  const { user, system } = process.cpuUsage(cpu)
  return (user + system) / requests
}

/** What conditions that need neither a body nor a counter cost each request. */
export async function judgingRows(): Promise<readonly Result[]> {
  const conditions = eightConditions()
  judge(conditions)
  const costs: number[] = []
  const ratios: number[] = []
  for (let round = 0; round < rounds; round++) {
    const { verify } = await bareOperations()
    const cost = judge(conditions)
    costs.push(cost)
    ratios.push(cost / verify)
  }
  const detail = `× one bare verify; ${median(costs).toFixed(2)} µs of CPU here`
  return [result({ id: 'eight conditions judged', inFlight: 1, ratio: median(ratios), budget: 0.1, detail })]
}
