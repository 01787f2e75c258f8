// Judges mutants: each by its cases, from outside, and where those do not see it by its tests inside.
import { compileMutants } from './compile.mjs'
import { openInside } from './inside.mjs'
import { judgeOutside } from './outside.mjs'

/**
 * Judges mutants, several at once: by their cases, and then by their tests; with `testsFirst` the other way round. `tell` hears of each
 * result at once. Returns for each what has seen it, or why nothing has.
 */
export async function judgeMutants(mutants, { folder, jobs, testsFirst = false, tell }) {
  const results = []
  const keep = (mutant, result) => {
    results.push({ mutant, ...result })
    tell({ mutant, ...result }, results.length, mutants.length)
  }
  const stages = testsFirst ? [judgeByTests, judgeByCases] : [judgeByCases, judgeByTests]
  let left = compileMutants(mutants, folder).map(mutant => ({ mutant, notes: [] }))
  for (const stage of stages)
    left = await stage(left, jobs, ({ mutant, notes }, { why, ...result }) => {
      const all = why === undefined ? notes : [...notes, why]
      if ('seenBy' in result) keep(mutant, result)
      else return { mutant, notes: all }
    })
  for (const { mutant, notes } of left) keep(mutant, { why: notes.join('; ') || 'nothing makes its check refuse' })
  return results
}

/** Judges what is left, and returns what is still left then. */
async function judgeByCases(left, jobs, note) {
  return inLanes(left, range(jobs), async one => note(one, await byCases(one.mutant)))
}

async function judgeByTests(left, jobs, note) {
  const insides = []
  // One after the other: each reads its configuration from the environment.
  for (const _ of range(Math.min(jobs, left.length))) insides.push(await openInside())
  try {
    return await inLanes(left, insides, async (one, inside) => note(one, await byTests(one.mutant, inside)))
  } finally {
    for (const inside of insides) await inside.close()
  }
}

const range = count => Array.from({ length: count }, (_, at) => at)

/** Does something with each, in several lanes, and returns what that returns. */
async function inLanes(all, lanes, use) {
  const waiting = [...all]
  const returned = []
  const work = async lane => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) returned.push(await use(one, lane))
  }
  await Promise.all(lanes.map(work))
  return returned.filter(one => one !== undefined)
}

async function byCases(mutant) {
  const notes = []
  for (const [role, cases] of Object.entries(mutant.cases)) {
    const { killedBy, broken, undecided = [] } = await judgeOutside(role, cases, mutant)
    if (killedBy !== undefined)
      return { seenBy: `${role} ${killedBy}`, from: 'outside', killedBy: { role, id: killedBy } }
    const passed = cases.filter(id => !undecided.includes(id))
    const held = undecided.length === 0 ? '' : `, these could not decide: ${undecided.join(' ')}`
    notes.push(`${role}: ${broken ?? `passed: ${passed.join(' ')}${held}`}`)
  }
  return { why: notes.length === 0 ? undefined : notes.join('; ') }
}

async function byTests(mutant, inside) {
  if (mutant.tests.length === 0) return {}
  const { killedBy, broken, passed } = await inside.judge(mutant, mutant.tests)
  if (killedBy !== undefined) return { seenBy: `${killedBy.file} › ${killedBy.title}`, from: 'inside', killedBy }
  return { why: broken ?? `${passed} tests passed` }
}
