import { randomUUID } from 'node:crypto'
import type { Case } from '../case/case.js'
import { formBody, postDraft } from '../case/post.js'
import { type Refusal, refusals } from '../case/refusal.js'
import { signDraft } from '../signing/draft.js'
import type { WireRequest } from '../wire/message.js'
import type { DraftChange } from './coverage-changes.js'
import { endpointTarget } from './endpoint-cases.js'
import {
  byPublishedKey,
  delegate,
  delegateOf,
  draftFor,
  holder,
  parametersAt,
  pseudonym,
  type ResourceStage,
  routeOf,
  type Signer,
} from './stage.js'

const group = 'revocation'
const needs = ['authorized', 'revocation-endpoint']

/** A request under an auth token of a grant. */
function underGrant(stage: ResourceStage, grant: string): WireRequest {
  const route = routeOf(stage, 'authorized')
  return signDraft(
    draftFor(
      stage,
      route,
      holder(stage, route, draft => ({ ...draft, claims: { ...draft.claims, grant } })),
    ),
  )
}

interface Notice {
  /** Default the auth server. */
  readonly signer?: Signer
  readonly change?: DraftChange
}

/** A notice that a grant has ended. */
export function notice(stage: ResourceStage, form: Readonly<Record<string, string>>, o: Notice = {}): WireRequest {
  const { signer = byPublishedKey(stage.authServer), change = draft => draft } = o
  const draft = postDraft({
    authority: stage.authority,
    scheme: stage.scheme,
    target: endpointTarget(stage, 'revocation_endpoint'),
    signer,
    body: formBody(form),
    parameters: parametersAt(stage.now()),
  })
  return signDraft(change(draft))
}

function replaceHeader(name: string, value: string): DraftChange {
  return draft => ({ ...draft, headers: draft.headers.map(line => (line[0] === name ? [name, value] : line)) })
}

const inHalfAnHour = (stage: ResourceStage): string => String(stage.now() + 1800)
const denied: Refusal = { status: 403 }

