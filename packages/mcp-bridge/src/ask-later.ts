import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { AgentError, type DeviceCode, type DeviceCodeOptions, type Interact, type VisitUrl } from '@countersign/agent'

/** Where a user can agree, and the text of the error that says so. */
interface Place {
  readonly url: string
  readonly text: string
}

/** Callbacks for a user who cannot be reached at once: they receive the place where the user can agree. */
export interface PlaceReceivers {
  readonly open: VisitUrl
  readonly show: (code: DeviceCode) => void
  /** The same way to a page, which a later call for the same access may take once more. */
  readonly openAgain: (open: VisitUrl) => VisitUrl
  /** The same way to show a code, which a later call for the same access may take once more. */
  readonly showAgain: (show: DeviceCodeOptions['show']) => DeviceCodeOptions['show']
}

/** A question to a user, and its state. */
interface Question {
  /** Resolves to the place where the user can agree. */
  readonly place: Promise<Place>
  readonly outcome: Promise<unknown>
  /** A call has failed with the place: the question outlives that call. */
  isTold: boolean
  /** Sends the user once more. Absent until the user was sent there: then the question outlives its call, too. */
  sendAgain?: (waits: AbortSignal) => void | Promise<void>
  isDecided: boolean
  /** The user has agreed. */
  isAgreed: boolean
  /** How many calls wait for the user just now. */
  calls: number
  abandon(): void
}

/** Most questions that are kept for later calls: a server can ask for any number of scopes. */
const mostKept = 64

/** Milliseconds for which an answer that no call has taken is kept. */
const answerLives = 600_000

/** Milliseconds in which the answer of a user may still become a grant, before the user is sent to the place once more. */
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

/** What the parts of an interaction tell of the question that runs. */
interface Hearing {
  /** The place where the user can agree. */
  place(place: Place): void
  /** The user was sent to the page. */
  sent(again: NonNullable<Question['sendAgain']>): void
}

interface Context {
  readonly hearing: AsyncLocalStorage<Hearing>
  readonly questions: Map<string, Question>
}

/**
 * Asks users in a way that outlives the call. Where a user cannot be reached while a call waits, the call fails at once with the place
 * where the user can agree. Where the user was sent to a page and the call ends before the answer, by the time limit of its client, the
 * question stays open. In both cases the next call for the same access continues with the user's decision. A call that has failed is not
 * sent later.
 * @param make makes the interaction that asks the user
 */
export function askLater(make: (receivers: PlaceReceivers) => Interact): LaterInteraction {
  // bound: 64 questions; bytes: 64 × the 16 KiB of headers that name a scope; grown by a peer; filled by
  // ask-later.test.ts "the oldest questions of a server with too many"
  const context: Context = { hearing: new AsyncLocalStorage(), questions: new Map() }
  const inner = make(receiversOf(context))
  let waiting = 0

  async function counted<T>(asking: Promise<T>): Promise<T> {
    waiting += 1
    return asking.finally(() => {
      waiting -= 1
    })
  }

  const interact: Interact = {
    kind: inner.kind,
    open(options) {
      const interaction = inner.open(options)
      const { interactionCode } = interaction
      return {
        ...interaction,
        ...(interactionCode === undefined
          ? {}
          : { interactionCode: question => counted(codeFor(question, interactionCode, context)) }),
        obtainGrant(request) {
          const { asked, user, owner } = request
          const { issuer, resource, scope, purposes, operation } = asked
          const key = JSON.stringify([user, owner, issuer, resource, scope, purposes, operation?.digest])
          const ask: Ask = abandoned => interaction.obtainGrant({ ...request, abandoned })
          return counted(decide({ key, ask, waits: request.abandoned, isKept: true }, context))
        },
      }
    },
  }
  return {
    interact,
    isAsking: () => waiting > 0,
    stop() {
      for (const question of context.questions.values()) question.abandon()
    },
  }
}

type InteractionCode = NonNullable<ReturnType<Interact['open']>['interactionCode']>

/** The code of a resource that asks its user itself. Without a page, only one that is here already. */
function codeFor(
  question: Parameters<InteractionCode>[0],
  interactionCode: InteractionCode,
  context: Context,
): Promise<string | undefined> {
  const { user, owner, resource, page, signal } = question
  const key = JSON.stringify(['page', user, owner, resource])
  if (page === undefined && context.questions.get(key)?.isAgreed !== true) return interactionCode(question)
  const ask: Ask = abandoned => interactionCode({ ...question, signal: abandoned })
  return decide({ key, ask, waits: signal }, context)
}

