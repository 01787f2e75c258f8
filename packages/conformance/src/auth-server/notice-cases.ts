import type { Case } from '../case/case.js'
import { type Trial, Undecided } from '../case/trial.js'
import { publishedKeys } from '../endpoint/document-cases.js'
import { receivedSignature, replyBytes, verifies, visitBytes } from '../participants/received.js'
import { byPublishedKey } from '../resource/stage.js'
import { claimsOf, givenBack, granted } from './asked-user.js'
import { exchangeForm } from './exchange.js'
import { noticePath, noticesOf } from './notices.js'
import { type AuthServerStage, asked } from './stage.js'

const group = 'notices'

/** A user's grant ends. @throws Undecided where tokens name no grant */
async function endedGrant(trial: Trial, stage: AuthServerStage): Promise<{ grant: unknown; at: number }> {
  const one = await granted(trial, stage, { agent: await stage.openAgent() })
  const { grant } = one.claims
  if (grant === undefined) throw new Undecided('not applicable', 'auth tokens name no grant')
  await trial.accepted('the agent gives its grant back', () => givenBack(stage, one))
  return { grant, at: stage.now() }
}

/** REV: what a resource is told of a grant that has ended. */
export const noticeCases: readonly Case<AuthServerStage>[] = [
  {
    id: 'revocation.own',
    words: 'The signer is the `iss` whose grant ends',
    group,
    needs: ['consent', 'user'],
    clauses: ['revocation.notice', 'revocation.signer'],
    async run(trial, stage) {
      const { grant, at } = await endedGrant(trial, stage)
      const [notice] = await noticesOf(stage, grant, 1)
      trial.holds('the resource is told', notice !== undefined)
      if (notice === undefined) return
      trial.shown('the notice', visitBytes(notice), replyBytes(notice))
      trial.holds('it is a POST', notice.method === 'POST')
      const form = new URLSearchParams(notice.body.toString('utf8'))
      const isOnce = ['grant', 'exp'].every(name => form.getAll(name).length === 1)
      trial.holds('the form has grant and exp, each once', isOnce, [...form.keys()].join(' '))
      const exp = Number(form.get('exp'))
      trial.holds('exp is an hour and a minute ahead at most', exp > at - 60 && exp <= at + 3660 + 5, `it is ${exp}`)
      const signed = receivedSignature(notice, new URL(stage.resource.id).host)
      trial.holds('it is signed by jwks_uri', signed?.scheme === 'jwks_uri', `it is ${signed?.scheme}`)
      const { id, kid } = signed?.keyParameters ?? {}
      trial.holds('id is the issuer', id === stage.id, `it is ${String(id)}`)
      const key = (await publishedKeys(trial, stage)).find(one => one['kid'] === kid)
      trial.holds('a published key has signed it', signed !== undefined && key !== undefined && verifies(signed, key))
    },
  },
  {
    id: 'revocation.until',
    words: 'the longest life of its tokens',
    group,
    needs: ['consent', 'user'],
    async run(trial, stage) {
      const one = await granted(trial, stage, { agent: await stage.openAgent() })
      const { grant } = one.claims
      if (grant === undefined) throw new Undecided('not applicable', 'auth tokens name no grant')
      const form = { request_type: 'refresh', refresh_token: one.refreshToken }
      const refreshed = claimsOf(await trial.accepted('the agent refreshes', () => asked(stage, form, one.signer)))
      trial.holds('the new token is of the same grant', refreshed['grant'] === grant, String(refreshed['grant']))
      await trial.accepted('the agent gives its grant back', () => givenBack(stage, one))
      const [notice] = await noticesOf(stage, grant, 1)
      trial.holds('the resource is told', notice !== undefined)
      if (notice === undefined) return
      trial.shown('the notice', visitBytes(notice), replyBytes(notice))
      const until = Number(new URLSearchParams(notice.body.toString('utf8')).get('exp'))
      // A resource forgets the grant soon after: a token that ends later would be good again.
      for (const [title, { exp }] of [
        ['the first token', one.claims],
        ['the refreshed token', refreshed],
      ] as const)
        trial.holds(`${title} ends no later than the notice`, Number(exp) <= until, `${String(exp)} and ${until}`)
    },
  },
  {
    id: 'REV-19',
    words: 'Any answer but 204 is tried again',
    group,
    needs: ['consent', 'user'],
    async run(trial, stage) {
      let refusals = 0
      stage.resource.origin.answer(noticePath, () => ({ status: refusals++ === 0 ? 503 : 204, body: '' }))
      try {
        const { grant } = await endedGrant(trial, stage)
        const notices = await noticesOf(stage, grant, 2)
        trial.holds('a resource that was away is told again', notices.length === 2, `${notices.length} notices came`)
        await new Promise(resolve => setTimeout(resolve, 1500))
        const all = await noticesOf(stage, grant, 1)
        trial.holds('after 204 it is not told again', all.length === notices.length, `${all.length} notices came`)
      } finally {
        stage.resource.origin.answer(noticePath, () => ({ status: 204, body: '' }))
      }
    },
  },
  {
    id: 'revocation.written',
    group,
    needs: ['consent', 'user', 'exchange'],
    clauses: ['exchange.issued'],
    async run(trial, stage) {
      const { middle, configuration } = stage
      const agent = await stage.openAgent()
      const one = await granted(trial, stage, { agent, resource: middle, scope: configuration.exchangeScope })
      const form = { ...exchangeForm(stage), upstream_token: one.token }
      const response = await trial.control('the middle exchanges its token', () =>
        asked(stage, form, byPublishedKey(middle)),
      )
      const { grant } = claimsOf(response)
      if (grant === undefined) throw new Undecided('not applicable', 'auth tokens name no grant')
      await trial.accepted('the agent gives its grant back', () => givenBack(stage, one))
      const notices = await noticesOf(stage, grant, 1)
      trial.holds('the resource is told of what came of it by exchange', notices.length === 1, `${notices.length} came`)
    },
  },
]
