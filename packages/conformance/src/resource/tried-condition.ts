import type { Case } from '../case/case.js'
import type { Refusal } from '../case/refusal.js'
import type { Trial } from '../case/trial.js'
import { type Condition, type Constrained, constrained, denied } from './constrained.js'
import { type ResourceStage, routeOf } from './stage.js'

/** The group of all cases of conditions. */
export const group = 'conditions'

/** A condition that always holds. */
export const holding: Condition = { type: 'until', time: 4_000_000_000 }

/** A condition in words, and the token that has it. */
export type Tried = readonly [title: string, made: Constrained]

/** A case whose requests have conditions that hold, or do not. */
export function conditionCase(o: {
  readonly id: string
  readonly needs?: readonly string[]
  readonly words?: string | readonly string[]
  readonly clauses?: readonly string[]
  readonly refusal?: Refusal
  readonly hold?: (stage: ResourceStage) => readonly Tried[]
  readonly fail?: (stage: ResourceStage) => readonly Tried[]
  /** What it tries at other routes. */
  readonly more?: (trial: Trial, stage: ResourceStage) => Promise<void>
}): Case<ResourceStage> {
  const { id, needs = [], words, clauses } = o
  return {
    id,
    group,
    needs: ['authorized', 'conditions', ...needs],
    ...(words === undefined ? {} : { words }),
    ...(clauses === undefined ? {} : { clauses }),
    async run(trial, stage) {
      const route = routeOf(stage, 'authorized')
      await trial.control('an auth token without conditions', () => constrained(stage, route, {}))
      for (const [title, made] of o.hold?.(stage) ?? [])
        await trial.accepted(title, () => constrained(stage, route, made))
      for (const [title, made] of o.fail?.(stage) ?? [])
        await trial.refused(title, () => constrained(stage, route, made), o.refusal ?? denied)
      await o.more?.(trial, stage)
    },
  }
}

/** A list of conditions in words. */
export const list = (title: string, ...constraints: readonly unknown[]): Tried => [title, { constraints }]

const everyDay = [1, 2, 3, 4, 5, 6, 7]

/** A condition on the hours of a day; by default all hours of all days. */
export const hours = (o: Condition): Condition => ({
  type: 'hours',
  zone: 'UTC',
  days: everyDay,
  from: '00:00',
  to: '00:00',
  ...o,
})
