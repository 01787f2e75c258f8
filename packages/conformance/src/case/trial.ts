import { type Exchange, headerValue, jsonBody, type WireResponse } from '../wire/message.js'
import type { Sendable } from '../wire/send.js'
import { describeRefusal, describeResponse, type Refusal, refusalProblem } from './refusal.js'
import type { Step } from './verdict.js'

/** Ends a case without a verdict about the implementation. */
export class Undecided extends Error {
  override readonly name = 'Undecided'
  readonly verdict: 'failed' | 'skipped' | 'not applicable'

  constructor(verdict: 'failed' | 'skipped' | 'not applicable', message: string) {
    super(message)
    this.verdict = verdict
  }
}

/** A request, or what makes it: it is made again where it must be sent again. */
export type Request = Sendable | (() => Sendable | Promise<Sendable>)

/** What is shown beside a note. */
export interface Beside {
  readonly detail?: string
  readonly exchange?: Exchange
}

/** What a case does and notes while it runs. */
export interface Trial {
  readonly steps: readonly Step[]
  /** Sends a request that must be accepted before anything can be said about its variations. @throws Undecided */
  control(title: string, request: Request): Promise<WireResponse>
  /** Sends a request that the requirement demands to be accepted. */
  accepted(title: string, request: Request): Promise<WireResponse | undefined>
  /** Sends a request that the requirement demands to be refused. `title` names its one fault. */
  refused(title: string, request: Request, refusal: Refusal): Promise<WireResponse | undefined>
  /** Sends a request and judges nothing. */
  sent(title: string, request: Request): Promise<Exchange>
  /** Notes a message that came to the suite, and the suite's answer, so that they can be seen. */
  shown(title: string, sent: Buffer, received: Buffer): void
  /** Notes what a program printed; `isControl`: it did not do what must be done before anything can be said. */
  printed(title: string, output: string, o?: { readonly isControl: true }): void
  /** Notes what must hold of what came back: with the last exchange, or with another one, which is shown beside it. */
  holds(title: string, ok: boolean, detail?: string | Beside): void
  /** Notes what should hold: a warning where it does not. */
  should(title: string, ok: boolean, detail?: string): void
  /** Runs parts at once. Their steps are noted in this order, whichever ends first. @throws Undecided of the first part that has one */
  all(parts: ReadonlyArray<(trial: Trial) => Promise<void>>): Promise<void>
  /** All messages of the run so far, those of other cases too. */
  readonly seen: readonly Exchange[]
  /** The warnings so far. */
  readonly warnings: readonly string[]
}

/** Sends bytes to the implementation under test. */
export type Sender = (title: string, what: Sendable) => Promise<Exchange>

/** How long a request that was not processed may be put off, in milliseconds. */
const longestPause = 6000

/** Opens the trial of one case. */
export function openTrial(sender: Sender, seen: Exchange[] = []): Trial {
  const steps: Step[] = []
  const warnings: string[] = []
  const { sendOnce, sendAgainIfNotProcessed } = sending(sender, seen)
  const note = (step: Step): void => void steps.push(step)
  return {
    steps,
    seen,
    warnings,
    async control(title, request) {
      const exchange = await sendAgainIfNotProcessed(title, request)
      const ok = isAccepted(exchange.response)
      const detail = `it must be accepted; ${describeResponse(exchange)}`
      note({ title, kind: 'control', ok, detail, exchange })
      if (ok && exchange.response !== undefined) return exchange.response
      throw new Undecided('failed', `could not decide: the control was not accepted (${describeResponse(exchange)})`)
    },
    async accepted(title, request) {
      const exchange = await sendAgainIfNotProcessed(title, request)
      const detail = `it must be accepted; ${describeResponse(exchange)}`
      note({ title, kind: 'accepted', ok: isAccepted(exchange.response), detail, exchange })
      return exchange.response
    },
    async refused(title, request, refusal) {
      const exchange = await sendAgainIfNotProcessed(title, request)
      note({ title, kind: 'refused', refusal, exchange, ...refusedOrNot(exchange, refusal) })
      return exchange.response
    },
    async sent(title, request) {
      const exchange = await sendOnce(title, request)
      note({ title, kind: 'sent', ok: true, exchange })
      return exchange
    },
    shown: (title, sent, received) => note({ title, kind: 'sent', ok: true, exchange: { title, sent, received } }),
    printed: (title, output, o) =>
      note({ title, kind: o === undefined ? 'sent' : 'control', ok: o === undefined, output: shortened(output) }),
    async all(parts) {
      const ended = await Promise.all(parts.map(part => runPart(part, openTrial(sender, seen))))
      for (const { trial } of ended) {
        steps.push(...trial.steps)
        warnings.push(...trial.warnings)
      }
      const failed = ended.find(({ error }) => error !== undefined)
      if (failed !== undefined) throw failed.error
    },
    holds: (title, ok, beside = {}) =>
      note({ title, kind: 'check', ok, ...(typeof beside === 'string' ? { detail: beside } : beside) }),
    should(title, ok, detail) {
      note({ title, kind: 'check', ok: true, ...(detail === undefined ? {} : { detail }) })
      if (!ok) warnings.push(detail === undefined ? title : `${title} (${detail})`)
    },
  }
}

