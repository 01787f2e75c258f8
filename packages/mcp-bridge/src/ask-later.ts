import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { AgentError, type DeviceCode, type Interact, type VisitUrl } from '@countersign/agent'

/** Where a user can agree, and the text of the error that says so. */
interface Place {
  readonly url: string
  readonly text: string
}

/** Callbacks for a user who cannot be reached at once: they receive the place where the user can agree. */
export interface PlaceReceivers {
  readonly open: VisitUrl
  readonly show: (code: DeviceCode) => void
}

/** A question to a user, and its state. */
interface Question {
  /** Resolves to the place where the user can agree. */
  readonly place: Promise<Place>
  readonly outcome: Promise<unknown>
  /** A call has failed with the place: the question outlives that call. */
  isTold: boolean
  isDecided: boolean
  abandon(): void
}

/** Most questions that are kept for later calls: a server can ask for any number of scopes. */
const mostKept = 64

/** Milliseconds in which the answer of a user may still become a grant, before a call fails with the place once more. */
const patience = 2000

/** The place of a question; for one that was told before a little later, since the answer may be on its way. */
async function placeOf({ place, isTold }: Question): Promise<Place> {
  if (isTold) await sleep(patience, undefined, { ref: false })
  return place
}

/** How users are asked later, and how to end it. */
export interface LaterInteraction {
  readonly interact: Interact
  /** Whether a call waits for a user just now. */
  readonly isAsking: () => boolean
  /** Ends all questions, with their listeners. */
  stop(): void
}

/** Runs one question; `abandoned` ends it. */
type Ask = (abandoned: AbortSignal) => Promise<unknown>

interface Context {
  /** Receives the place of the question that runs. */
  readonly places: AsyncLocalStorage<(place: Place) => void>
  readonly stopped: AbortSignal
}

/**
 * Asks users who cannot be reached while a call waits. The call fails at once, with the place where the user can agree; the next call
 * for the same access continues with the user's decision. A call that has failed is not sent later.
 * @param make makes the interaction that asks the user
 */
export function askLater(make: (receivers: PlaceReceivers) => Interact): LaterInteraction {
  const stop = new AbortController()
  const context: Context = { places: new AsyncLocalStorage(), stopped: stop.signal }
  const questions = new Map<string, Question>()
  const inner = make(receiversOf(context))
  let waiting = 0

  async function counted<T>(asking: Promise<T>): Promise<T> {
    waiting += 1
    return asking.finally(() => {
      waiting -= 1
    })
  }

  async function decide<T>(key: string, ask: Ask, waits: AbortSignal): Promise<T> {
    const question = questions.get(key) ?? keepQuestion(questions, key, beginQuestion(ask, waits, context))
    const decided = question.outcome.then(
      () => undefined,
      () => undefined,
    )
    const place = question.isDecided ? undefined : await Promise.race([decided, placeOf(question)])
    if (place !== undefined) {
      question.isTold = true
      throw new AgentError('interaction_required', place.text, undefined, place.url)
    }
    questions.delete(key)
    return (await question.outcome) as T
  }

  const interact: Interact = {
    kind: inner.kind,
    open(context) {
      const interaction = inner.open(context)
      const { interactionCode } = interaction
      return {
        ...interaction,
        ...(interactionCode === undefined ? {} : { interactionCode: question => counted(interactionCode(question)) }),
        obtainGrant(request) {
          const { asked, user } = request
          const { issuer, resource, scope, purposes, operation } = asked
          const key = JSON.stringify([user, issuer, resource, scope, purposes, operation?.digest])
          return counted(
            decide(key, abandoned => interaction.obtainGrant({ ...request, abandoned }), request.abandoned),
          )
        },
      }
    },
  }
  return { interact, isAsking: () => waiting > 0, stop: () => stop.abort() }
}

function receiversOf({ places }: Context): PlaceReceivers {
  return {
    open: url =>
      places.getStore()?.({
        url,
        text: 'a user must agree first, in a browser of this machine (--device shows a code for any device)',
      }),
    show: ({ verification_uri: url, user_code }) =>
      places.getStore()?.({ url, text: `a user must agree first, on any device, by typing in ${user_code}` }),
  }
}

/** @param waits the signal of the call: it ends the question unless the call has failed with the place */
function beginQuestion(ask: Ask, waits: AbortSignal, { places, stopped }: Context): Question {
  const abandoned = new AbortController()
  const abandon = (): void => abandoned.abort()
  waits.addEventListener('abort', () => question.isTold || abandon(), { once: true })
  stopped.addEventListener('abort', abandon, { once: true })
  let receive: (place: Place) => void = () => undefined
  const place = new Promise<Place>(resolve => {
    receive = resolve
  })
  const outcome = places.run(receive, ask, abandoned.signal)
  const question: Question = { place, outcome, isTold: false, isDecided: false, abandon }
  const end = (): void => {
    question.isDecided = true
    stopped.removeEventListener('abort', abandon)
  }
  // The next call gets an error of the outcome. Without a next call it is dropped here, not an unhandled rejection.
  outcome.then(end, end)
  return question
}

/** Keeps a question for later calls; the oldest ones give way. */
function keepQuestion(questions: Map<string, Question>, key: string, question: Question): Question {
  for (const [oldKey, oldest] of questions) {
    if (questions.size < mostKept) break
    questions.delete(oldKey)
    oldest.abandon()
  }
  questions.set(key, question)
  return question
}
