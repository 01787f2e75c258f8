import type { Case } from '../case/case.js'
import { type Refusal, refusals } from '../case/refusal.js'
import type { Trial } from '../case/trial.js'
import type { Route } from '../config/route.js'
import { type Draft, requiredComponents, signDraft } from '../signing/draft.js'
import { addHeaders, requestBytes, type WireRequest } from '../wire/message.js'
import type { RawRequest } from '../wire/send.js'
import { flipped } from './header-changes.js'
import {
  byPublishedKey,
  callerFor,
  delegate,
  draftFor,
  findRoute,
  findSpecial,
  lowestRoute,
  parametersAt,
  pseudonym,
  type ResourceStage,
  routeOf,
  type Signer,
} from './stage.js'
import { withClaims } from './token-variations.js'

const group = 'body'
const needs = ['write']

/** How long a body is kept back, in milliseconds. */
const pause = 4000

/** A request in two parts: its head at once, and its body later. */
function parts(request: WireRequest): { readonly head: Buffer; readonly body: Buffer } {
  const bytes = requestBytes(request)
  const end = bytes.indexOf('\r\n\r\n') + 4
  return { head: bytes.subarray(0, end), body: bytes.subarray(end) }
}

const headOf = (request: WireRequest): RawRequest => ({ bytes: parts(request).head, method: request.method })

/** The head of a request, and then the end of the connection. */
function unfinished(request: WireRequest): RawRequest {
  return { ...headOf(request), later: { after: 300, bytes: 'end' } }
}

/** A request whose body comes late. */
function slow(request: WireRequest): RawRequest {
  return { ...headOf(request), later: { after: pause, bytes: parts(request).body } }
}

/** Bodies that come after their head, late or never. */
export const bodyCases: readonly Case<ResourceStage>[] = [
  {
    id: 'DIG-21',
    words: ['where the head alone shows the fault', 'must also judge by the head what needs keys and lists'],
    group,
    needs,
    async run(trial, stage) {
      const post = lowestRoute(stage, 'POST')
      const draft = () => draftFor(stage, post, callerFor(stage, post))
      await trial.control('the request with its body', () => signDraft(draft()))
      const refused = (fault: string, change: (draft: Draft) => Draft): Promise<unknown> =>
        trial.refused(
          `${fault}, and no byte of the body has been sent`,
          () => headOf(signDraft(change(draft()))),
          refusals.signature,
        )
      await refused('@path is not covered', one => ({
        ...one,
        components: requiredComponents(one).filter(name => name !== '"@path"'),
      }))
      await refused('created is long ago', one => ({
        ...one,
        parameters: one.parameters.replace(/created=\d+/, 'created=1'),
      }))
      await refused('the signature is wrong', one => ({ ...one, signature: bytes => flipped(bytes, stage) }))
      const identified = findRoute(stage, 'identified', 'POST')
      if (identified === undefined || isByBody(stage, identified)) return
      await trial.refused(
        'a pseudonym calls a route for those who are identified, and no byte of the body has been sent',
        () => headOf(signDraft(draftFor(stage, identified, pseudonym()))),
        refusals.level,
      )
    },
  },
  {
    id: 'sig.body.head-first',
    words: [
      'judge time again, that of the token too',
      'Limits, policy and replay must wait for that last byte',
      'whose body never comes, or is another one, uses up nothing',
    ],
    group,
    needs,
    async run(trial, stage) {
      const post = lowestRoute(stage, 'POST')
      const request = (): WireRequest => signDraft(draftFor(stage, post, callerFor(stage, post)))
      await trial.control('the request with its body', request)
      await trial.all([
        part => isNotRemembered(part, request()),
        part => usesUpNoLimit(part, stage),
        part => isJudgedAgain(part, stage),
        part => isTokenJudgedAgain(part, stage),
      ])
    },
  },
  {
    id: 'sig.body.whole-head',
    words: 'must answer 431 to a header block of which lines may have been dropped',
    group,
    needs: ['anonymous'],
    async run(trial, stage) {
      const route = routeOf(stage, 'anonymous')
      const { method, target, headers, body } = draftFor(stage, route, pseudonym())
      await trial.control('the request without a signature', { method, target, headers, body })
      const many = Array.from({ length: 2500 }, (): [string, string] => ['x', '1'])
      const lost = addHeaders(
        { method, target, headers: [...headers, ...many], body },
        ['signature-input', 'sig=("@method");created=1'],
        ['signature', 'sig=:YWJj:'],
      )
      await trial.refused('a signature without its key stands after 2500 other lines', lost, {
        status: [400, 401, 431],
        orClosed: true,
      })
    },
  },
]

/** Whether the body of a request says what it needs: routes of several levels have one target. */
function isByBody({ configuration }: ResourceStage, { target, method, level }: Route): boolean {
  return configuration.routes.some(one => one.target === target && one.method === method && one.level !== level)
}

async function isNotRemembered(trial: Trial, request: WireRequest): Promise<void> {
  await trial.sent('a request whose body never comes', unfinished(request))
  await trial.accepted('the same request with its body', request)
}

async function usesUpNoLimit(trial: Trial, stage: ResourceStage): Promise<void> {
  const route = findSpecial(stage, 'limit', { level: 'identified', method: 'POST' })
  if (route === undefined || stage.scheme !== 'http') return
  const agent = byPublishedKey(await stage.open())
  const request = (): WireRequest => signDraft(draftFor(stage, route, agent))
  const count = route.special.limit?.count ?? 1
  for (let one = 1; one <= count; one++)
    await trial.sent(`a request whose body never comes, ${one} of as many as the limit lets pass`, () =>
      unfinished(request()),
    )
  await trial.accepted('a request with its body, after that', request)
}

/** `created` is in the window when the head comes, and no longer when the body has come. */
async function isJudgedAgain(trial: Trial, stage: ResourceStage): Promise<void> {
  const post = lowestRoute(stage, 'POST')
  const signedAgo = (seconds: number) => (): RawRequest => {
    const draft = draftFor(stage, post, callerFor(stage, post))
    return slow(signDraft({ ...draft, parameters: parametersAt(stage.now() - seconds) }))
  }
  await trial.all([
    async part => void (await part.accepted(`its body comes ${pause / 1000} s late`, signedAgo(0))),
    async part =>
      void (await part.refused('its signature is too old before its body has come', signedAgo(58), refusals.signature)),
  ])
}

/** The token is in date when the head comes, and no longer when the body has come. */
async function isTokenJudgedAgain(trial: Trial, stage: ResourceStage): Promise<void> {
  if (findRoute(stage, 'identified', 'POST') === undefined) return
  const route = routeOf(stage, 'identified', 'POST')
  const refusal: Refusal = refusals.agentToken
  const shortLived = (): Signer =>
    delegate(stage, draft => withClaims(now => ({ iat: now - 60, exp: now + 3 }))(draft, stage))
  await trial.refused(
    'its token ends before its body has come',
    () => slow(signDraft(draftFor(stage, route, shortLived()))),
    refusal,
  )
}
