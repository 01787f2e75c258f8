import type { Case } from '../case/case.js'
import { errorOf, isAccepted, type Trial, Undecided } from '../case/trial.js'
import { type Draft, signDraft } from '../signing/draft.js'
import { type Exchange, headerValue, jsonBody, requestBytes, type WireResponse } from '../wire/message.js'
import { parseItem, Token } from '../wire/structured-field.js'
import { callerFor, delegate, draftFor, findRoute, lowestRoute, type ResourceStage, routeOf } from './stage.js'

const group = 'answers'

interface Answered {
  readonly exchange: Exchange
  readonly response: WireResponse
}

/** A case about every answer of the run that it is about. */
function everyAnswer(o: {
  readonly id: string
  readonly words?: string
  readonly about: (answered: Answered, stage: ResourceStage) => boolean
  /** What must hold of each, in words. */
  readonly rule: string
  readonly holds: (response: WireResponse) => boolean
}): Case<ResourceStage> {
  return {
    id: o.id,
    ...(o.words === undefined ? {} : { words: o.words }),
    group,
    async run(trial, stage) {
      await askAnew(trial, stage)
      const answered = trial.seen.flatMap(exchange => {
        const { response } = exchange
        return response === undefined ? [] : [{ exchange, response }]
      })
      const wanted = answered.filter(one => o.about(one, stage))
      if (wanted.length === 0) throw new Undecided('skipped', 'could not decide: no answer of the run is about it')
      const wrong = wanted.filter(({ response }) => !o.holds(response))
      for (const { exchange, response } of wrong.slice(0, 5))
        trial.holds(`${exchange.title}: ${o.rule}`, false, {
          detail: `the answer: ${response.status} ${errorOf(response) ?? ''}`,
          exchange,
        })
      trial.holds(`${o.rule}, in all of ${wanted.length} answers`, wrong.length === 0, `it does not in ${wrong.length}`)
    },
  }
}

/** A valid request and one without a signature, so that there is something to look at where only this group runs. */
async function askAnew(trial: Trial, stage: ResourceStage): Promise<void> {
  const route = lowestRoute(stage)
  const draft = (): Draft => draftFor(stage, route, callerFor(stage, route))
  await trial.control('a valid request', () => signDraft(draft()))
  const { method, target, headers, body } = draft()
  await trial.sent('a request without a signature', { method, target, headers, body })
}

const isHead = ({ exchange }: Answered): boolean => exchange.sent.toString('latin1', 0, 5) === 'HEAD '
/** A browser gets a page. */
const isForBrowser = ({ exchange }: Answered): boolean =>
  /\r\naccept: text\/html\r\n/.test(exchange.sent.toString('latin1'))
/** A refusal of the guard: HTTP parsers and routers have no such status. */
const byGuard = (answered: Answered): boolean =>
  [401, 403].includes(answered.response.status) && !isForBrowser(answered)
const withBody = (answered: Answered): boolean => byGuard(answered) && !isHead(answered)
/** The answer of a guarded route to a signed request. */
const guarded = ({ exchange, response }: Answered, { configuration }: ResourceStage): boolean => {
  const sent = exchange.sent.toString('latin1')
  const path = sent.split(' ')[1]?.split('?')[0]
  const isRoute = configuration.routes.some(({ target }) => target.split('?')[0] === path)
  return isRoute && isAccepted(response) && /\r\nsignature-key:/i.test(sent)
}
const hasWord = (response: WireResponse, header: string, word: string): boolean =>
  (headerValue(response, header) ?? '')
    .toLowerCase()
    .split(',')
    .some(one => one.trim() === word)

