import type { Case } from '../case/case.js'
import { refusals } from '../case/refusal.js'
import { isAccepted } from '../case/trial.js'
import { signDraft } from '../signing/draft.js'
import { addHeaders, type WireRequest } from '../wire/message.js'
import { callerFor, draftFor, lowestRoute, parametersAt, pseudonym, type ResourceStage, routeOf } from './stage.js'

const group = 'replay'
const needs = ['write']

/** A signed POST that nobody has sent. */
function signedPost(stage: ResourceStage): WireRequest {
  const route = lowestRoute(stage, 'POST')
  return signDraft(draftFor(stage, route, callerFor(stage, route)))
}

/** NON: a request takes effect once. */
export const replayCases: readonly Case<ResourceStage>[] = [
  {
    id: 'NON-01',
    words: 'must refuse one that it sees again',
    group,
    needs,
    clauses: ['error.replay-detected'],
    async run(trial, stage) {
      let post = signedPost(stage)
      await trial.control('a signed POST', () => {
        post = signedPost(stage)
        return post
      })
      await trial.refused('the same bytes come again', post, refusals.replay)
      await trial.refused('the same bytes come a third time', post, refusals.replay)
    },
  },
  {
    id: 'NON-02',
    group,
    needs,
    async run(trial, stage) {
      const route = lowestRoute(stage, 'POST')
      const unnamed = () => {
        const draft = draftFor(stage, route, callerFor(stage, route))
        return signDraft({ ...draft, parameters: `;created=${stage.now()};x="${draft.parameters.length}"` })
      }
      await trial.control('a signed POST', () => signedPost(stage))
      let post = unnamed()
      await trial.accepted('a signed POST without a nonce', () => {
        post = unnamed()
        return post
      })
      await trial.refused('the same bytes come again', post, refusals.replay)
    },
  },
  {
    id: 'NON-05',
    words: 'A request is remembered as',
    group,
    needs,
    async run(trial, stage) {
      let post = signedPost(stage)
      await trial.control('a signed POST', () => {
        post = signedPost(stage)
        return post
      })
      await trial.refused('it comes again with a Nonce header', addHeaders(post, ['Nonce', 'fresh']), refusals.replay)
      await trial.refused(
        'it comes again with another Idempotency-Key',
        addHeaders(post, ['Idempotency-Key', 'fresh']),
        refusals.replay,
      )
    },
  },
  {
    id: 'NON-06',
    words: 'A request is remembered as',
    group,
    needs: ['write', 'pseudonymous-write'],
    async run(trial, stage) {
      const route = routeOf(stage, 'pseudonymous', 'POST')
      const parameters = parametersAt(stage.now())
      const post = () => signDraft({ ...draftFor(stage, route, pseudonym()), parameters })
      await trial.control('a signed POST', post)
      await trial.accepted('another key signs with the same nonce and time', post)
    },
  },
  {
    id: 'sig.replay.key',
    words: 'must never be keyed on the signature bytes',
    group,
    needs: ['pseudonymous-write', 'ES256'],
    async run(trial, stage) {
      const route = routeOf(stage, 'pseudonymous', 'POST')
      const draft = () => draftFor(stage, route, pseudonym('ES256'))
      let sent = draft()
      await trial.control('a POST signed with ES256', () => {
        sent = draft()
        return signDraft(sent)
      })
      await trial.refused(
        'the same signature base comes with another signature',
        () => signDraft(sent),
        refusals.replay,
      )
    },
  },
  {
    id: 'NON-09',
    words: 'must refuse one that it sees again',
    group,
    needs,
    async run(trial, stage) {
      await trial.control('a signed POST', () => signedPost(stage))
      const post = signedPost(stage)
      const all = await Promise.all(
        Array.from({ length: 16 }, (_, at) => trial.sent(`copy ${at + 1} of one POST, all at once`, post)),
      )
      const accepted = all.filter(({ response }) => isAccepted(response)).length
      trial.holds('exactly one of 16 copies is accepted', accepted === 1, `${accepted} were accepted`)
    },
  },
  {
    id: 'NON-11',
    words: 'may remember safe requests elsewhere',
    group,
    async run(trial, stage) {
      const route = lowestRoute(stage)
      const get = signDraft(draftFor(stage, route, callerFor(stage, route)))
      const first = await trial.control('a signed GET', get)
      const { response } = await trial.sent('the same GET comes again', get)
      const status = response?.status ?? 0
      trial.holds(
        'it is answered as the first time, or as a replay where the resource remembers them',
        status === first.status || status === 401,
        `the status is ${status}`,
      )
    },
  },
  {
    id: 'sig.replay.after-checks',
    words: 'must be refused before it is remembered',
    group,
    needs: ['write'],
    async run(trial, stage) {
      const route = lowestRoute(stage, 'POST')
      const draft = draftFor(stage, route, callerFor(stage, route))
      await trial.control('a signed POST', () => signedPost(stage))
      const post = signDraft(draft)
      await trial.refused(
        'its body was replaced on the way',
        { ...post, body: Buffer.from('{"other":1}') },
        refusals.signature,
      )
      await trial.accepted('it comes as it was signed, after that', post)
    },
  },
]