/** REV: grants that have ended. */
export const revocationCases: readonly Case<ResourceStage>[] = [
  {
    id: 'REV-01',
    group,
    needs,
    clauses: ['REV-10', 'revocation.refused'],
    async run(trial, stage) {
      const [grant, other] = [randomUUID(), randomUUID()]
      await trial.control('a token of the grant', () => underGrant(stage, grant))
      const { response } = await trial.sent('the auth server says that the grant has ended', () =>
        notice(stage, { grant, exp: inHalfAnHour(stage) }),
      )
      trial.holds('the answer is 204', response?.status === 204, `it is ${response?.status}`)
      await trial.refused('a token of the grant, after that', () => underGrant(stage, grant), refusals.authToken)
      await trial.accepted('a token of another grant', () => underGrant(stage, other))
    },
  },
  {
    id: 'revocation.unseen',
    group,
    needs,
    async run(trial, stage) {
      const grant = randomUUID()
      await trial.control('a token of another grant', () => underGrant(stage, randomUUID()))
      const told = await trial.accepted('a grant has ended that was never seen', () =>
        notice(stage, { grant, exp: inHalfAnHour(stage) }),
      )
      trial.holds('the answer is 204', told?.status === 204, String(told?.status))
      await trial.refused('the first token of the grant', () => underGrant(stage, grant), refusals.authToken)
      // It is kept for a minute longer, since the clocks of issuer and resource may differ so far.
      const brief = randomUUID()
      await trial.accepted('a grant has ended, whose last token ends in two seconds', () =>
        notice(stage, { grant: brief, exp: String(stage.now() + 2) }),
      )
      await new Promise(resolve => setTimeout(resolve, 3500))
      await trial.refused('a token of it, a second after that', () => underGrant(stage, brief), refusals.authToken)
    },
  },
  {
    id: 'times.notice',
    group,
    needs,
    clauses: ['revocation.notice'],
    async run(trial, stage) {
      const grant = randomUUID()
      const ends = (seconds: number) => () => notice(stage, { grant, exp: String(stage.now() + seconds) })
      await trial.control('a token of the grant', () => underGrant(stage, grant))
      for (const seconds of [-1, -86_400]) {
        const { response } = await trial.sent(`exp was ${-seconds} s ago`, ends(seconds))
        trial.holds('the answer is 204', response?.status === 204, `it is ${response?.status}`)
      }
      await trial.refused('exp is 3670 s ahead', ends(3670), refusals.request)
      await trial.refused('exp is a day ahead', ends(86_400), refusals.request)
      const { response } = await trial.sent('exp is 3650 s ahead', ends(3650))
      trial.holds('the answer is 204', response?.status === 204, `it is ${response?.status}`)
      await trial.refused('a token of the grant, after that', () => underGrant(stage, grant), refusals.authToken)
    },
  },
  {
    id: 'REV-04',
    words: 'must refuse any other `id` with 403',
    group,
    needs,
    async run(trial, stage) {
      const grant = randomUUID()
      await trial.control('a token of the grant', () => underGrant(stage, grant))
      const form = { grant, exp: inHalfAnHour(stage) }
      const anyone: Refusal = { status: [401, 403] }
      await trial.refused(
        'an inline key says that it has ended',
        () => notice(stage, form, { signer: pseudonym() }),
        anyone,
      )
      await trial.refused('a delegate says so', () => notice(stage, form, { signer: delegate(stage) }), anyone)
      await trial.refused(
        'a delegate of the auth server says so',
        () => notice(stage, form, { signer: delegateOf(stage, stage.authServer) }),
        anyone,
      )
      await trial.refused(
        'nobody has signed it',
        () => {
          const { method, target, headers, body } = notice(stage, form)
          return { method, target, headers: headers.filter(([name]) => !name.startsWith('signature')), body }
        },
        anyone,
      )
      await trial.refused(
        'an agent says so',
        () => notice(stage, form, { signer: byPublishedKey(stage.agent) }),
        denied,
      )
      await trial.refused(
        'a token of it says so',
        () => notice(stage, form, { signer: holder(stage, routeOf(stage, 'authorized')) }),
        anyone,
      )
      await trial.accepted('the grant goes on', () => underGrant(stage, grant))
    },
  },
  {
    id: 'revocation.own',
    words: 'Nothing in the form may name another',
    group,
    needs: [...needs, 'loopback'],
    async run(trial, stage) {
      const grant = randomUUID()
      const exp = inHalfAnHour(stage)
      await trial.control('a token of the grant', () => underGrant(stage, grant))
      const signer = byPublishedKey(await stage.open())
      const form = { grant, exp, iss: stage.authServer.id, issuer: stage.authServer.id }
      await trial.refused('a stranger names the issuer in its form', () => notice(stage, form, { signer }), denied)
      await trial.accepted('the grant goes on', () => underGrant(stage, grant))
      await trial.accepted('the issuer names a stranger in its form', () =>
        notice(stage, { grant, exp, iss: 'https://other.example' }),
      )
      await trial.refused('its own grant has ended', () => underGrant(stage, grant), refusals.authToken)
    },
  },
  {
    id: 'REV-06',
    words: 'at most 1 h 60 s ahead, else `invalid_request`',
    group,
    needs,
    async run(trial, stage) {
      const grant = randomUUID()
      await trial.control('a token of the grant', () => underGrant(stage, grant))
      for (const [fault, exp] of [
        ['is missing', undefined],
        ['is no number', 'soon'],
        ['is a day ahead', String(stage.now() + 90_000)],
        // The clocks tick while the notice is on its way.
        ['is 1 h 64 s ahead', String(stage.now() + 3664)],
      ] as const)
        await trial.refused(
          `exp ${fault}`,
          () => notice(stage, exp === undefined ? { grant } : { grant, exp }),
          refusals.request,
        )
      await trial.accepted('the grant goes on', () => underGrant(stage, grant))
      const far = String(stage.now() + 3658)
      await trial.accepted('exp is 1 h 58 s ahead', () => notice(stage, { grant, exp: far }))
      await trial.refused('the grant has ended', () => underGrant(stage, grant), refusals.authToken)
    },
  },
  {
    id: 'revocation.notice',
    words: '`exp` is the time at which the last token of the grant expires',
    group,
    needs,
    async run(trial, stage) {
      const grant = randomUUID()
      const exp = inHalfAnHour(stage)
      await trial.control('a token of the grant', () => underGrant(stage, grant))
      for (const bad of [undefined, '', 'a b', 'a.b', 'x'.repeat(65)])
        await trial.refused(
          `grant is ${bad === undefined ? 'missing' : `"${bad}"`}`,
          () => notice(stage, bad === undefined ? { exp } : { grant: bad, exp }),
          refusals.request,
        )
      await trial.refused(
        'a parameter is in the URL',
        () => notice(stage, { grant, exp }, { change: draft => ({ ...draft, target: `${draft.target}?grant=x` }) }),
        refusals.request,
      )
      await trial.refused(
        'the body says that it is JSON',
        () => notice(stage, { grant, exp }, { change: replaceHeader('content-type', 'application/json') }),
        { status: 415, error: 'invalid_request' },
      )
      await trial.refused(
        'the body says that it is compressed',
        () =>
          notice(
            stage,
            { grant, exp },
            { change: draft => ({ ...draft, headers: [...draft.headers, ['content-encoding', 'gzip']] }) },
          ),
        { status: 415, error: 'invalid_request' },
      )
      await trial.refused(
        'the method is PUT',
        () => notice(stage, { grant, exp }, { change: draft => ({ ...draft, method: 'PUT' }) }),
        { status: 405 },
      )
      await trial.accepted('the grant goes on', () => underGrant(stage, grant))
      const longest = `${randomUUID()}_${randomUUID()}`.slice(0, 64)
      for (const name of [longest, longest.slice(1, 2)]) {
        await trial.accepted(`grant is ${name}`, () => notice(stage, { grant: name, exp }))
        await trial.refused(`a token of the grant ${name}`, () => underGrant(stage, name), refusals.authToken)
      }
    },
  },
  {
    id: 'REV-08',
    words: 'The answer is 204',
    group,
    needs,
    async run(trial, stage) {
      const grant = randomUUID()
      const form = { grant, exp: inHalfAnHour(stage) }
      let sent = notice(stage, form)
      await trial.control('a grant has ended', () => {
        sent = notice(stage, form)
        return sent
      })
      await trial.refused('the same bytes come again', sent, refusals.replay)
      await trial.accepted('the notice comes again, signed anew', () => notice(stage, form))
    },
  },
]
