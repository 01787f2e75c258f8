import type { Requirements } from '../requirements.js'
import type { Exchange } from '../wire/message.js'
import type { Case, Needs } from './case.js'
import { openTrial, type Sender, type Trial, Undecided } from './trial.js'
import type { CaseResult, Verdict } from './verdict.js'

/** What a run works with. */
export interface Plan<Stage> {
  readonly cases: readonly Case<Stage>[]
  readonly stage: Stage
  readonly needs: Needs<Stage>
  readonly requirements: Requirements
  readonly sender: Sender
  /** Looks, after each group, whether a valid request is still accepted and nothing was granted. */
  readonly invariant: (trial: Trial, stage: Stage) => Promise<void>
  /** Whether the cases of a group run at once. Their results come in order all the same. */
  readonly atOnce?: boolean
  /** All messages of the run, in their order. */
  readonly seen: Exchange[]
  /** Told of each result at once. */
  readonly onResult?: (result: CaseResult) => void
}

/** Runs cases group by group. */
export async function runCases<Stage>(o: Omit<Plan<Stage>, 'seen'>): Promise<CaseResult[]> {
  const plan: Plan<Stage> = { ...o, seen: [] }
  const results: CaseResult[] = []
  const add = (result: CaseResult): void => {
    results.push(result)
    plan.onResult?.(result)
  }
  for (const [group, cases] of byGroup(plan.cases)) {
    if (plan.atOnce === true) for (const result of await runAtOnce(plan, cases)) add(result)
    else for (const one of cases) add(await runCase(plan, one))
    add(await runInvariant(plan, group))
  }
  return results
}

/** Runs the cases of a group at once, and after them, one by one, those that must run alone. */
async function runAtOnce<Stage>(plan: Plan<Stage>, cases: readonly Case<Stage>[]): Promise<CaseResult[]> {
  const results = new Map<Case<Stage>, CaseResult>()
  const run = async (one: Case<Stage>): Promise<void> => void results.set(one, await runCase(plan, one))
  await Promise.all(cases.filter(({ alone }) => alone !== true).map(run))
  for (const one of cases.filter(({ alone }) => alone === true)) await run(one)
  return cases.flatMap(one => results.get(one) ?? [])
}

/** The cases of each group, in the order in which the groups first come. */
function byGroup<Stage>(cases: readonly Case<Stage>[]): Map<string, Case<Stage>[]> {
  const groups = new Map<string, Case<Stage>[]>()
  for (const one of cases) groups.set(one.group, [...(groups.get(one.group) ?? []), one])
  return groups
}

async function runCase<Stage>(plan: Plan<Stage>, one: Case<Stage>): Promise<CaseResult> {
  const { text, clause } = plan.requirements.get(one.id)
  const about = {
    id: one.id,
    group: one.group,
    clauses: [...new Set([clause ?? one.id, ...(one.clauses ?? [])])],
    title: text,
  }
  const missing = (one.needs ?? []).flatMap(name => plan.needs[name]?.(plan.stage) ?? [])
  if (missing.length > 0)
    return { ...about, verdict: 'not applicable', reason: missing.join('; '), steps: [], milliseconds: 0 }
  return { ...about, ...(await judge(plan, one.run)) }
}

async function runInvariant<Stage>(plan: Plan<Stage>, group: string): Promise<CaseResult> {
  const title = `After ${group}: what is right is still accepted, and what is wrong is refused.`
  return { id: `after:${group}`, group, clauses: [], title, ...(await judge(plan, plan.invariant)) }
}

type Judged = Pick<CaseResult, 'verdict' | 'reason' | 'steps' | 'milliseconds'>

async function judge<Stage>(plan: Plan<Stage>, run: Case<Stage>['run']): Promise<Judged> {
  const started = performance.now()
  const trial = openTrial(plan.sender, plan.seen)
  let undecided: Undecided | undefined
  try {
    await run(trial, plan.stage)
  } catch (error) {
    if (!(error instanceof Undecided)) throw error
    undecided = error
  }
  const milliseconds = Math.round(performance.now() - started)
  return { ...verdictOf(trial, undecided), steps: trial.steps, milliseconds }
}

/** A fault that was seen counts before everything else; what was not decided is never passed. */
function verdictOf(trial: Trial, undecided: Undecided | undefined): { verdict: Verdict; reason?: string } {
  const wrong = trial.steps.filter(({ ok, kind }) => !ok && kind !== 'control')
  if (wrong.length > 0) {
    const [{ title, detail } = { title: '', detail: '' }] = wrong
    const more = wrong.length > 1 ? ` (and ${wrong.length - 1} more)` : ''
    return { verdict: 'failed', reason: `${title}: ${detail ?? 'it does not hold'}${more}` }
  }
  if (undecided !== undefined) return { verdict: undecided.verdict, reason: undecided.message }
  if (!trial.steps.some(({ kind }) => kind !== 'sent' && kind !== 'control'))
    return { verdict: 'skipped', reason: 'could not decide: nothing was judged' }
  const [warning] = trial.warnings
  return warning === undefined ? { verdict: 'passed' } : { verdict: 'warning', reason: warning }
}
