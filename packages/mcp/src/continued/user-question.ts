import { isObject } from '@countersign/protocol/internal'
import type { Authorization } from '@countersign/resource'
import { rpcError } from '../answer/rpc-error.js'
import type { McpMessage } from '../rules/rpc.js'
import type { Owner } from '../session/owner.js'
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

/** Whether the client can send its user to a URL, by its own words in this request. */
export function canAsk({ request, revision, value }: McpMessage): boolean {
  if (revision !== 'stateless' || !asking.has(request?.method)) return false
  const { _meta } = Object(value['params'])
  const capabilities = Object(_meta)['io.modelcontextprotocol/clientCapabilities']
  return isObject(Object(Object(capabilities).elicitation).url)
}

/**
 * The result that asks the client to send its user to a URL and to repeat the request; undefined where the request went on with more
 * than can be handed to the client.
 */
export async function questionResult(
  { rpc, owner, continuing }: Asker,
  question: Pick<AskedQuestion, 'url' | 'code'>,
  continuations: Continuations,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const before = continuing?.continued
  const given = before?.question === undefined ? Object(rpc.value['params']).inputResponses : before.question.answers
  if (JSON.stringify(given ?? {}).length > mostAnswers) return undefined
  const asked: AskedQuestion = { url: question.url, code: question.code, answers: given }
  const state = { kind: 'state', of: nameOfRequest(rpc), value: before?.value, question: asked } as const
  const message = `${new URL(question.url).host} has a question for you`
  return {
    resultType: 'input_required',
    inputRequests: { [own]: { method: 'elicitation/create', params: { mode: 'url', url: question.url, message } } },
    requestState: await continuations.seal(state, owner),
  }
}

/** What a repeated request needs to go on. */
export interface Repeated extends Asker {
  readonly authorization: Authorization & { readonly ok: true }
  readonly continuations: Continuations
  /** How many may wait at the same time. */
  readonly waits: StreamShares
}

/**
 * Waits for the answer of a user to whom the request has sent its client.
 * @returns undefined once the user has agreed; else the answer to the request
 */
export async function awaitUser(repeated: Repeated): Promise<Response | undefined> {
  const { rpc, continuing, authorization, continuations, owner, waits } = repeated
  const question = continuing?.continued?.question
  if (question === undefined) return undefined
  const { action } = Object(Object(Object(rpc.value['params']).inputResponses)[own])
  const id = rpc.request?.id
  if (action === 'decline' || action === 'cancel') return refused('the user declined to be asked', id)
  const leave = waits.enter(owner)
  const said = await authorization.questions?.answer(question.code, leave === undefined ? 0 : patience).finally(leave)
  if (said === 'agreed') return undefined
  if (said === 'denied') return refused('the user has refused', id)
  const result = await questionResult(repeated, question, continuations)
  return Response.json({ jsonrpc: '2.0', id, result }, { headers: { 'cache-control': 'no-store' } })
}

function refused(message: string, id: string | number | undefined): Response {
  const data = { error: 'access_denied', reason: 'user_refused' } as const
  return rpcError({ code: -32_000, message, data }, { id, status: 200 })
}