/** What holds of every answer. */
export const answerCases: readonly Case<ResourceStage>[] = [
  {
    id: 'DOS-14',
    group,
    async run(trial, stage) {
      const route = lowestRoute(stage)
      await trial.control('a valid request', () => signDraft(draftFor(stage, route, callerFor(stage, route))))
      for (let round = 0; round < 120; round++) {
        const request = signDraft(draftFor(stage, route, callerFor(stage, route)))
        const { bytes, at } = mutated(requestBytes(request), stage)
        const { response } = await trial.sent(`byte ${at} of a valid request is another`, {
          bytes,
          method: request.method,
        })
        const status = response?.status ?? 400
        if (isAccepted(response) || status >= 500)
          trial.holds(
            `byte ${at} of a valid request is another: it is refused, not with 5xx`,
            false,
            `it was answered with ${status}`,
          )
      }
      trial.holds('no changed request is accepted, and none causes a server error', true)
    },
  },
  everyAnswer({
    id: 'challenge.every-401',
    rule: 'a 401 but replay_detected has Agent-Auth',
    about: ({ response }) => response.status === 401 && errorOf(response) !== 'replay_detected',
    holds: response => headerValue(response, 'agent-auth') !== undefined,
  }),
  everyAnswer({
    id: 'challenge.syntax',
    words: 'is a Structured Field Item',
    rule: 'Agent-Auth is an Item with the Token httpsig',
    about: ({ response }) => headerValue(response, 'agent-auth') !== undefined,
    holds: response => isChallenge(headerValue(response, 'agent-auth') ?? ''),
  }),
  everyAnswer({
    id: 'error.shape',
    words: 'Its body is JSON',
    rule: 'a refusal is JSON with error and error_description',
    about: withBody,
    holds: response => ['error', 'error_description'].every(name => typeof jsonBody(response)?.[name] === 'string'),
  }),
  everyAnswer({
    id: 'error.reason',
    words: 'Every refusal must have a `reason`',
    rule: 'a refusal has a reason',
    about: withBody,
    holds: response => /\S/.test(textIn(response, 'reason')),
  }),
  everyAnswer({
    id: 'error.date',
    rule: 'a 401 has Date',
    about: ({ response }) => response.status === 401,
    holds: response => headerValue(response, 'date') !== undefined,
  }),
  everyAnswer({
    id: 'error.required-components',
    rule: 'invalid_signature has required_components',
    about: answered => withBody(answered) && errorOf(answered.response) === 'invalid_signature',
    holds: response => {
      const named = jsonBody(response)?.['required_components']
      return (
        Array.isArray(named) && ['@method', '@authority', '@path', 'signature-key'].every(one => named.includes(one))
      )
    },
  }),
  everyAnswer({
    id: 'error.server-error',
    rule: 'nothing causes a server error',
    about: () => true,
    holds: ({ status }) => status < 500 || status === 503,
  }),
  everyAnswer({
    id: 'cache.no-store',
    rule: 'a challenge has no-store',
    about: ({ response }) => headerValue(response, 'agent-auth') !== undefined,
    holds: response => hasWord(response, 'cache-control', 'no-store'),
  }),
  everyAnswer({
    id: 'cache.private',
    rule: 'an answer to a signed request has Cache-Control: private',
    about: guarded,
    holds: response => hasWord(response, 'cache-control', 'private') || hasWord(response, 'cache-control', 'no-store'),
  }),
  everyAnswer({
    id: 'cache.vary',
    rule: 'an answer to a signed request has Vary: Signature-Key',
    about: guarded,
    holds: response => hasWord(response, 'vary', 'signature-key'),
  }),
  {
    id: 'error.description',
    group,
    async run(trial, stage) {
      await askAnew(trial, stage)
      if (findRoute(stage, 'identified') !== undefined)
        await trial.sent('a request with a token that has ended', () => {
          const now = stage.now()
          const ended = delegate(stage, token => ({
            ...token,
            claims: { ...token.claims, iat: now - 60, exp: now - 1 },
          }))
          return signDraft(draftFor(stage, routeOf(stage, 'identified'), ended))
        })
      const told = trial.seen.filter(({ sent, response }) => {
        const token = /jwt="([^"]{40,})"/.exec(sent.toString('latin1'))?.[1]
        return token !== undefined && response?.body.includes(token) === true
      })
      trial.holds('no answer repeats a token that was shown', told.length === 0, `${told.length} answers do`)
    },
  },
]

/** A member of the body, where it is a text. */
function textIn(response: WireResponse, name: string): string {
  const value = jsonBody(response)?.[name]
  return typeof value === 'string' ? value : ''
}

function isChallenge(text: string): boolean {
  try {
    const [scheme, parameters] = parseItem(text)
    const needsToken = parameters.get('auth-token') !== true || typeof parameters.get('resource_token') === 'string'
    return scheme instanceof Token && String(scheme) === 'httpsig' && needsToken
  } catch {
    return false
  }
}

/** Changes one bit of what is signed or of the signature. */
function mutated(bytes: Buffer, { random }: ResourceStage): { bytes: Buffer; at: number } {
  const text = bytes.toString('latin1')
  const places = ['signature-key: ', 'signature-input: ', 'signature: '].map(name => {
    const from = text.indexOf(`\r\n${name}`) + 2 + name.length
    return { from, length: text.indexOf('\r\n', from) - from }
  })
  const path = { from: text.indexOf(' ') + 2, length: text.indexOf(' HTTP/') - text.indexOf(' ') - 2 }
  const { from, length } = [...places, ...(path.length > 0 ? [path] : [])][random.below(4)] ?? path
  const at = from + random.below(length)
  const changed = Buffer.from(bytes)
  changed[at] = (changed[at] ?? 0) ^ (1 << random.below(7))
  return { bytes: changed, at }
}
