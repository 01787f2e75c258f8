import type { Requirements } from '../requirements.js'
import type { Exchange } from '../wire/message.js'
import type { Case, Needs } from './case.js'
import { openTrial, type Sender, type Trial, Undecided } from './trial.js'
import type { CaseResult, Verdict } from './verdict.js'

/** How far a run is. */
export interface Progress {
  /** Cases, and looks after groups, that have ended. */
  readonly done: number
  /** How many there are. */
  readonly total: number
  /** Ids of those that run now. */
  readonly running: readonly string[]
}

/** Runs a part of a run under its id, and tells of its begin and its end. */
type Watched = <T>(id: string, run: () => Promise<T>) => Promise<T>

/** What a run works with. */
export interface Plan<Stage> {
  readonly cases: readonly Case<Stage>[]
  readonly stage: Stage
  readonly needs: Needs<Stage>
  readonly requirements: Requirements
  readonly sender: Sender
  /** Looks, after each group, whether a valid request is still accepted and nothing was granted. */
  readonly invariant: (trial: Trial, stage: Stage) => Promise<void>
  /** Whether all cases run at once. Their results come in order all the same. */
  readonly atOnce?: boolean
  /** All messages of the run, in their order. */
  readonly seen: Exchange[]
  readonly watched: Watched
  /** Told of each case, and of each look after a group, as it begins and as it ends. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Told of each result at once. */
  readonly onResult?: ((result: CaseResult) => void) | undefined
}

/** Runs cases group by group. */
export async function runCases<Stage>(o: Omit<Plan<Stage>, 'seen' | 'watched'>): Promise<CaseResult[]> {
  const groups = byGroup(o.cases)
  const watched = watch(o.cases.length + groups.size, o.onProgress)
  const plan: Plan<Stage> = { ...o, seen: [], watched }
  const results: CaseResult[] = []
  const add = (result: CaseResult): void => {
    results.push(result)
    plan.onResult?.(result)
  }
  if (plan.atOnce === true) await runAtOnce(plan, groups, inOrder([...groups].flatMap(idsOf), add))
  else
    for (const [group, cases] of groups) {
      for (const one of cases) add(await runCase(plan, one))
      add(await runInvariant(plan, group))
    }
  return results
}

type Groups<Stage> = ReadonlyMap<string, readonly Case<Stage>[]>
type Add = (result: CaseResult) => void

const invariantId = (group: string): string => `after:${group}`

function idsOf<Stage>([group, cases]: readonly [string, readonly Case<Stage>[]]): string[] {
  return [...cases.map(({ id }) => id), invariantId(group)]
}

/** Hands results on in the order of their ids, each as soon as those before it are there. */
function inOrder(ids: readonly string[], add: Add): Add {
  const waiting = new Map<string, CaseResult>()
  const rest = [...ids]
  return result => {
    waiting.set(result.id, result)
    for (let next = waiting.get(rest[0] ?? ''); next !== undefined; next = waiting.get(rest[0] ?? '')) {
      rest.shift()
      add(next)
    }
  }
}

/** Runs all cases at once, and after them, one by one, those that must run alone. */
async function runAtOnce<Stage>(plan: Plan<Stage>, groups: Groups<Stage>, add: Add): Promise<void> {
  const isAlone = ({ alone }: Case<Stage>): boolean => alone === true
  // The last groups begin first: in them agents wait for users.
  const started = [...groups].reverse().map(async ([group, cases]) => {
    await Promise.all(cases.filter(one => !isAlone(one)).map(async one => add(await runCase(plan, one))))
    if (!cases.some(isAlone)) add(await runInvariant(plan, group))
  })
  await Promise.all(started)
  for (const [group, cases] of groups) {
    for (const one of cases.filter(isAlone)) add(await runCase(plan, one))
    if (cases.some(isAlone)) add(await runInvariant(plan, group))
  }
}

/** The cases of each group, in the order in which the groups first come. */
function byGroup<Stage>(cases: readonly Case<Stage>[]): Map<string, Case<Stage>[]> {
  const groups = new Map<string, Case<Stage>[]>()
  for (const one of cases) groups.set(one.group, [...(groups.get(one.group) ?? []), one])
  return groups
}

function runCase<Stage>(plan: Plan<Stage>, one: Case<Stage>): Promise<CaseResult> {
  const { text, clause } = plan.requirements.get(one.id)
  const about = {
    id: one.id,
    group: one.group,
    ...(one.words === undefined ? {} : { words: [one.words].flat() }),
    clauses: [...new Set([clause ?? one.id, ...(one.clauses ?? [])])],
    title: text,
  }
  const missing = (one.needs ?? []).flatMap(name => plan.needs[name]?.(plan.stage) ?? [])
  return plan.watched(one.id, async () =>
    missing.length > 0
      ? { ...about, verdict: 'not applicable', reason: missing.join('; '), steps: [], milliseconds: 0 }
      : { ...about, ...(await judge(plan, one.run)) },
  )
}

function runInvariant<Stage>(plan: Plan<Stage>, group: string): Promise<CaseResult> {
  const title = `After ${group}: what is right is still accepted, and what is wrong is refused.`
  const id = invariantId(group)
  return plan.watched(id, async () => ({
    id,
    group,
    clauses: [],
    title,
    ...(await judge(plan, plan.invariant)),
  }))
}

/** Counts what has ended and keeps what runs. */
function watch(total: number, onProgress: ((progress: Progress) => void) | undefined): Watched {
  const running = new Set<string>()
  let done = 0
  const tell = (): void => onProgress?.({ done, total, running: [...running] })
  return async (id, run) => {
    running.add(id)
    tell()
    try {
      return await run()
    } finally {
      running.delete(id)
      done += 1
      tell()
    }
  }
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