function refusedOrNot(exchange: Exchange, refusal: Refusal): Pick<Step, 'ok'> & { readonly detail: string } {
  const problem = refusalProblem(exchange, refusal)
  const wanted = `it must be refused: ${describeRefusal(refusal)}; ${describeResponse(exchange)}`
  // Why there was no response is said already.
  const isSaid = problem === undefined || problem.kind === 'no response'
  return { ok: problem === undefined, detail: isSaid ? wanted : `${wanted}; ${problem.text}` }
}

/** How many characters of an output are kept of its beginning, and of its end. */
const keptOfOutput = 2000

/** The beginning and the end of a text: a link stands early, an error late. */
function shortened(text: string): string {
  const left = text.length - 2 * keptOfOutput
  if (left <= 0) return text
  return `${text.slice(0, keptOfOutput)}\n… ${left} characters more …\n${text.slice(-keptOfOutput)}`
}

/** Sends the requests of a trial, and keeps all exchanges. */
function sending(sender: Sender, seen: Exchange[]) {
  const sendOnce = async (title: string, request: Request): Promise<Exchange> => {
    const exchange = await sender(title, typeof request === 'function' ? await request() : request)
    seen.push(exchange)
    return exchange
  }
  const sendAgainIfNotProcessed = async (title: string, request: Request): Promise<Exchange> => {
    const exchange = await sendOnce(title, request)
    const pause = pauseOf(exchange.response)
    if (pause === undefined || typeof request !== 'function') return exchange
    await new Promise(resolve => setTimeout(resolve, pause))
    return sendOnce(title, request)
  }
  return { sendOnce, sendAgainIfNotProcessed }
}

/** Runs a part on a trial of its own, and keeps its error until all parts have ended. */
async function runPart(
  part: (trial: Trial) => Promise<void>,
  trial: Trial,
): Promise<{ readonly trial: Trial; readonly error?: unknown }> {
  return part(trial).then(
    () => ({ trial }),
    (error: unknown) => ({ trial, error }),
  )
}

/** Whether a handler has answered: any status below 400. */
export function isAccepted(response: WireResponse | undefined): boolean {
  return response !== undefined && response.status >= 200 && response.status < 400
}

/** How long to wait before a request that was not processed is signed anew. @see protocol §3.7 */
function pauseOf(response: WireResponse | undefined): number | undefined {
  if (response?.status !== 503 || headerValue(response, 'agent-auth')?.trim() !== 'httpsig') return undefined
  const seconds = Number(headerValue(response, 'retry-after'))
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 1) * 1000, longestPause) : undefined
}

/** Whether a `Retry-After` says when to try again: by seconds or by a date (RFC 9110 §10.2.3). */
export function isPause(text: string): boolean {
  return /^\d+$/.test(text) || (/^[A-Z][a-z]{2}, .* GMT$/.test(text) && !Number.isNaN(Date.parse(text)))
}

/** The error code of a refusal. */
export function errorOf(response: WireResponse | undefined): string | undefined {
  const error = response === undefined ? undefined : jsonBody(response)?.['error']
  return typeof error === 'string' ? error : undefined
}
