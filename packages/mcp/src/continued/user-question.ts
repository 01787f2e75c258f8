import { isObject, refusal } from '@countersign/protocol/internal'
import type { Authorization, Questions } from '@countersign/resource'
import { rpcError } from '../answer/rpc-error.js'
import type { Owner } from '../message/owner.js'
import type { McpMessage } from '../rules/rpc.js'
import type { StreamShares } from '../stream/shares.js'
import type { AskedQuestion, Continuations } from './continuations.js'
import { type Continuing, nameOfRequest } from './unsealed.js'

/** The name of the guard's question among the requests for input. */
const own = 'io.github.countersign-dev/user'

/** Requests whose result may be a request for input. */
const asking: ReadonlySet<unknown> = new Set(['tools/call', 'prompts/get', 'resources/read'])

/** Most characters of answers that are handed to the client and back. */
const mostAnswers = 16_384

/** Seconds that a repeated request waits for the user. Clients give a request a minute. */
const patience = 20

/** A request whose client may be asked. */
export interface Asker {
  readonly rpc: McpMessage
  readonly owner: Owner
  readonly continuing: Continuing | undefined
}

/**
 * Whether the client can send its user to a URL, by its own words in this request, and can be handed what the request went on with.
 * Asked before there is a question: one that nobody is sent to would take the place of another.
 */
export function canAsk(asker: Asker): boolean {
  const { request, revision, value } = asker.rpc
  if (revision !== 'stateless' || !asking.has(request?.method)) return false
  const { _meta } = Object(value['params'])
  const capabilities = Object(_meta)['io.modelcontextprotocol/clientCapabilities']
  const isAble = isObject(Object(Object(capabilities).elicitation).url)
  return isAble && JSON.stringify(answersOf(asker) ?? {}).length <= mostAnswers
}

/** The answers to the server's own questions, which the server gets once more when the user has agreed. */
function answersOf({ rpc, continuing }: Pick<Asker, 'rpc' | 'continuing'>): unknown {
  const question = continuing?.continued?.question
  return question === undefined ? Object(rpc.value['params']).inputResponses : question.answers
}

/** The result that asks the client to send its user to a URL and to repeat the request. */
export async function questionResult(
  asker: Asker,
  { url, code, until }: Omit<AskedQuestion, 'answers'>,
  continuations: Continuations,
): Promise<Readonly<Record<string, unknown>>> {
  const { rpc, owner, continuing } = asker
  const question: AskedQuestion = { url, code, until, answers: answersOf(asker) }
  const state = { kind: 'state', of: nameOfRequest(rpc), value: continuing?.continued?.value, question } as const
  const message = `${new URL(url).host} has a question for you`
  return {
    resultType: 'input_required',
    inputRequests: { [own]: { method: 'elicitation/create', params: { mode: 'url', url, message } } },
    requestState: await continuations.seal(state, owner),
  }
}

/** What a repeated request needs to go on. */
export interface Repeated extends Asker {
  readonly authorization: Authorization & { readonly ok: true }
  readonly continuations: Continuations
  /** How many may wait at the same time. */
  readonly waits: StreamShares
  /** Unix seconds. */
  readonly now: () => number
}

/**
 * Waits for the answer of a user to whom the request has sent its client.
 * @returns undefined where there is none to wait for, or once the user has agreed; else the answer to the request
 */
export function awaitUser(repeated: Repeated): Promise<Response | undefined> | undefined {
  const question = repeated.continuing?.continued?.question
  const { questions } = repeated.authorization
  return question === undefined || questions === undefined ? undefined : awaitAnswer(repeated, question, questions)
}

async function awaitAnswer(
  repeated: Repeated,
  question: AskedQuestion,
  questions: Questions,
): Promise<Response | undefined> {
  const { rpc, continuations } = repeated
  const { action } = Object(Object(Object(rpc.value['params']).inputResponses)[own])
  const id = rpc.request?.id
  if (action === 'decline' || action === 'cancel') return refused('the user declined to be asked', id)
  const said = await inPlace(repeated, () => questions.answer(question.code, patience))
  // One that is gone was answered before, or has ended: the call finds out what is remembered of it.
  if (said === 'agreed' || said === 'gone') return undefined
  if (said === 'denied') return refused('the user has refused', id)
  const result = await questionResult(repeated, question, continuations)
  return Response.json({ jsonrpc: '2.0', id, result }, { headers: { 'cache-control': 'no-store' } })
}

/** Waits in a place among all that wait, and only as long as the caller may go on. @throws AAuthError */
async function inPlace<T>({ authorization, owner, waits, now }: Repeated, wait: () => Promise<T>): Promise<T> {
  const leave = waits.enter(owner)
  if (leave === undefined)
    throw refusal('capacity_exceeded', { about: 'requests of this caller that wait for their user', retryAfter: 5 })
  const { aauth, whileOpen } = authorization
  let isOver = false
  const close = whileOpen?.(() => {
    isOver = true
  })
  try {
    const waited = await wait()
    // It was judged before it waited: a grant may have ended meanwhile.
    if (isOver || (aauth.expires ?? Number.POSITIVE_INFINITY) <= now()) throw refusal('grant_ended')
    return waited
  } finally {
    close?.()
    leave()
  }
}

function refused(message: string, id: string | number | undefined): Response {
  const data = { error: 'access_denied', reason: 'user_refused' } as const
  return rpcError({ code: -32_000, message, data }, { id, status: 200 })
}
