import { parseConditions } from '@countersign/conditions'
import { gatherBytes } from '@countersign/httpsig/internal'
import { AAuthError, type Reason } from '@countersign/protocol'
import {
  checkOptions,
  eachMember,
  isObject,
  type OptionChecks,
  parseJson,
  refusal,
} from '@countersign/protocol/internal'
import type { Policy, PolicyRequest } from '../policy/policy.js'
import { type EngineAction, type EngineAnswer, engineContext, enginePolicy, principalOf } from './question.js'

/** Questions under way at once: each request of a stranger costs the decision point one. */
const mostAtOnce = 64
/** Bytes of an answer. */
const maxAnswer = 65_536
const defaultDeadline = 2
const longestDeadline = 10

/** A decision point that speaks the OpenID AuthZEN Authorization API 1.0. */
export interface AuthzenOptions {
  /** The base URL of the decision point; `/access/v1/evaluation` is added. https. */
  readonly url: string
  /** Headers of each question, such as `authorization`. Default: none. */
  readonly headers?: Readonly<Record<string, string>>
  /** Seconds that a question may take. Default 2, at most 10. */
  readonly deadline?: number
  /** Lets the decision point be at `http` on a loopback host, such as a sidecar. Default false. */
  readonly dangerouslyAllowLoopbackHttp?: boolean
  /** Lets conditions name loopback `http` identifiers. Default false. */
  readonly development?: boolean
  /** Sends the questions. Default: the global one. */
  readonly fetch?: typeof fetch
}

const checks: OptionChecks<AuthzenOptions> = {
  url: 'string',
  headers: eachMember('string'),
  deadline: 'number',
  dangerouslyAllowLoopbackHttp: 'boolean',
  development: 'boolean',
  fetch: 'function',
}

/**
 * A policy that asks a decision point by the OpenID AuthZEN Authorization API 1.0: first whether the action `direct` is allowed, then
 * `consent`. Its answer may have `conditions` in `context`, which the tokens get, and `approver`, the `sub` of the user who approves single
 * calls; what `reason_admin` tells the operator is in `by`. Where it does not answer in time, or with anything else, the request fails with 503 and nothing is granted.
 * @throws TypeError when `url` is not such a URL
 * @see OpenID AuthZEN Authorization API 1.0 §6
 * @example
 * ```ts
 * import { authzen } from '@countersign/auth-server/authzen'
 *
 * const policy = authzen({
 *   url: 'https://pdp.example',
 *   headers: { authorization: `Bearer ${process.env['PDP_KEY'] ?? ''}` },
 * })
 * ```
 */
export function authzen(options: AuthzenOptions): Policy {
  checkOptions('authzen', options, checks, ['url'])
  const { deadline = defaultDeadline, development = false } = options
  if (deadline === 0 || deadline > longestDeadline)
    throw new RangeError(`authzen: deadline must be 1 to ${longestDeadline} s`)
  const send = sender({ ...options, deadline })
  return enginePolicy(async (request, action) => answerIn(await send(question(request, action)), development))
}

/** @see OpenID AuthZEN Authorization API 1.0 §5 */
function question(request: PolicyRequest, action: EngineAction): object {
  const { agent, delegate, resource } = request
  const { type, id } = principalOf(request)
  return {
    subject: {
      type: type.toLowerCase(),
      id,
      properties: { agent, ...(delegate === undefined ? {} : { delegate }) },
    },
    action: { name: action },
    resource: { type: 'resource', id: resource },
    context: engineContext(request),
  }
}

/** Sends questions to the decision point, and reads its answers. */
function sender(o: AuthzenOptions & { readonly deadline: number }): (question: object) => Promise<unknown> {
  const { headers = {}, deadline, fetch: send = fetch } = o
  const url = evaluationUrl(o)
  let underWay = 0
  return async question => {
    if (underWay >= mostAtOnce) throw undecided('dependency_unavailable', { underWay })
    underWay++
    try {
      const response = await send(url, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify(question),
        // Another host must not decide, nor get the headers.
        redirect: 'error',
        signal: AbortSignal.timeout(deadline * 1000),
      })
      return await answerOf(response)
    } catch (error) {
      if (error instanceof AAuthError) throw error
      throw undecided('dependency_unavailable', { name: error instanceof Error ? error.name : typeof error })
    } finally {
      underWay--
    }
  }
}

function evaluationUrl({ url, dangerouslyAllowLoopbackHttp = false }: AuthzenOptions): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const isLoopback = parsed !== undefined && ['localhost', '127.0.0.1', '[::1]'].includes(parsed.hostname)
  const isAllowed =
    parsed?.protocol === 'https:' || (parsed?.protocol === 'http:' && dangerouslyAllowLoopbackHttp && isLoopback)
  if (parsed === undefined || !isAllowed || /[?#]/.test(url) || parsed.username !== '' || parsed.password !== '')
    throw new TypeError('authzen: url must be an https URL without query, fragment and user')
  return `${parsed.href.replace(/\/$/, '')}/access/v1/evaluation`
}

async function answerOf(response: Response): Promise<unknown> {
  const { status, headers, body } = response
  const type = headers.get('content-type') ?? ''
  if (status !== 200 || !/^application\/json\s*(;|$)/i.test(type)) {
    body?.cancel().catch(() => undefined)
    throw undecided(status >= 500 || status === 429 ? 'dependency_unavailable' : 'dependency_invalid', { status })
  }
  const bytes = await readAll(body)
  try {
    return parseJson(bytes, { maxBytes: maxAnswer })
  } catch {
    throw undecided('dependency_invalid', { bytes: bytes.length })
  }
}

async function readAll(body: Response['body']): Promise<Uint8Array> {
  const all = gatherBytes(maxAnswer)
  for await (const chunk of body ?? []) if (!all.add(chunk)) throw undecided('dependency_invalid', { maxAnswer })
  return all.bytes()
}

/** Anything but a boolean `decision` is no decision, and conditions that are not understood cannot be kept. */
function answerIn(answer: unknown, development: boolean): EngineAnswer {
  if (!isObject(answer) || typeof answer['decision'] !== 'boolean')
    throw undecided('dependency_invalid', { answer: 'no decision' })
  const { context = {} } = answer
  if (!answer['decision']) return { permit: undefined, by: isObject(context) ? reasonsIn(context['reason_admin']) : [] }
  if (!isObject(context)) throw undecided('dependency_invalid', { answer: 'context' })
  const { conditions = [], approver, reason_admin } = context
  if (approver !== undefined && (typeof approver !== 'string' || approver === ''))
    throw undecided('dependency_invalid', { answer: 'approver' })
  try {
    return {
      permit: { conditions: parseConditions(conditions, { development }), approver },
      by: reasonsIn(reason_admin),
    }
  } catch {
    throw undecided('dependency_invalid', { answer: 'conditions' })
  }
}

/** Reasons for operators that are kept, and characters of each. */
const [mostReasons, longestReason] = [4, 256]

/** What a decision point says to its administrators: one text, or texts by language or code. */
function reasonsIn(told: unknown): string[] {
  const texts = typeof told === 'string' ? [told] : isObject(told) ? Object.values(told) : []
  return texts
    .filter(text => typeof text === 'string')
    .slice(0, mostReasons)
    .map(text => text.slice(0, longestReason))
}

/** Not a denial: another policy of `firstOf` must not decide in its place. */
function undecided(reason: Reason, cause: Readonly<Record<string, unknown>>): AAuthError {
  return refusal(reason, { about: 'the policy', cause, retryAfter: 10 })
}
