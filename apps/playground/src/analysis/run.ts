import { HttpSigError } from '@countersign/httpsig'
import { AAuthError } from '@countersign/protocol'
import { type StepId, stepOfReason } from './steps.js'

/** How a check ended when it was repeated here. */
export interface Judgement {
  /** `unknown`: what the check needs is not known here. */
  readonly result: 'passed' | 'failed' | 'unknown'
  /** What was found, in one sentence. */
  readonly finding: string
  readonly reason?: string
  readonly ms?: number | undefined
  readonly together?: true | undefined
  /** The clause, where it is another than that of the check. */
  readonly clause?: string
}

/** The judgements of the checks that were repeated; what is missing was not reached. */
export type Judgements = ReadonlyMap<StepId, Judgement>

/** A refusal, by whichever package. */
export interface Refusal {
  readonly reason: string
  readonly description: string
}

/** A check has failed: the rest is not reached. */
class Stopped extends Error {}

/** The outcome of a function that may refuse. */
function fault<T>(work: () => T): { readonly value: T } | { readonly fault: Refusal } {
  try {
    return { value: work() }
  } catch (error) {
    return { fault: refusalOf(error) }
  }
}

/** @throws what is no refusal */
function refusalOf(error: unknown): Refusal {
  if (error instanceof HttpSigError) return { reason: error.reason, description: error.message }
  if (error instanceof AAuthError) return { reason: error.reason, description: error.description }
  throw error
}

type Timing = Pick<Judgement, 'ms' | 'together'>

/** The checks so far. */
export class Run {
  // bound: one call
  readonly done: Map<StepId, Judgement> = new Map()

  /** Makes one check. @throws Stopped when it refuses */
  async check<T>(id: StepId, finding: string, work: () => T | Promise<T>): Promise<T> {
    const begun = performance.now()
    try {
      const value = await work()
      this.pass(id, finding, { ms: performance.now() - begun })
      return value
    } catch (error) {
      return this.fail(id, refusalOf(error), { ms: performance.now() - begun })
    }
  }

  /**
   * Makes checks that the library makes at once; they are told apart by the reason of the refusal.
   * @param otherwise the check of a reason that belongs to none of them
   * @throws Stopped when one refuses
   */
  checkTogether<T>(steps: ReadonlyArray<readonly [StepId, string]>, otherwise: StepId, work: () => T): T {
    const begun = performance.now()
    const outcome = fault(work)
    const ms = performance.now() - begun
    const reasonStep = 'fault' in outcome ? stepOfReason(outcome.fault.reason) : undefined
    const failed = steps.some(([id]) => id === reasonStep) ? reasonStep : otherwise
    for (const [id, finding] of steps) {
      if ('fault' in outcome && id === failed) this.fail(id, outcome.fault, { ms, together: true })
      this.done.set(id, { result: 'passed', finding, ms, together: true })
    }
    if ('fault' in outcome) throw new Stopped()
    return outcome.value
  }

  async timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
    const begun = performance.now()
    const value = await work()
    return { value, ms: performance.now() - begun }
  }

  pass(id: StepId, finding: string, { ms }: Timing): void {
    this.done.set(id, { result: 'passed', finding, ms })
  }

  unknown(id: StepId, finding: string): void {
    this.done.set(id, { result: 'unknown', finding })
  }

  fail(id: StepId, { reason, description }: Refusal, { ms, together }: Timing): never {
    this.done.set(id, {
      result: 'failed',
      reason,
      finding: sentence(description),
      ms,
      together,
    })
    throw new Stopped()
  }
}

// Names of claims and parameters keep their case.
const name =
  /^(?:[a-z]+[._][a-z_]|(?:act|agent|alg|aud|cnf|created|crit|exp|expires|iat|iss|jti|kid|nbf|scope|sub|typ)\b)/

/** A constant description as a sentence. */
export function sentence(text: string): string {
  const whole = name.test(text) ? text : text.slice(0, 1).toUpperCase() + text.slice(1)
  return /[.!?]$/.test(whole) ? whole : `${whole}.`
}

/** Makes checks until one refuses. */
export async function judging(work: (run: Run) => Promise<void>): Promise<Judgements> {
  const run = new Run()
  try {
    await work(run)
  } catch (error) {
    if (!(error instanceof Stopped)) throw error
  }
  return run.done
}