/** A call that needs a user. */
interface WaitingCall {
  /** The same for all calls that need the same answer. */
  readonly key: string
  readonly ask: Ask
  /** Ends the waiting. */
  readonly waits: AbortSignal | undefined
  /** Whether the agent's state has the answer once it is there, so that a later call does not ask. */
  readonly isKept?: boolean
}

/** Waits for the decision of a user: that of a question of an earlier call, or of a new one. */
async function decide<T>(call: WaitingCall, context: Context): Promise<T> {
  const { key, waits = new AbortController().signal } = call
  const { questions } = context
  waits.throwIfAborted()
  const earlier = questions.get(key)
  const question = earlier ?? beginQuestion(call, context)
  let leave = (): void => undefined
  const left = new Promise<never>((_, reject) => {
    leave = () => {
      // Nobody was sent to a page, so that nobody can answer: the question ends with its last call.
      if (question.calls === 1 && !question.isTold && question.sendAgain === undefined) end(question, key, context)
      else reject(waits.reason)
    }
    waits.addEventListener('abort', leave, { once: true })
  })
  question.calls += 1
  try {
    const decided = question.outcome.then(
      () => undefined,
      () => undefined,
    )
    const again =
      earlier === undefined || question.isTold ? left : sendAgain(earlier, waits, () => end(earlier, key, context))
    const place = question.isDecided ? undefined : await Promise.race([decided, placeOf(question), left, again])
    if (place !== undefined) {
      question.isTold = true
      throw new AgentError('interaction_required', place.text, undefined, place.url)
    }
    // Given to one call: the next one for the same access asks anew.
    end(question, key, context)
    return (await question.outcome) as T
  } finally {
    waits.removeEventListener('abort', leave)
    question.calls -= 1
  }
}

/** Sends the user of an earlier call to the page once more, unless the answer comes first. Rejects where the user does not go there. */
async function sendAgain(question: Question, waits: AbortSignal, refused: () => void): Promise<never> {
  await sleep(patience, undefined, { ref: false })
  try {
    if (!question.isDecided && !waits.aborted) await question.sendAgain?.(waits)
  } catch (error) {
    refused()
    throw error
  }
  return new Promise<never>(() => undefined)
}

function end(question: Question, key: string, { questions }: Context): void {
  question.abandon()
  if (questions.get(key) === question) questions.delete(key)
}

function receiversOf({ hearing }: Context): PlaceReceivers {
  return {
    open: url =>
      hearing.getStore()?.place({
        url,
        text: 'a user must agree first, in a browser of this machine (--device shows a code for any device)',
      }),
    show: ({ verification_uri: url, user_code }) =>
      hearing.getStore()?.place({ url, text: `a user must agree first, on any device, by typing in ${user_code}` }),
    openAgain: open => async (url, visit) => {
      const heard = hearing.getStore()
      await open(url, visit)
      // Where a call ends that has sent the user once more, that is taken back, and the question stays open.
      const once = (waits: AbortSignal) => open(url, { ...visit, ended: AbortSignal.any([visit.ended, waits]) })
      heard?.sent(waits => hearing.run(heard, once, waits))
    },
    showAgain: show => async code => {
      const heard = hearing.getStore()
      await show(code)
      heard?.sent(() => hearing.run(heard, show, code))
    },
  }
}

/** Begins a question, and keeps it for later calls; the oldest ones give way. */
function beginQuestion({ key, ask, isKept = false }: WaitingCall, context: Context): Question {
  const { hearing, questions } = context
  for (const [oldKey, oldest] of questions) {
    if (questions.size < mostKept) break
    end(oldest, oldKey, context)
  }
  const abandoned = new AbortController()
  const abandon = (): void => abandoned.abort()
  let receive: (place: Place) => void = () => undefined
  const place = new Promise<Place>(resolve => {
    receive = resolve
  })
  const sent: Hearing['sent'] = again => {
    question.sendAgain = again
  }
  const outcome = hearing.run({ place: receive, sent }, ask, abandoned.signal)
  const question: Question = { place, outcome, isTold: false, isDecided: false, isAgreed: false, calls: 0, abandon }
  questions.set(key, question)
  const decided = (isOfUse: boolean): void => {
    question.isDecided = true
    const drop = (): void => end(question, key, context)
    // A call that waits has the outcome in any case.
    if (isOfUse) setTimeout(drop, answerLives).unref()
    else drop()
  }
  // The next call gets what the user has said. Without a next call it is dropped here, not an unhandled rejection.
  outcome.then(
    () => {
      question.isAgreed = true
      decided(!isKept)
    },
    error => decided(error instanceof AgentError && error.code === 'denied'),
  )
  return question
}
